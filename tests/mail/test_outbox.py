"""Emails to people with an account: once, whatever breaks; what may have left waits for a person."""

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts import links
from ops.accounts.models import AccountLink, LinkPurpose
from ops.background import queue
from ops.config import settings
from ops.db import db, transaction
from ops.mail import jobs, outbox
from ops.mail.models import MailKind, MailState, StaffMail
from ops.mail.problems import Problem
from tests.letters import free_port, mail_server
from tests.processes import kill, wait_until
from tests.world import make_user

ROOT = Path(__file__).parents[2]
NOON = clock.now()


@pytest.fixture
def box(app, monkeypatch):
    with mail_server(monkeypatch) as box:
        yield box


@pytest.fixture
def ann(app):
    return make_user("agent", email="ann@example.com", password="four unrelated words")


def ask(user) -> int:
    """A person forgot the password; the email that comes of it."""
    with clock.moved_to(NOON), transaction("forgot"):
        assert links.ask_for_link(user.email)
    return db.session.scalar(sa.select(sa.func.max(StaffMail.id)))


def fresh(mail_id: int) -> StaffMail:
    return db.session.get_one(StaffMail, mail_id, populate_existing=True)


def at(after: timedelta, what, *args):
    with clock.moved_to(NOON + after):
        return what(*args)


def sweep_for(hours: int) -> None:
    """What the tick does for so long, every half hour."""
    for minutes in range(0, hours * 60, 30):
        at(timedelta(minutes=minutes), jobs.upkeep)


def token_of(letter: str) -> str:
    return letter.replace("=\r\n", "").partition("/link/")[2].split()[0]


def test_cut_after_the_email_went_over_it_was_sent_once_with_one_token(client, box, ann):
    mail_id = ask(ann)
    box.hang_up = "after"
    at(timedelta(0), jobs.send, mail_id)
    sweep_for(hours=30)
    [(_, letter)] = box.letters
    mail = fresh(mail_id)
    assert (mail.state, mail.problem, mail.tries) == (MailState.UNKNOWN, Problem.CUT_AFTER, 1)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AccountLink)) == 1
    client.get(f"/link/{token_of(letter)}", expect=200)


def test_cut_before_the_email_went_over_it_is_tried_again_and_arrives_once(client, box, ann):
    mail_id = ask(ann)
    box.hang_up = "before"
    at(timedelta(0), jobs.send, mail_id)
    assert (fresh(mail_id).state, fresh(mail_id).claimed_at) == (MailState.QUEUED, None)
    at(timedelta(seconds=30), jobs.send, mail_id)
    assert fresh(mail_id).tries == 1, "not before its time, however often it is rung"
    box.hang_up = None
    at(timedelta(minutes=2), jobs.upkeep)
    at(timedelta(minutes=4), jobs.upkeep)
    [(_, letter)] = box.letters
    assert (fresh(mail_id).state, fresh(mail_id).problem) == (MailState.SENT, None)
    client.get(f"/link/{token_of(letter)}", expect=200)


def test_the_tick_waits_longer_each_time_and_gives_up_after_a_day_with_the_reason(app, ann, monkeypatch):
    with transaction("test"):
        invited = make_user("agent", email="new@example.com")
        links.mail_link(invited, LinkPurpose.INVITE)
    mail_id = db.session.scalar(sa.select(StaffMail.id))
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    settings.cache_clear()
    began, pauses = fresh(mail_id).queued_at, []
    while fresh(mail_id).state is MailState.QUEUED:
        due = fresh(mail_id).due_at
        with clock.moved_to(due):
            jobs.upkeep()
        pauses.append(fresh(mail_id).due_at - due)
    mail = fresh(mail_id)
    assert [pause.total_seconds() / 60 for pause in pauses[:8]] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (mail.state, mail.problem, mail.late, mail.claimed_at) == (MailState.FAILED, Problem.NO_ANSWER, True, None)
    assert timedelta(hours=22) < mail.due_at - began <= timedelta(hours=24)


