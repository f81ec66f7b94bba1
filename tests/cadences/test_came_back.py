"""Who came back is not called for the visit before, and nobody is asked twice because they stand in two records."""

from datetime import date

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.cadences import jobs
from ops.cadences.actions import editing
from ops.cadences.actions.editing import Start, Step
from ops.db import db, transaction
from ops.practices import actions as practices
from ops.practices.models import MilestoneKind
from ops.queue.models import CadenceRun, Task
from ops.work.kinds import Kind, StepMode
from ops.work.states import TaskState
from tests.world import make_milestone, make_patient, make_practice

NOON = "2026-11-09 18:00:00"
THANKSGIVING_WEEK = "2026-11-24 18:00:00"


@pytest.fixture
def practice(app):
    """A practice that calls "time for your next visit" 90 days after a treatment, and does nothing else."""
    practice = make_practice()
    jobs.practice_added(practice.id)
    with transaction("user:1"):
        for each in db.session.scalars(sa.select(editing.Cadence)).all():
            editing.deactivate_cadence(each)
        recall = editing.add_cadence(practice, "Time for the next visit", Kind.RECALL)
        editing.add_step(recall, Step(StepMode.CALL, 0))
        editing.activate_cadence(recall)
        start = Start(MilestoneKind.TREATMENT_COMPLETED, None, delay_days=90, spacing_days=1, open_days=60)
        editing.add_trigger(recall, start)
    return practice


def recalls() -> list[tuple[str, str]]:
    """Each recall with what became of it."""
    db.session.expire_all()
    runs = db.session.scalars(sa.select(CadenceRun).order_by(CadenceRun.id))
    return [(f"{run.opens_at:%b %-d}", str(run.ending or run.state)) for run in runs]


def catch_up(practice) -> None:
    jobs.import_finished(practice.id)


def visit(patient, day: date):
    return make_milestone(patient, "Toxin", happened_on=day)


def test_a_later_visit_ends_the_recall_of_the_one_before_and_its_withdrawal_brings_it_back(practice):
    with freeze_time(NOON):
        maria = make_patient(practice, "Maria")
        visit(maria, date(2026, 8, 10))
        catch_up(practice)
        assert recalls() == [("Nov 8", "running")]
    with freeze_time(THANKSGIVING_WEEK):
        later = visit(maria, date(2026, 11, 20))
        catch_up(practice)
        assert recalls() == [("Nov 8", "came back since"), ("Feb 18", "running")]
        assert [task.state for task in db.session.scalars(sa.select(Task))] == [TaskState.CANCELLED]
        catch_up(practice)
        assert len(recalls()) == 2
        with transaction("user:1"):
            practices.withdraw_milestone(practice, later, "cancelled on the day")
        catch_up(practice)
        assert recalls()[0] == ("Nov 8", "running"), "they were not here after all"
        assert recalls()[1] == ("Feb 18", "the visit did not take place: cancelled on the day")
        waiting = db.session.scalars(sa.select(Task).where(Task.state == TaskState.WAITING)).all()
        assert len(waiting) == 1


@freeze_time(THANKSGIVING_WEEK)
def test_nobody_is_called_for_a_visit_they_came_back_after_nor_twice_under_two_records(practice):
    twice = [make_patient(practice, "Maria", phone="(312) 555-0123", external_id=number) for number in ("1", "00A1")]
    for patient, day in zip(twice, (date(2026, 8, 10), date(2026, 8, 12)), strict=True):
        visit(patient, day)
    nell = make_patient(practice, "Nell")
    visit(nell, date(2026, 8, 10))
    make_milestone(nell, None, kind=MilestoneKind.VISIT, happened_on=date(2026, 11, 20))
    catch_up(practice)
    assert recalls() == [("Nov 10", "running")], "for the later of the two records' visits, once; not for Nell"


@freeze_time(NOON)
def test_an_agent_who_calls_about_an_older_visit_is_told_of_the_later_one(app):
    practice = make_practice()
    jobs.practice_added(practice.id)
    maria = make_patient(practice, "Maria")
    make_milestone(maria, "Filler", happened_on=date(2026, 8, 10))
    catch_up(practice)
    make_milestone(maria, "Filler", happened_on=date(2026, 11, 6))
    catch_up(practice)
    (ask,) = db.session.scalars(sa.select(Task).where(Task.kind == Kind.ASK)).all()
    assert ask.reason == ("Treated on Aug 10, 2026 (injectable): the result shows now. Was here again on Nov 6, 2026.")


@freeze_time(NOON)
def test_two_records_of_one_human_are_asked_once(app):
    practice = make_practice()
    jobs.practice_added(practice.id)
    for number, days_ago in (("1", 20), ("00A1", 21)):
        patient = make_patient(practice, "Maria", phone="(312) 555-0123", external_id=number)
        make_milestone(patient, "Toxin", days_ago=days_ago)
    catch_up(practice)
    catch_up(practice)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Task).where(Task.kind == Kind.ASK)) == 1
