"""A visit that was cancelled or moved takes back what had not happened yet, and nothing of what was said."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.cadences import jobs
from ops.cadences.actions import editing
from ops.cadences.models import Cadence
from ops.db import db, transaction
from ops.desk.actions import undoing
from ops.errors import Refused
from ops.messages.models import Message, MessageEvent
from ops.practices import actions as practices
from ops.practices.models import Milestone, MilestoneChange
from ops.queue.models import CadenceRun, Task
from ops.scripts.actions import ensure_defaults
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import TaskState
from tests.floors import claim, record
from tests.loads import load
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"
BOTH = "Visit ID,Patient ID,First Name,Last Name,Mobile,Email,Appt Date,Service,Status\n"


@pytest.fixture
def practice(app):
    practice = make_practice(shareable="They never push.", website="https://one.example.com")
    jobs.practice_added(practice.id)
    with transaction("user:1"):
        for cadence in db.session.scalars(sa.select(Cadence).where(Cadence.kind == Kind.FOLLOW_UP)):
            editing.deactivate_cadence(cadence)
    return practice


def bring(practice, status="Completed", day="2026-02-24", service="Botox", mobile="312-555-0101"):
    """The nightly export once more, with the one visit as it stands now."""
    row = f"v1,P1,Maria,Lane,{mobile},maria@example.com,{day},{service},{status}\n"
    outcome = load(practice, BOTH + row)
    jobs.import_finished(practice.id)
    db.session.expire_all()
    return outcome


def milestone() -> Milestone:
    return db.session.scalars(sa.select(Milestone)).one()


def run() -> CadenceRun:
    return db.session.scalars(sa.select(CadenceRun)).one()


def task() -> Task:
    return db.session.scalars(sa.select(Task).order_by(Task.id.desc())).first()


def accounted(outcome) -> dict[str, int]:
    counts = {"stored": outcome.rows_stored, "unchanged": outcome.rows_unchanged, "withdrawn": outcome.rows_withdrawn}
    counts |= {"future": outcome.rows_future, "ignored": sum(outcome.rows_ignored.values())}
    assert sum(counts.values()) + len(outcome.quarantined) == outcome.rows_read
    return {what: number for what, number in counts.items() if number}


@freeze_time(NOON)
@pytest.mark.parametrize(
    "status, day, why",
    [
        ("Cancelled", "2026-02-24", "cancelled, missed, moved or not completed"),
        ("No Show", "2026-02-24", "cancelled, missed, moved or not completed"),
        ("Booked", "2026-03-20", "moved to a day still ahead"),
    ],
)
def test_a_visit_that_did_not_take_place_is_withdrawn_and_its_ask_ends_with_the_reason(practice, status, day, why):
    bring(practice)
    assert task().state is TaskState.WAITING
    assert accounted(bring(practice, status, day)) == {"withdrawn": 1}
    assert milestone().withdrawn_why == why and milestone().happened_on == date(2026, 2, 24)
    assert task().state is TaskState.CANCELLED
    assert str(run().ending) == f"the visit did not take place: {why}"
    again = {"future": 1} if status == "Booked" else {"ignored": 1}
    assert accounted(bring(practice, status, day)) == again, "the second time nothing is withdrawn"
    kept = db.session.scalars(sa.select(MilestoneChange)).one()
    assert kept.applied_at and kept.actor.startswith("import:") and not kept.was_withdrawn
    assert kept.at == clock.now(), "what triggers write down is in our time too"
    # it took place after all: the ask goes on where it stood
    assert accounted(bring(practice)) == {"stored": 1}
    assert milestone().withdrawn_at is None and run().ending is None
    assert task().state is TaskState.WAITING and task().reason.startswith("Treated on Feb 24, 2026")


@freeze_time(NOON)
def test_what_was_agreed_with_them_is_kept_and_the_card_tells_what_the_records_say_now(practice):
    bring(practice)
    agent = make_user(Role.AGENT)
    record(claim(agent), agent, Outcome.CALLBACK, callback_at=clock.now() + timedelta(hours=2))
    bring(practice, "Cancelled")
    assert task().state is TaskState.WAITING and task().promised_at and run().ending is None
    assert task().reason == (
        "Treated on Feb 24, 2026 (injectable), as we were told first. "
        "The practice's records say now: cancelled, missed, moved or not completed."
    )


@freeze_time(NOON)
def test_a_card_that_is_open_stays_and_is_the_last_of_its_cadence(practice):
    bring(practice)
    agent = make_user(Role.AGENT)
    card = claim(agent)
    bring(practice, "Cancelled")
    assert task().state is TaskState.CLAIMED and "cancelled, missed" in task().reason and run().ending
    record(db.session.get_one(Task, card.id), agent, Outcome.NO_ANSWER)
    assert task().state is TaskState.DONE


@freeze_time(NOON)
def test_a_text_that_waits_is_cancelled_with_the_reason(practice):
    with transaction("test"):
        ensure_defaults()
    bring(practice, mobile="")  # nobody to call: the email is due at once
    message = db.session.scalars(sa.select(Message)).one()
    assert message.state == "queued"
    bring(practice, "Cancelled", mobile="")
    told = db.session.scalars(sa.select(MessageEvent).order_by(MessageEvent.id.desc())).first()
    assert (told.state, told.note) == (
        "cancelled",
        "the visit did not take place: cancelled, missed, moved or not completed",
    )


@freeze_time(NOON)
def test_a_visit_that_was_moved_is_asked_about_when_its_new_days_begin(practice):
    bring(practice)
    assert accounted(bring(practice, day="2026-03-09")) == {"stored": 1}
    assert task().state is TaskState.CANCELLED, "nobody had called: it waits for the new day"
    assert run().next_at == run().opens_at > clock.now() and run().ending is None
    with freeze_time("2026-03-20 18:00:00"):
        jobs.import_finished(practice.id)
        assert task().state is TaskState.WAITING and task().reason.startswith("Treated on Mar 9, 2026")
        bring(practice, day="2025-12-01")  # so long ago that nothing shows any more
        assert task().state is TaskState.CANCELLED and str(run().ending) == "the visit was changed"


@freeze_time(NOON)
def test_a_call_that_was_tried_keeps_its_day_and_says_the_new_one(practice):
    bring(practice)
    agent = make_user(Role.AGENT)
    record(claim(agent), agent, Outcome.NO_ANSWER)
    before = task().ready_at
    bring(practice, day="2026-03-02")
    assert (task().state, task().ready_at) == (TaskState.WAITING, before)
    assert task().reason.startswith("Treated on Mar 2, 2026")


@freeze_time(NOON)
def test_a_milestone_is_withdrawn_and_restored_by_hand_too(practice):
    bring(practice)
    with transaction("user:1"):
        practices.withdraw_milestone(practice, milestone(), "the practice says it was somebody else")
    jobs.start_cadences()  # the doorbell was lost
    db.session.expire_all()
    assert str(run().ending) == "the visit did not take place: the practice says it was somebody else"
    with pytest.raises(Refused, match="already"):
        practices.withdraw_milestone(practice, milestone(), "again")


@freeze_time(NOON)
def test_an_ask_that_was_taken_back_before_anybody_called_keeps_no_other_one_away(practice):
    bring(practice)
    bring(practice, "Cancelled")
    load(practice, BOTH + "v2,P1,Maria,Lane,312-555-0101,maria@example.com,2026-02-26,Botox,Completed\n")
    jobs.import_finished(practice.id)
    assert task().state is TaskState.WAITING and task().reason.startswith("Treated on Feb 26, 2026")


@freeze_time(NOON)
def test_an_outcome_taken_back_after_the_visit_was_withdrawn_starts_nothing_again(practice):
    bring(practice)
    agent = make_user(Role.AGENT)
    attempt = record(claim(agent), agent, Outcome.NEVER)
    bring(practice, "Cancelled")
    with transaction(agent.actor):
        undoing.take_back(attempt.id, agent.id, agent.actor)
    assert task().state is TaskState.CLAIMED and "cancelled, missed" in task().reason
    assert run().end_reason == "visit_withdrawn"


@freeze_time(NOON)
def test_a_visit_that_stood_back_for_one_of_a_second_record_is_asked_about_when_that_one_is_withdrawn(practice):
    first, second = (make_patient(practice, phone="+13125550142") for _ in range(2))
    visits = []
    for patient in (first, second):
        visits.append(make_milestone(patient))
        jobs.import_finished(practice.id)
    assert run().milestone_id == visits[0].id
    with transaction("user:1"):
        practices.withdraw_milestone(practice, db.session.get_one(Milestone, visits[0].id), "cancelled")
    jobs.import_finished(practice.id)
    assert task().patient_id == second.id and task().state is TaskState.WAITING