@pytest.mark.parametrize("when", ["due", "late"])
def test_what_waited_for_more_than_a_day_is_not_sent_any_more(box, ann, when, monkeypatch):
    monkeypatch.setitem(links.LIVES, LinkPurpose.RESET, timedelta(days=7))
    mail_id = ask(ann)
    at(timedelta(hours=23 if when == "due" else 25), jobs.upkeep)
    assert len(box.letters) == (when == "due")
    assert fresh(mail_id).late == (when == "late")


def test_a_refused_recipient_fails_it_with_the_reason(box, ann):
    mail_id = ask(ann)
    box.refuse = "550 no such person"
    at(timedelta(0), jobs.send, mail_id)
    box.refuse = None
    sweep_for(hours=2)
    mail = fresh(mail_id)
    assert box.letters == []
    assert (mail.state, mail.problem, mail.reply_code) == (MailState.FAILED, Problem.ADDRESS, 550)
    assert (mail.late, mail.claimed_at) == (False, None)


def test_an_address_nobody_can_write_to_fails_it_and_holds_up_no_other(box, ann, monkeypatch):
    mail_id = ask(ann)
    monkeypatch.setenv("MAIL_FROM", "nobody\nelse@example.com")
    settings.cache_clear()
    at(timedelta(minutes=2), jobs.upkeep)
    assert (fresh(mail_id).state, fresh(mail_id).problem) == (MailState.FAILED, Problem.NOT_WRITTEN)


WORKER = """
import sys
from ops import create_app
from ops.mail import jobs
with create_app().app_context():
    jobs.send(int(sys.argv[1]))
"""


@pytest.mark.kills
def test_a_worker_killed_while_it_sends_leaves_it_unknown_and_nobody_sends_it_again(box, ann):
    mail_id = ask(ann)
    box.hang_up = "silent"
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(mail_id)], cwd=ROOT)
    wait_until(lambda: box.letters, 30)
    kill(worker.pid)
    worker.wait()
    assert fresh(mail_id).state is MailState.CLAIMED
    claimed = fresh(mail_id).claimed_at
    db.session.rollback()
    for minutes, state in ((3, MailState.CLAIMED), (5, MailState.UNKNOWN), (600, MailState.UNKNOWN)):
        with clock.moved_to(claimed + timedelta(minutes=minutes)):
            jobs.upkeep()
            jobs.send(mail_id)
        assert fresh(mail_id).state is state
    assert fresh(mail_id).problem is Problem.LOST
    assert len(box.letters) == 1


@pytest.mark.parametrize("tries", [0, 1], ids=["rung", "tried again"])
def test_workers_that_race_for_an_email_deliver_it_once(app, box, tries):
    mail_ids = [ask(make_user("agent")) for _ in range(5)]
    box.hang_up = "before"
    for mail_id in mail_ids * tries:
        at(timedelta(0), jobs.send, mail_id)
    box.hang_up = None
    start = threading.Barrier(4)

    def work() -> None:
        with app.app_context(), clock.moved_to(NOON + timedelta(minutes=2)):
            for mail_id in mail_ids:
                start.wait()
                jobs.send(mail_id)
            db.session.remove()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(box.letters) == 5
    assert {fresh(mail_id).state for mail_id in mail_ids} == {MailState.SENT}
    assert {fresh(mail_id).tries for mail_id in mail_ids} == {tries + 1}


def test_no_transaction_is_open_while_the_email_is_sent(box, ann, monkeypatch):
    mail_id, seen = ask(ann), []
    from ops.mail import client

    connect = client.connect

    def look(url):
        with db.engine.connect() as other:
            seen.append(other.scalar(sa.select(StaffMail.state)))
        assert not db.session.registry().in_transaction()
        return connect(url)

    monkeypatch.setattr(client, "connect", look)
    at(timedelta(0), jobs.send, mail_id)
    assert seen == [MailState.CLAIMED]


