"""From a milestone to a task: triggers, cadences and their steps."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.cadences import jobs
from ops.cadences.models import Cadence, Trigger
from ops.db import db, transaction
from ops.practices import actions as practices
from ops.practices.models import Milestone, Practice
from ops.queue.actions import moves
from ops.queue.models import CadenceRun, Task
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind, StepMode
from ops.work.states import RunState, TaskState
from tests.loads import load
from tests.world import make_milestone, make_patient, make_practice

NOON = "2026-03-10 18:00:00"
"""A Tuesday, noon in Chicago."""


@pytest.fixture
def practice(app) -> Practice:
    practice = make_practice()
    jobs.practice_added(practice.id)
    return practice


def tasks_of(kind: Kind) -> list[Task]:
    return list(db.session.scalars(sa.select(Task).where(Task.kind == kind).order_by(Task.id)))


def kind_of(run: CadenceRun) -> Kind:
    return db.session.get_one(Cadence, run.cadence_id).kind


def runs() -> list[CadenceRun]:
    return list(db.session.scalars(sa.select(CadenceRun).order_by(CadenceRun.id)))


@freeze_time(NOON)
def test_a_practice_is_given_the_default_cadences_once(practice):
    jobs.practice_added(practice.id)
    names = db.session.scalars(sa.select(Cadence.name).order_by(Cadence.name)).all()
    assert names == ["Ask when the result shows", "Check-in after treatment"]


@freeze_time(NOON)
def test_a_treatment_whose_result_shows_becomes_an_ask(practice):
    make_milestone(make_patient(practice), "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    (task,) = tasks_of(Kind.ASK)
    assert task.state is TaskState.WAITING
    assert task.reason.startswith("Treated on Feb 24, 2026")


@freeze_time(NOON)
def test_an_ask_waits_until_the_result_shows_and_a_tick_that_is_long_enough_leaves_it_to_the_next(
    practice, monkeypatch
):
    make_milestone(make_patient(practice), "Toxin", days_ago=3)
    jobs.import_finished(practice.id)
    assert tasks_of(Kind.ASK) == []
    with freeze_time("2026-03-18 18:00:00"):
        with monkeypatch.context() as patched:
            patched.setattr(jobs, "FOR_SECONDS", 0.0)
            assert jobs.take_due_steps() == 0
        jobs.take_due_steps()
        assert len(tasks_of(Kind.ASK)) == 1


@freeze_time(NOON)
def test_looking_twice_at_the_same_milestone_starts_one_cadence(practice):
    make_milestone(make_patient(practice), "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    with transaction("test"):
        db.session.execute(sa.update(Milestone).values(triggered_at=None))
    jobs.import_finished(practice.id)
    assert [kind_of(run) for run in runs()] == [Kind.ASK]
    assert len(tasks_of(Kind.ASK)) == 1


@freeze_time(NOON)
def test_a_second_treatment_soon_after_does_not_ask_again(practice):
    patient = make_patient(practice)
    make_milestone(patient, "Toxin", days_ago=30)
    make_milestone(patient, "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    assert len(tasks_of(Kind.ASK)) == 1


VISIT = "Client ID,First Name,Last Name,Mobile,Date,Service\n7,Ada,Lane,312-555-0101,{day},Botox\n"
"""A practice's file with one visit of one patient."""
ONE_VISIT = date(2026, 2, 24)


@pytest.mark.parametrize(("days", "asks"), [(1, 1), (89, 1), (90, 2), (-5, 1)])
def test_a_visit_in_another_file_asks_again_only_after_the_days_between_two(practice, days, asks):
    """Whatever became of the first ask meanwhile, and whichever file came first."""
    for visit in (ONE_VISIT, ONE_VISIT + timedelta(days=days)):
        shows = max(visit, ONE_VISIT) + timedelta(days=14)
        with freeze_time(f"{shows} 18:00:00"):
            load(practice, (f"{visit}.csv", VISIT.format(day=visit)))
            jobs.import_finished(practice.id)
            with transaction("test"):
                for run in runs():
                    moves.end_run(run, Ending(EndReason.STEPS_TAKEN))
    assert [kind_of(run) for run in runs()].count(Kind.ASK) == asks


