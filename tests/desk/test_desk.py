"""The desk as an agent meets it, through the browser."""

import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import PatientRead, Role
from ops.cadences import jobs
from ops.db import db, transaction
from ops.practices.models import Practice
from ops.queue.actions import tasks
from ops.queue.models import Attempt, Task
from ops.referrals.models import Referral
from ops.work.kinds import Kind
from ops.work.states import EventKind, TaskState
from tests.floors import make_task
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"


def clock_at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.fixture
def practice(app) -> Practice:
    practice = make_practice(
        name="Harbor Skin",
        shareable="They never push.",
        website="https://one.example.com",
        callback_number="+13125550100",
    )
    jobs.practice_added(practice.id)
    return practice


@pytest.fixture
def patient(practice):
    with freeze_time(NOON):
        patient = make_patient(practice, "Maria", "Okafor", email="maria@example.com")
        make_milestone(patient, "Toxin", days_ago=14)
        jobs.import_finished(practice.id)
    return patient


@pytest.fixture
def agent(app):
    return make_user(Role.AGENT, name="Dana Reyes")


@pytest.fixture
def desk(sign_in, agent, patient):
    with freeze_time(NOON):
        yield sign_in(agent)


def task() -> Task:
    return db.session.scalars(sa.select(Task).where(Task.kind == "ask")).one()


def press_next(desk) -> str:
    return desk.post("/desk/next", follow_redirects=True, expect=200).get_data(as_text=True)


def save(desk, status: int = 303, **typed):
    form = {"fence": task().fence, "zone": "America/Chicago", "opening_said": "y"} | typed
    return desk.post(f"/tasks/{task().id}/outcome", data=form, expect=status)


def test_the_card_says_what_an_agent_needs_and_no_more(desk, patient):
    page = press_next(desk)
    for needed in ("Harbor Skin", "Maria", "Dana Reyes", "(312) 555-0100", "Treated on Feb 24, 2026", "injectable"):
        assert needed in page
    for too_much in ("Okafor", patient.phone, patient.phone[-7:], "maria@example.com", "1985"):
        assert too_much not in page


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "is owed the most time"),
        ({"promised_at": clock_at(NOON)}, "promises come first"),
        ({"handed_at": clock_at(NOON), "owner_until": clock_at("2026-03-10 19:00:00")}, "It is assigned to you"),
    ],
)
def test_the_card_says_why_this_one(desk, agent, given, says):
    with transaction("test"):
        waiting = task()
        waiting.owner_id = agent.id if "handed_at" in given else None
        for name, value in given.items():
            setattr(waiting, name, value)
    assert says in press_next(desk)


def test_the_number_is_shown_by_an_act_that_is_logged(desk, patient, agent):
    press_next(desk)
    answer = desk.post(
        f"/tasks/{task().id}/reveal", data={"fence": 1}, headers={"Accept": "application/json"}, expect=200
    )
    assert answer.json["number"] == patient.phone
    reads = db.session.scalars(sa.select(PatientRead).where(PatientRead.user_id == agent.id)).all()
    assert [(read.what, read.subject_id) for read in reads] == [("card", task().id), ("number", task().id)]
    assert [read.shown_key for read in reads] == [None, patient.phone_key]


def test_the_number_shows_without_javascript_too(desk, patient):
    press_next(desk)
    page = desk.post(f"/tasks/{task().id}/reveal", data={"fence": 1}, expect=200).get_data(as_text=True)
    assert f"tel:{patient.phone}" in page


def test_an_outcome_is_saved_and_the_next_card_asked_for(desk):
    press_next(desk)
    save(desk, outcome="willing", note="Lovely 🌷 <b>talk</b> {{ 1 }}", and_next="y")
    attempt = db.session.scalars(sa.select(Attempt)).one()
    assert attempt.note == "Lovely 🌷 <b>talk</b> {{ 1 }}"


def test_a_friend_is_recorded_only_with_their_own_yes(desk):
    press_next(desk)
    friend = {"friend_name": "Ines", "friend_phone": "312 555 0177"}
    page = save(desk, 409, outcome="willing", note="typed", **friend).get_data(as_text=True)
    assert "how the friend agreed" in page and "typed" in page and "312 555 0177" in page
    assert db.session.scalars(sa.select(Referral)).all() == []
    save(desk, outcome="willing", friend_opt_in="on_the_call", **friend)
    assert db.session.scalars(sa.select(Referral.friend_phone)).one() == "+13125550177"


