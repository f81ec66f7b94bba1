"""What three tables knew of their mails comes into the outbox, and goes back: nothing unsent is lost, nothing sent is
sent again."""

import re

import pytest
import sqlalchemy as sa

from ops import migrate
from tests.house.test_migrations import empty  # noqa: F401 (a fixture)

FILE = next((migrate.FOLDER / "versions").glob("*_staff_mails.py")).read_text()
HERE, BEFORE = (re.search(rf'^{name} = "(\w+)"', FILE, re.M)[1] for name in ("revision", "down_revision"))

PEOPLE = """
SET LOCAL session_replication_role = replica;
INSERT INTO users (id, email, name, role, active, created_at, failed_sign_ins, single_keys) OVERRIDING SYSTEM VALUE
SELECT n, 'u' || n || '@example.com', 'U', 'member', true, now(), 0, true FROM generate_series(1, 8) AS n;
INSERT INTO memberships (user_id, practice_id, granted_at) VALUES (1, 7, now()), (2, 7, now());
INSERT INTO concerns (id, practice_id, patient_id, task_id, attempt_id, words, raised_at, raised_by)
    OVERRIDING SYSTEM VALUE VALUES (5, 7, 1, 1, 1, '', now(), 'user:1');
INSERT INTO concerns (id, practice_id, patient_id, task_id, attempt_id, words, raised_at, raised_by, seen_at, seen_by,
                      settled_at, settled_by, done)
    OVERRIDING SYSTEM VALUE VALUES (6, 7, 1, 2, 2, '', now(), 'user:1', now(), 'user:8', now(), 'user:8', 'called');
"""
LINKS = """
INSERT INTO account_links (id, user_id, purpose, token_hash, created_at, expires_at, used_at, by_mail, mailed_at)
OVERRIDING SYSTEM VALUE VALUES
    (1, 1, 'reset', 'a', now() - interval '3 days', now(), NULL, true, NULL),
    (2, 2, 'invite', 'b', now(), now(), now(), true, now()),
    (3, 3, 'invite', 'c', now(), now(), now(), true, NULL),
    (4, 4, 'reset', 'd', now(), now(), NULL, false, NULL)
"""
APPROVALS = """
INSERT INTO script_approvals (id, practice_id, version_id, text_hash, asked_at, asked_by, expires_at, by_mail,
                              mailed_at, answer, answered_at)
OVERRIDING SYSTEM VALUE VALUES
    (1, 7, 1, 'a', now() - interval '3 days', 'user:1', now(), true, NULL, NULL, NULL),
    (2, 7, 1, 'b', now(), 'user:1', now(), true, now(), 'approved', now()),
    (3, 7, 1, 'c', now(), 'user:1', now(), true, NULL, 'approved', now()),
    (4, 7, 1, 'd', now(), 'user:1', now(), false, NULL, NULL, NULL)
"""
CONCERN_MAILS = """
INSERT INTO concern_mails (concern_id, user_id, made_at, claimed_at, sent_at, problem, given_up) VALUES
    (5, 1, now(), NULL, NULL, NULL, false),
    (5, 2, now(), now(), now(), NULL, false),
    (5, 3, now(), now(), NULL, NULL, false),
    (5, 4, now(), now(), NULL, 'the connection broke while it was handed over', false),
    (5, 5, now(), NULL, NULL, 'the mail server refused the address (550)', true),
    (5, 6, now(), NULL, NULL, 'the account is closed', true),
    (5, 7, now(), NULL, NULL, 'the mail server did not answer', false),
    (6, 1, now(), NULL, NULL, NULL, false),
    (6, 2, now() - interval '3 days', NULL, NULL, NULL, false),
    (6, 4, now(), now(), NULL, 'the connection broke while it was handed over', false),
    (6, 5, now(), NULL, NULL, 'the mail server refused the address (550)', true)
"""
NOW = [
    # kind, about, user, to, state, problem, reply
    ("approval", 1, None, "u1@example.com, u2@example.com", "queued", None, None),
    ("approval", 2, None, "u1@example.com, u2@example.com", "sent", None, None),
    ("concern", 5, 1, "u1@example.com", "queued", None, None),
    ("concern", 5, 2, "u2@example.com", "sent", None, None),
    ("concern", 5, 3, "u3@example.com", "claimed", None, None),
    ("concern", 5, 4, "u4@example.com", "unknown", "cut_after", None),
    ("concern", 5, 5, "u5@example.com", "failed", "address", 550),
    ("concern", 5, 6, "u6@example.com", "failed", "closed", None),
    ("concern", 5, 7, "u7@example.com", "queued", "no_answer", None),
    ("concern", 6, 1, "u1@example.com", "queued", None, None),
    ("concern", 6, 2, "u2@example.com", "failed", None, None),
    ("concern", 6, 4, "u4@example.com", "unknown", "cut_after", None),
    ("concern", 6, 5, "u5@example.com", "failed", "address", 550),
    ("invitation", 2, 2, "u2@example.com", "sent", None, None),
    ("reset", 1, 1, "u1@example.com", "queued", None, None),
]
ALL = {
    "links": "SELECT id, by_mail, mailed_at FROM account_links ORDER BY id",
    "approvals": "SELECT id, by_mail, mailed_at FROM script_approvals ORDER BY id",
    "concerns": "SELECT user_id, made_at, claimed_at, sent_at, problem, given_up FROM concern_mails "
    "ORDER BY concern_id, user_id",
}


@pytest.fixture
def filled(empty):  # noqa: F811
    engine, _ = empty
    migrate.upgrade(engine, BEFORE)
    with engine.begin() as connection:
        for statement in (PEOPLE, LINKS, APPROVALS, CONCERN_MAILS):
            connection.execute(sa.text(statement))
    return engine


def rows(engine, query: str) -> list[tuple]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def test_what_was_to_be_emailed_is_queued_and_what_was_emailed_is_not(filled):
    migrate.upgrade(filled, HERE)
    query = "SELECT kind, about_id, user_id, to_address, state, problem, reply_code FROM staff_mails ORDER BY 1, 2, 3"
    assert rows(filled, query) == NOW


def test_what_a_lead_has_settled_waits_for_nobodys_decision(filled):
    migrate.upgrade(filled, HERE)
    settled = "SELECT about_id, user_id, late, settled_by FROM staff_mails WHERE settled_at IS NOT NULL ORDER BY 2"
    assert rows(filled, settled) == [(6, 2, True, "user:8"), (6, 4, False, "user:8"), (6, 5, False, "user:8")]


def test_what_waited_long_for_a_server_has_a_day_from_now(filled):
    migrate.upgrade(filled, HERE)
    old = "SELECT count(*) FROM staff_mails WHERE kind <> 'concern' AND queued_at < now() - interval '1 hour'"
    assert rows(filled, old) == [(0,)]


def test_on_the_way_back_the_three_tables_say_the_same_as_before(filled):
    before = {name: rows(filled, query) for name, query in ALL.items()}
    migrate.upgrade(filled, HERE)
    migrate.downgrade(filled, BEFORE)
    after = {name: rows(filled, query) for name, query in ALL.items()}
    # who had a link or an answer before the mail left is not mailed any more, and does not come back as if they were
    moot = [("links", 2), ("approvals", 2)]
    for name, number in moot:
        assert before[name].pop(number) == (number + 1, True, None)
        assert after[name].pop(number) == (number + 1, False, None)
    assert after == before