def test_the_answer_of_a_slow_worker_counts_after_it_was_called_lost(box, ann):
    mail_id = ask(ann)
    with transaction("mail"):
        claimed = at(timedelta(0), outbox.claim, mail_id)
    at(timedelta(minutes=5), jobs.upkeep)
    assert fresh(mail_id).state is MailState.UNKNOWN
    with transaction("mail"):
        assert outbox.settle(claimed, {})
    assert (fresh(mail_id).state, fresh(mail_id).problem) == (MailState.SENT, None)


def test_the_answer_of_a_slow_worker_changes_nothing_once_a_person_had_it_sent_again(box, ann):
    mail_id = ask(ann)
    with transaction("mail"):
        claimed = at(timedelta(0), outbox.claim, mail_id)
    at(timedelta(minutes=5), jobs.upkeep)
    with transaction("test"):
        assert outbox.send_again(mail_id)
        assert not outbox.settle(claimed, {})
    assert fresh(mail_id).state is MailState.QUEUED


def test_a_silent_server_holds_up_the_tick_for_a_while_only(app, box, monkeypatch):
    monkeypatch.setattr(jobs, "FOR_SECONDS", 0.2)
    monkeypatch.setattr("ops.mail.client.TIMEOUT_S", 0.3)
    mail_ids = [ask(make_user("agent")) for _ in range(3)]
    box.hang_up = "silent"
    for swept in (1, 2):
        at(timedelta(minutes=2), jobs.upkeep)
        assert [fresh(mail_id).state for mail_id in mail_ids].count(MailState.UNKNOWN) == swept


def test_one_reason_is_one_email(app, ann):
    with transaction("test"):
        first = outbox.queue(MailKind.CONCERN, 1, ann.email, ann.id)
        assert outbox.queue(MailKind.CONCERN, 1, ann.email, ann.id) is None
        others = [
            outbox.queue(MailKind.CONCERN, 2, ann.email, ann.id),
            outbox.queue(MailKind.CONCERN, 1, "", None),
            outbox.queue(MailKind.APPROVAL, 1, "", None),
        ]
        assert outbox.queue(MailKind.APPROVAL, 1, "", None) is None
    assert None not in others
    assert [job.args for job in queue("work").jobs] == [[mail_id] for mail_id in (first, *others)]


def test_a_doorbell_rings_after_the_commit_and_not_for_what_was_rolled_back(app, ann):
    with pytest.raises(ZeroDivisionError), transaction("test"):
        outbox.queue(MailKind.CONCERN, 1, ann.email, ann.id)
        assert queue("work").jobs == []
        raise ZeroDivisionError
    assert queue("work").jobs == []


def test_without_an_email_server_it_waits_and_is_neither_sent_nor_given_up(app, ann):
    mail_id = ask(ann)
    sweep_for(hours=30)
    assert (fresh(mail_id).state, fresh(mail_id).tries) == (MailState.QUEUED, 0)


def test_an_email_whose_link_was_used_or_replaced_is_not_sent(box, ann):
    mail_id = ask(ann)
    with clock.moved_to(NOON), transaction("test"):
        links.make_link(ann, LinkPurpose.RESET)
    sweep_for(hours=1)
    assert box.letters == []
    assert db.session.get(StaffMail, mail_id) is None


def test_a_newer_link_settles_the_email_that_failed(box, ann):
    mail_id = ask(ann)
    box.refuse = "550 no such person"
    at(timedelta(0), jobs.send, mail_id)
    with clock.moved_to(NOON), transaction("test"):
        links.make_link(ann, LinkPurpose.RESET)
    assert fresh(mail_id).settled_by == "a newer link"


def test_sent_again_by_a_person_it_has_a_token_of_its_own_and_the_earlier_one_is_void(client, box, ann):
    mail_id = ask(ann)
    box.hang_up = "after"
    at(timedelta(0), jobs.send, mail_id)
    with transaction("test"):
        assert outbox.send_again(mail_id)
        assert not outbox.send_again(mail_id), "a double press is one"
    box.hang_up = None
    jobs.send(mail_id)
    first, second = (token_of(letter) for _, letter in box.letters)
    client.get(f"/link/{first}", expect=410)
    client.get(f"/link/{second}", expect=200)
