"""Days that a person decided stay; the others follow the rules, whichever doorbell rang."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.cadences import jobs
from ops.db import db, transaction
from ops.practices import actions as practices
from ops.queue import jobs as queue_jobs
from ops.queue.actions import assigning, tasks
from ops.queue.models import CadenceRun, Task
from ops.work.outcomes import Outcome
from ops.work.states import TaskState
from tests.floors import claim, record
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"


@pytest.fixture
def practice(app):
    practice = make_practice()
    jobs.practice_added(practice.id)
    return practice


def bells_of_others(practice) -> None:
    """What somebody else does meanwhile: a number corrected, a visit noted, the practice paused and resumed."""
    somebody = make_patient(practice, "Nell")
    with transaction("user:1"):
        practices.correct_patient(practice, somebody, phone="(312) 555-0177")
    make_milestone(somebody, "Toxin", days_ago=1)
    for verb in (practices.pause_practice, practices.resume_practice):
        with transaction("user:1"):
            verb(practice)
        jobs.practice_changed(practice.id)


def shorten(practice, closes_days: int) -> None:
    toxin = next(each for each in practice.treatment_types if each.name == "Toxin")
    same = {each: getattr(toxin, each) for each in ("name", "category", "match_words", "opens_days", "peaks_days")}
    practices.edit_treatment_type(practice, toxin, **same, recall_days=None, closes_days=closes_days)


def days(task: Task) -> tuple:
    task = db.session.get_one(Task, task.id, populate_existing=True)
    run = db.session.get_one(CadenceRun, task.run_id, populate_existing=True)
    return task.state, task.ready_at, task.closes_at, run.closes_at, run.next_at


def decide(how: str, task: Task, agent) -> None:
    if how == "assigned":
        with transaction("user:1"):
            assigning.assign(task.id, agent.id, "user:1")
        return
    task = claim(agent)
    if how == "snoozed":
        with transaction(agent.actor):
            tasks.snooze(task.id, agent.id, task.fence, agent.actor, clock.now() + timedelta(days=4))
    elif how == "promised":
        record(task, agent, Outcome.CALLBACK, callback_at=clock.now() + timedelta(days=6))
    else:
        record(task, agent, Outcome(how))


@freeze_time(NOON)
@pytest.mark.parametrize("how", ["thinking", "promised", "no_answer", "snoozed", "assigned"])
def test_what_a_person_decided_outlasts_everybody_elses_bells_and_every_edit_of_the_rules(practice, how):
    make_milestone(make_patient(practice), "Toxin", days_ago=55)
    jobs.import_finished(practice.id)
    near = clock.now() + timedelta(days=2)
    (task,) = db.session.scalars(sa.select(Task).where(Task.kind == "ask")).all()
    decide(how, task, make_user(Role.AGENT))
    before = days(task)
    bells_of_others(practice)
    assert days(task) == before
    with transaction("user:1"):  # a lead cuts the days of the treatment short
        shorten(practice, 56)
    jobs.practice_changed(practice.id)
    assert days(task) == before
    with freeze_time(near):
        queue_jobs.upkeep()
        jobs.close_stale()
        assert days(task)[0] is TaskState.WAITING
    with freeze_time(before[1] + timedelta(minutes=1)):
        queue_jobs.upkeep()
        jobs.close_stale()
        assert days(task)[0] is TaskState.WAITING


@freeze_time(NOON)
def test_a_call_nobody_touched_follows_an_edit_and_nobody_elses_bells(practice):
    make_milestone(make_patient(practice), "Toxin", days_ago=55)
    jobs.import_finished(practice.id)
    (task,) = db.session.scalars(sa.select(Task).where(Task.kind == "ask")).all()
    before = days(task)
    bells_of_others(practice)
    assert days(task) == before
    with transaction("user:1"):
        shorten(practice, 57)
    jobs.practice_changed(practice.id)
    assert days(task)[2] == days(task)[3] < before[2]