@pytest.mark.parametrize(
    "typed",
    [
        {"outcome": "nonsense"},
        {"outcome": ""},
        {"outcome": "callback"},
        {"outcome": "callback", "callback_at": "yesterday"},
        {"outcome": "callback", "callback_at": "2026-03-11T10:00", "zone": "Mars/Base"},
        {"outcome": "callback", "callback_at": "9999-12-31T23:59"},
        {"outcome": "willing", "friend_name": "I", "friend_phone": "not a number", "friend_opt_in": "form"},
        {"outcome": "willing", "friend_name": "I", "friend_email": "no email", "friend_opt_in": "form"},
    ],
)
def test_bad_input_is_a_clear_error_and_loses_nothing(desk, typed):
    press_next(desk)
    page = save(desk, 409, **({"note": "every word"} | typed)).get_data(as_text=True)
    assert "every word" in page and 'role="alert"' in page
    assert db.session.scalars(sa.select(Attempt)).all() == []
    assert task().state is TaskState.CLAIMED


def test_a_refused_outcome_shows_the_card_with_the_answers_that_were_ticked(desk):
    assert 'name="answers"' in press_next(desk)
    part = re.search(r'type="checkbox" name="answers" value="(\d+)"', desk.get("/desk").get_data(as_text=True))
    assert part
    page = save(desk, 409, outcome="willing", opening_said="", answers=["", part.group(1)]).get_data(as_text=True)
    assert "Please tick that you said" in page
    assert re.search(rf'name="answers" value="{part.group(1)}" form="outcome" checked', page)


def test_a_callback_is_agreed_in_the_patients_own_time(desk):
    press_next(desk)
    save(desk, outcome="callback", callback_at="2026-03-11T10:00", mine="y")
    assert task().promised_at.isoformat() == "2026-03-11T15:00:00+00:00"


def test_what_was_typed_is_kept_when_the_task_is_not_theirs_any_more(desk):
    press_next(desk)
    with transaction("user:99"):
        tasks.give_back(task(), EventKind.RELEASED_BY_LEAD, "user:99")
    page = save(desk, 409, outcome="willing", note="every word").get_data(as_text=True)
    assert "every word" in page and "not yours any more" in page


def test_the_heartbeat_says_when_the_task_is_lost(desk):
    press_next(desk)
    assert desk.post(f"/tasks/{task().id}/heartbeat", data={"fence": 1}, expect=200).json["held"] is True
    assert desk.post(f"/tasks/{task().id}/heartbeat", data={"fence": 7}, expect=409).json["held"] is False


def test_skip_wants_a_reason_and_gives_the_task_back(desk):
    press_next(desk)
    desk.post(f"/tasks/{task().id}/skip", data={"fence": 1, "reason": " "}, expect=409)
    desk.post(f"/tasks/{task().id}/skip", data={"fence": 1, "reason": "I know her"}, expect=303)
    assert task().state is TaskState.WAITING


@pytest.mark.parametrize(
    ("verb", "typed", "next_card"),
    [
        ("skip", {"means": "later"}, True),
        ("skip", {"means": "knows", "reason": "my cousin"}, True),
        ("snooze", {"until": "2026-03-12T10:00", "zone": "America/Chicago"}, True),
        ("release", {}, False),
    ],
)
def test_skip_and_snooze_bring_the_next_card(desk, verb, typed, next_card):
    press_next(desk)
    first = task()
    other = make_task(db.session.get_one(Practice, first.practice_id), Kind.RECALL)
    desk.post(f"/tasks/{first.id}/{verb}", data={"fence": 1} | typed, expect=303)
    assert (db.session.get_one(Task, other.id, populate_existing=True).state is TaskState.CLAIMED) is next_card
    if verb == "skip":
        desk.post(f"/tasks/{other.id}/skip", data={"fence": 1, "means": "whatever"}, expect=409)


def test_an_empty_desk_says_why(desk):
    press_next(desk)
    save(desk, outcome="not_now")
    page = desk.get("/desk", expect=200).get_data(as_text=True)
    assert re.search(r"Nothing can be worked|can be worked now", page)


def test_nobody_else_reaches_the_card(desk, sign_in, practice):
    press_next(desk)
    colleague, member = sign_in(make_user(Role.AGENT)), sign_in(make_user(Role.MEMBER, practice))
    for outsider, status in ((colleague, 409), (member, 404)):
        for verb in ("outcome", "reveal", "release", "skip", "heartbeat", "snooze"):
            answer = outsider.post(
                f"/tasks/{task().id}/{verb}",
                data={"fence": 1, "outcome": "willing", "reason": "x", "until": "2026-03-12T10:00", "zone": "UTC"},
                expect=status,
            )
            assert "Maria" not in answer.get_data(as_text=True)
    assert task().state is TaskState.CLAIMED
