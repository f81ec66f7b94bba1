"""A promise is taken only inside our own limits, nothing else uses it up, and one that fails ends with a human."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.config import settings
from ops.contact.actions import record_contact, suppress
from ops.db import db, transaction
from ops.errors import Refused
from ops.floor.actions import pause_kind
from ops.floor.board import Asked
from ops.floor.broken import broken_promises
from ops.messages import sending
from ops.messages.models import Message, MessageState
from ops.practices.actions import note_read
from ops.queue import jobs
from ops.queue.actions import tasks
from ops.queue.models import Task, TaskEvent
from ops.queue.people import person_of
from ops.queue.promises import possible
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.reads import ReadOf
from ops.work.states import EventKind, TaskState
from tests.floors import claim, do, make_floor, make_task, record, sweep
from tests.outbox import published
from tests.world import make_patient, make_practice, make_user

NOON = "2026-03-10 17:00:00"
"""A Tuesday, noon in Chicago."""
CAPPED = r"They may not be called then: contacted often enough in the last 24 hours\. They may from "


@pytest.fixture
def noon(app):
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(noon):
    return make_floor("lake", name="Lake Aesthetics")


@pytest.fixture
def agent(noon):
    return make_user(name="Ann Lee")


def called_before(task: Task, hours: int = 1) -> None:
    with transaction("test"):
        record_contact(task.person_key, task.practice_id, "call", clock.now() - timedelta(hours=hours))


def promise(task: Task, agent, at: datetime) -> None:
    record(task, agent, Outcome.CALLBACK, callback_at=at)


def broken_events() -> list[dict]:
    told = sa.select(TaskEvent.facts).where(TaskEvent.kind == EventKind.PROMISE_BROKEN).order_by(TaskEvent.id)
    return list(db.session.scalars(told))


def test_a_third_contact_today_is_not_promised_and_the_next_possible_time_is(lake, agent, noon):
    make_task(lake)
    task = claim(agent)
    called_before(task)
    for hours in (1, 22):
        with pytest.raises(Refused, match=CAPPED + r"Wednesday, Mar 11, 2026, 11:00 AM"):
            promise(task, agent, clock.now() + timedelta(hours=hours))
    promise(task, agent, clock.now() + timedelta(hours=23))
    noon.tick(timedelta(hours=23))
    jobs.upkeep()
    assert claim(agent).id == task.id and broken_events() == []


def test_the_last_call_of_the_month_promises_no_other_before_one_is_a_month_old(lake, agent, monkeypatch):
    monkeypatch.setenv("ATTEMPTS_PER_PERSON", "1")
    settings.cache_clear()
    make_task(lake)
    task = claim(agent)
    with pytest.raises(Refused, match=r"called often enough this month\. They may from Thursday, Apr 9, 2026"):
        promise(task, agent, clock.now() + timedelta(days=1))


def test_what_is_said_before_the_press_is_what_the_press_does(lake, agent, noon, sign_in):
    make_task(lake)
    task = claim(agent)
    assert "Not before" not in sign_in(agent).get("/desk").text, "one call today leaves another"
    called_before(task)
    page = sign_in(agent).get("/desk").text
    assert "Mar 11, 2026, 11:00 AM" in page and "contacted often enough in the last 24 hours. An earlier time" in page
    person = person_of(task, task.patient)
    said = possible(task, lake, person, clock.now(), in_progress=True)
    noon.tick(timedelta(minutes=3))
    for minutes, taken in ((-5, False), (0, True)):
        at = said.at + timedelta(minutes=minutes)
        if taken:
            promise(task, agent, at)
        else:
            with pytest.raises(Refused):
                promise(task, agent, at)


def test_nothing_automatic_and_nobody_else_uses_up_what_was_promised(lake, agent, noon):
    """Two contacts a day: the call that promised, and the one that was promised."""
    patient = make_patient(lake, phone="+13125550133")
    make_task(lake, patient=patient)
    task = claim(agent)
    promise(task, agent, clock.now() + timedelta(hours=3))
    elsewhere = make_practice("other")
    make_task(elsewhere, patient=make_patient(elsewhere, phone="+13125550133"))
    with transaction("test"):
        message = Message(
            practice_id=lake.id, patient_id=patient.id, channel="sms", kind="ask", reason_key="one", body="Hello.",
            to_address=patient.phone, contact_key=patient.phone_key, subject="", state=MessageState.QUEUED,
            script_version_id=published(), send_after=clock.now(), created_at=clock.now(),
        )  # fmt: skip
        db.session.add(message)
    assert claim(agent) is None, "not for another practice either"
    assert sending.deliver(message.id) is MessageState.QUEUED
    assert db.session.get_one(Message, message.id, populate_existing=True).block_reasons == ["CAP_24H"]
    noon.tick(timedelta(hours=3))
    jobs.upkeep()
    assert claim(agent).id == task.id


def make_promise(lake, agent, hours: int = 3) -> Task:
    make_task(lake)
    task = claim(agent)
    promise(task, agent, clock.now() + timedelta(hours=hours))
    return task


def test_a_promise_that_may_not_be_kept_is_told_before_its_time_and_stays_on_the_list_until_a_lead_has_seen_it(
    lake, agent, noon
):
    task, lead = make_promise(lake, agent), make_user("lead")
    with transaction("test"):
        suppress(task.person_key, "call", "STOP_VOICE", "said elsewhere", "test", lake.id)
    jobs.upkeep()
    assert broken_events() == [], "its time is not near"
    noon.tick(timedelta(hours=1, minutes=30))
    jobs.upkeep()
    jobs.upkeep()
    (told,) = broken_events()
    assert (told["reasons"], told["until"]) == (["STOP_VOICE"], None)
    noon.tick(timedelta(hours=2))
    sweep()
    assert claim(agent) is None
    assert db.session.get_one(Task, task.id, populate_existing=True).state is TaskState.CANCELLED
    (line,) = broken_promises(Asked(practice="lake"))
    assert (line.task_id, line.why, line.over, line.agent) == (task.id, "asked not to be called", True, "Ann Lee")
    with transaction(lead.actor):
        note_read(lead, task.patient, ReadOf.STORY, task.id)
    assert broken_promises(Asked()) == []


def test_a_promise_the_days_cap_moves_is_told_with_when_it_is_possible(lake, agent, noon):
    task = make_promise(lake, agent)
    noon.tick(timedelta(hours=2, minutes=59))
    called_before(task, hours=0)
    noon.tick(timedelta(minutes=1))
    sweep()
    assert claim(agent) is None
    (line,) = broken_promises(Asked(kind=Kind.ASK))
    assert line.why == "contacted often enough in the last 24 hours"
    assert line.until == datetime.fromisoformat("2026-03-11T17:00:00+00:00")
    noon.move_to("2026-03-11 17:01:00")
    jobs.upkeep()
    assert claim(agent).id == task.id
    assert broken_promises(Asked()) == [] and len(broken_events()) == 1, "told once"


@pytest.mark.parametrize("late", [False, True])
def test_a_promise_nobody_took_within_the_hour_is_one_that_was_not_kept(lake, agent, noon, late):
    make_promise(lake, agent)
    noon.tick(timedelta(hours=4 if late else 3, minutes=30))
    jobs.upkeep()
    assert [event["reasons"] for event in broken_events()] == ([["late"]] if late else [])


def test_that_a_reply_is_to_be_read_is_no_promise_of_a_call(lake, agent, noon):
    task = make_task(lake, kind=Kind.REPLY, promised_at=clock.now() + timedelta(minutes=15))
    make_task(lake, patient=task.patient)
    noon.tick(timedelta(hours=3))
    jobs.upkeep()
    assert broken_events() == []
    assert tasks.held(claim(agent).id, agent.id, 1).id == task.id


def test_a_promise_of_a_kind_that_is_paused_is_told_while_somebody_can_still_be_told(lake, agent, noon):
    make_promise(lake, agent, hours=1)
    do(pause_kind, lake.id, Kind.ASK, "user:1", "Too many at once.")
    jobs.upkeep()
    assert [event["reasons"] for event in broken_events()] == [["kind_paused"]]
