"""What waited is looked at once more before it leaves: is it wanted, what does it say by now, and at what hour."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ops.cadences import jobs, texts
from ops.cadences.models import Cadence
from ops.db import db, transaction
from ops.messages.models import Message, MessageEvent, RecorderDelivery
from ops.practices import actions as practices
from ops.queue.actions import ending, moves
from ops.queue.models import CadenceRun
from ops.scripts.actions import ensure_defaults
from ops.scripts.models import Medium
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from tests.outbox import NIGHT, NOON, again, at, count, queued, send
from tests.world import make_milestone, make_patient, make_practice


@pytest.fixture
def practice(app):
    with at(NOON):
        practice = make_practice(shareable="They never push.", website="https://old.example.com")
        jobs.practice_added(practice.id)
        with transaction("test"):
            ensure_defaults()
    return practice


def note(practice, moment=NOON, medium=Medium.SMS, key="note:1") -> Message:
    """A note to forward that was promised, as an outcome queues it."""
    with at(moment), transaction("test"):
        patient = make_patient(practice, email="maria@example.com")
        assert texts.send_template(patient, Kind.ASK, medium, key)
    return db.session.scalars(sa.select(Message).where(Message.reason_key == key)).one()


def last_event(message) -> tuple[str, str]:
    told = sa.select(MessageEvent).where(MessageEvent.message_id == message.id).order_by(MessageEvent.id.desc())
    event = db.session.scalars(told).first()
    return str(event.state), event.note


def edit(practice, **changes) -> None:
    with transaction("user:1"):
        practices.edit_practice(practice, **changes)


@pytest.mark.parametrize("medium", [Medium.SMS, Medium.EMAIL])
def test_a_link_that_was_corrected_meanwhile_leaves_corrected_and_is_kept_as_it_left(practice, medium):
    message = note(practice, medium=medium)
    assert "https://old.example.com" in message.body
    edit(practice, website="https://new.example.com")
    assert send(message) == "delivered"
    left = db.session.scalars(sa.select(RecorderDelivery)).one()
    assert "https://new.example.com" in left.body and "old.example" not in left.body
    assert again(message).body == left.body and again(message).subject == left.subject
    assert send(message) is None and count(RecorderDelivery) == 1


def test_a_text_whose_link_is_gone_waits_and_says_so_until_there_is_one(practice):
    message = note(practice)
    edit(practice, website="")
    assert send(message) == "queued"
    assert last_event(message) == ("queued", "not now: Nothing is known for: website.")
    edit(practice, website="https://new.example.com")
    assert send(message, NOON + timedelta(hours=1)) == "delivered"


def step_text(practice) -> tuple[Message, CadenceRun]:
    """The text of a cadence of somebody without a phone: the email is due at once."""
    with at(NOON):
        make_milestone(make_patient(practice, phone=None, email="maria@example.com"), "Toxin", days_ago=10)
        jobs.import_finished(practice.id)
        kinds = sa.select(CadenceRun).join(Cadence, Cadence.id == CadenceRun.cadence_id)
        run = db.session.scalars(kinds.where(Cadence.kind == Kind.ASK)).one()
    return db.session.scalars(sa.select(Message)).one(), run


def test_a_step_whose_cadence_ended_or_whose_days_are_over_is_cancelled_with_the_reason(practice):
    message, run = step_text(practice)
    assert send(message, run.closes_at + timedelta(hours=12)) == "cancelled"
    assert last_event(message) == ("cancelled", "its days are over")
    with transaction("test") as session:  # once more, and now somebody ends it
        session.execute(sa.update(Message).values(state="queued"))
        moves.end_run(run, Ending(EndReason.STEPS_TAKEN))
        session.execute(sa.text("UPDATE cadence_runs SET end_reason = 'by_lead', end_words = 'asked in person'"))
    assert send(message) == "cancelled"
    assert last_event(message) == ("cancelled", "cancelled by a lead: asked in person")
    assert count(RecorderDelivery) == 0


def test_what_waited_through_a_pause_of_ten_days_leaves_after_it_in_its_hours(practice):
    messages = [note(practice, key=f"note:{number}") for number in range(4)]
    with at(NOON), transaction("user:1"):
        practices.pause_practice(practice)
    resumed = NOON + timedelta(days=10)
    for day in (0, 8, 10):
        assert {send(each, NOON + timedelta(days=day)) for each in messages} <= {"queued", None}
    looks = {again(each).send_after for each in messages}
    assert len(looks) == 4, "each at a minute of its own"
    assert all(resumed <= look <= resumed + timedelta(hours=2) for look in looks)
    with at(resumed), transaction("user:1"):
        practices.resume_practice(practice)
    assert {send(each, resumed + timedelta(hours=2)) for each in messages} == {"delivered"}


def test_what_waited_for_more_than_a_month_ends_with_the_reason(practice):
    message = note(practice)
    assert send(message, NOON + timedelta(days=31)) == "cancelled"
    assert last_event(message) == ("cancelled", "it waited for more than 30 days")


def test_an_email_does_not_come_at_night_and_not_all_come_at_eight(practice):
    messages = [note(practice, NIGHT, Medium.EMAIL, f"note:{number}") for number in range(4)]
    assert {send(each, NIGHT) for each in messages} == {"queued"}
    eight = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
    looks = {again(each).send_after for each in messages}
    assert len(looks) == 4 and all(eight <= look < eight + timedelta(hours=1) for look in looks)
    assert {send(each, eight + timedelta(hours=1)) for each in messages} == {"delivered"}


def test_what_waits_only_for_hours_is_not_given_up_for_its_age(practice):
    message = queued(practice)
    assert send(message, NIGHT + timedelta(days=8)) == "queued"
    assert send(message, NIGHT + timedelta(days=8, hours=11)) == "delivered"


def test_the_last_text_of_a_cadence_does_not_follow_what_ended_all_of_theirs_and_does_where_that_was_a_slip(practice):
    message, run = step_text(practice)
    with at(NOON), transaction("test"):
        moves.end_run(db.session.get_one(CadenceRun, run.id), Ending(EndReason.STEPS_TAKEN))
        ending.cancel_work_for(run.patient_id, "test", Ending(EndReason.OTHER_CALL, Outcome.NOT_HAPPY))
    assert db.session.get_one(CadenceRun, run.id, populate_existing=True).end_reason is EndReason.OTHER_CALL
    with at(NOON), transaction("test"):
        moves.end_otherwise(db.session.get_one(CadenceRun, run.id), Ending(EndReason.STEPS_TAKEN))
        ending.cancel_work_for(run.patient_id, "test", Ending(EndReason.WROTE_BACK))
    assert send(message) == "cancelled"
    assert last_event(message) == ("cancelled", "wrote back")
    with at(NOON), transaction("test"):
        ending.cancel_work_for(run.patient_id, "test", Ending(EndReason.OPTED_OUT))
    kept = db.session.get_one(CadenceRun, run.id, populate_existing=True)
    assert kept.end_reason is EndReason.WROTE_BACK, "nothing waits any more: it stays as it ended"
