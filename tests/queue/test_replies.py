"""What somebody wrote comes to an agent: soon, and before everything else where it speaks of a symptom."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.db import db, transaction
from ops.messages import actions as messages
from ops.messages.models import InboundMessage
from ops.practices.models import Practice
from ops.queue import jobs
from ops.queue.actions import assigning, tasks
from ops.queue.actions.replies import READ_WITHIN
from ops.queue.models import Task, TaskEvent
from ops.queue.order import Band
from ops.queue.replay import replay
from ops.work.kinds import Kind
from ops.work.skips import Skip
from ops.work.states import EventKind
from tests.floors import NOON, claim, do, make_floor, make_task, sweep
from tests.queue_world import claim_facts, never_offered, profile
from tests.world import make_patient, make_user

HURTS = "My face is still swollen and it hurts a lot"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock_():
    with clock.movable(NOON) as move:
        yield move


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


def write(patient, body: str, name: str = "one") -> None:
    with transaction("inbound"):
        practice = db.session.get_one(Practice, patient.practice_id)
        one = messages.receive(practice, channel="sms", from_address=patient.phone, body=body, provider_id=name)
    jobs.note_reply(one.id)


def read_all() -> None:
    with transaction("test"):
        for reply in db.session.scalars(sa.select(InboundMessage).where(InboundMessage.decided_at.is_(None))):
            messages.decide_reply(reply, False, actor="test")


def cards_of(patient) -> list[Task]:
    db.session.expire_all()
    theirs = sa.select(Task).where(Task.patient_id == patient.id, Task.kind == Kind.REPLY)
    return list(db.session.scalars(theirs.order_by(Task.id)))


def test_a_symptom_comes_before_what_was_assigned_before_overdue_promises_and_before_older_replies(lake, ann, clock_):
    mine = make_task(lake)
    do(assigning.assign, mine.id, ann.id, "user:1")
    overdue = make_task(lake, promised_at=NOON - 2 * HOUR)
    ordinary, hurt, hurt_too = (make_patient(lake) for _ in range(3))
    write(ordinary, "Thank you!", "one")
    write(hurt, HURTS, "two")
    clock_(NOON + timedelta(minutes=1))
    write(hurt_too, "Me duele", "three")
    wanted = [cards_of(hurt)[0], cards_of(hurt_too)[0], mine, overdue, cards_of(ordinary)[0]]
    bands = [Band.URGENT, Band.URGENT, Band.ASSIGNED, Band.PROMISE, Band.PROMISE]
    for task, band in zip(wanted, bands, strict=True):
        assert claim(ann).id == task.id
        assert claim_facts(task)["chosen"]["band"] == band
        do(assigning.cancel_task, task.id, "user:1", "seen")


def test_the_record_of_an_urgent_claim_is_replayed(lake, ann):
    patient = make_patient(lake)
    make_task(lake, promised_at=NOON - HOUR)
    write(patient, HURTS)
    taken = claim(ann)
    event = db.session.scalars(
        sa.select(TaskEvent).where(TaskEvent.task_id == taken.id, TaskEvent.kind == EventKind.CLAIMED)
    ).one()
    assert replay(event).same_task


def test_what_keeps_other_work_from_an_agent_keeps_an_urgent_card_too(lake, ann):
    patient, behind = make_patient(lake, language="es"), make_task(lake)
    write(patient, "Me duele mucho")
    assert claim(ann).id == behind.id, "in a language she does not speak"
    do(tasks.release, behind.id, ann.id, 1, ann.actor)
    profile(ann, languages=["en", "es"])
    never_offered(cards_of(patient)[0], ann, knows=True)
    assert claim(ann).id == behind.id


def test_a_second_reply_of_a_symptom_makes_the_open_card_urgent_and_anybodys(lake, ann, clock_):
    patient, ben = make_patient(lake), make_user("agent", name="Ben Agent")
    write(patient, "Thank you!", "one")
    (card,) = cards_of(patient)
    do(assigning.assign, card.id, ben.id, "user:1")
    write(patient, HURTS, "two")
    (card,) = cards_of(patient)
    assert (card.urgent, card.owner_id, card.handed_at) == (True, None, None)
    assert claim(ann).id == card.id


def test_what_is_written_while_its_card_is_snoozed_brings_it_back(lake, ann, clock_):
    patient = make_patient(lake)
    write(patient, "Thank you!", "one")
    card = claim(ann)
    read_all()
    do(tasks.snooze, card.id, ann.id, card.fence, ann.actor, NOON + 5 * HOUR)
    clock_(NOON + HOUR)
    write(patient, "Are you there?", "two")
    (card,) = cards_of(patient)
    assert (card.ready_at, card.offered, card.urgent) == (NOON + HOUR, True, False)
    assert card.promised_at == NOON + READ_WITHIN, "it was to be read then, and comes no later for it"
    assert claim(ann).id == card.id


def test_an_agreed_call_stays_as_agreed_and_what_they_write_before_it_is_read_on_a_card_of_its_own(lake, ann, clock_):
    patient = make_patient(lake)
    agreed = make_task(lake, Kind.REPLY, patient=patient, promised_at=NOON + 5 * HOUR, ready_at=NOON + 5 * HOUR)
    with transaction("test"):
        db.session.get_one(Task, agreed.id).tries = 1
    write(patient, HURTS)
    first, second = cards_of(patient)
    assert (first.ready_at, first.urgent) == (NOON + 5 * HOUR, False)
    assert (second.ready_at, second.urgent) == (NOON, True)


def test_a_card_in_somebodys_hands_becomes_urgent_there_and_comes_first_when_it_is_released(lake, ann):
    patient = make_patient(lake)
    write(patient, "Thank you!", "one")
    card = claim(ann)
    write(patient, HURTS, "two")
    (card,) = cards_of(patient)
    assert card.urgent and card.held_by == ann.id
    make_task(lake, promised_at=NOON - 2 * HOUR)
    do(tasks.release, card.id, ann.id, card.fence, ann.actor)
    assert claim(ann).id == card.id


def test_a_bad_moment_rests_an_urgent_card_for_two_minutes_only(lake, ann, clock_):
    patient = make_patient(lake)
    write(patient, HURTS)
    card = claim(ann)
    do(tasks.skip, card.id, ann.id, card.fence, ann.actor, "", Skip.LATER)
    assert claim(ann) is None
    clock_(NOON + timedelta(minutes=2))
    sweep()
    assert claim(ann).id == card.id