@freeze_time(NOON)
@pytest.mark.parametrize(
    "person",
    [{"deceased": True}, {"birth_date": date(2010, 1, 1)}],
    ids=["the dead", "minors"],
)
def test_some_are_stored_and_never_contacted(practice, person):
    patient = make_patient(practice)
    for name, value in person.items():
        setattr(patient, name, value)
    with transaction("test") as session:
        session.merge(patient)
    make_milestone(patient, "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    assert runs() == []
    assert db.session.scalars(sa.select(Milestone.triggered_at)).one() is not None


@freeze_time(NOON)
def test_the_eighteenth_birthday_is_grown_up(practice):
    make_milestone(make_patient(practice, birth_date=date(2008, 3, 10)), "Toxin", days_ago=14)
    make_milestone(make_patient(practice, birth_date=date(2008, 3, 11)), "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    assert len(tasks_of(Kind.ASK)) == 1


@freeze_time(NOON)
def test_a_treatment_long_ago_starts_nothing(practice):
    make_milestone(make_patient(practice), "Toxin", days_ago=400)
    jobs.import_finished(practice.id)
    assert runs() == []


@freeze_time(NOON)
def test_nobody_to_call_goes_on_to_the_text_and_the_email(practice):
    patient = make_patient(practice, phone=None, email="ada@example.com")
    with transaction("test"):
        practices.edit_practice(
            db.session.get_one(Practice, practice.id), shareable="They never push.", website="https://one.example.com"
        )
    make_milestone(patient, "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    assert tasks_of(Kind.ASK) == []
    ask = next(run for run in runs() if kind_of(run) is Kind.ASK)
    assert ask.state is RunState.ENDED and ask.end_reason == EndReason.STEPS_TAKEN
    sent = db.session.execute(sa.text("SELECT channel, to_address FROM messages WHERE kind = 'ask'")).all()
    assert sent == [("email", "ada@example.com")]


@freeze_time(NOON)
def test_work_whose_days_are_over_is_closed(practice):
    make_milestone(make_patient(practice), "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    with freeze_time("2026-06-01 18:00:00"):
        jobs.close_stale()
        (task,) = tasks_of(Kind.ASK)
        assert task.state is TaskState.CANCELLED
        assert all(run.state is RunState.ENDED for run in runs())


@freeze_time(NOON)
def test_a_paused_practice_takes_no_steps(practice):
    make_milestone(make_patient(practice), "Toxin", days_ago=14)
    with transaction("test"):
        practices.pause_practice(db.session.get_one(Practice, practice.id))
    jobs.import_finished(practice.id)
    assert tasks_of(Kind.ASK) == []


@freeze_time(NOON)
def test_a_trigger_can_wait_days_instead_of_for_the_result(practice):
    with transaction("test") as session:
        cadence = session.scalars(sa.select(Cadence).where(Cadence.kind == Kind.ASK)).one()
        session.execute(sa.update(Trigger).where(Trigger.cadence_id == cadence.id).values(delay_days=20))
    make_milestone(make_patient(practice), "Toxin", days_ago=5)
    jobs.import_finished(practice.id)
    ask = next(run for run in runs() if kind_of(run) is Kind.ASK)
    assert ask.opens_at.date() == date(2026, 3, 5) + timedelta(days=20)


@freeze_time("2026-03-08 18:00:00")
def test_the_day_opens_at_midnight_where_the_practice_is_across_the_clock_change(practice):
    make_milestone(make_patient(practice), "Toxin", happened_on=date(2026, 3, 1))
    jobs.import_finished(practice.id)
    ask = next(run for run in runs() if kind_of(run) is Kind.ASK)
    assert ask.opens_at.isoformat() == "2026-03-11T05:00:00+00:00", "midnight in Chicago is 05:00 UTC after March 8"


def test_the_default_steps_are_call_text_email(practice):
    ask = db.session.scalars(sa.select(Cadence).where(Cadence.kind == Kind.ASK)).one()
    assert [step.mode for step in ask.steps] == [StepMode.CALL, StepMode.SMS, StepMode.EMAIL]
