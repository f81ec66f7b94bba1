"""The next task: fair, lawful, on one call at a time."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.cadences import jobs
from ops.contact.actions import suppress
from ops.contact.models import GateDecision
from ops.db import db, transaction
from ops.practices import actions as practices
from ops.practices.models import Patient, Practice
from ops.queue import jobs as queue_jobs
from ops.queue.actions import claiming, shares, tasks
from ops.queue.models import Lane, Share, Task, TaskEvent
from ops.work.kinds import Kind
from ops.work.skips import Skip
from ops.work.states import EventKind, TaskState
from tests.floors import claim
from tests.world import make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"
NIGHT = "2026-03-11 02:05:00"
"""21:05 in Chicago."""


@pytest.fixture
def agent(app):
    return make_user(Role.AGENT)


def practice_with(tasks_open: int, hours: float = 20, **details) -> Practice:
    practice = make_practice(hours=hours, **details)
    jobs.practice_added(practice.id)
    for _ in range(tasks_open):
        open_for(make_patient(practice))
    return practice


def open_for(patient: Patient, **details) -> Task:
    with transaction("test"):
        return tasks.open_task(
            practice_id=patient.practice_id,
            patient_id=patient.id,
            kind=details.pop("kind", Kind.ASK),
            reason="Treated.",
            actor="test",
            **details,
        )


def done(task: Task) -> None:
    with transaction("test"):
        tasks.finish(db.session.get_one(Task, task.id), "test")


@freeze_time(NOON)
def test_one_key_gives_one_task_and_the_same_again_until_it_is_done(agent):
    practice_with(2)
    first = claim(agent)
    assert first.state is TaskState.CLAIMED and first.held_by == agent.id
    assert claim(agent).id == first.id


@freeze_time(NOON)
def test_an_empty_queue_gives_nothing(agent):
    assert claim(agent) is None


@freeze_time(NIGHT)
def test_no_call_at_five_past_nine_in_the_evening(agent):
    practice_with(1)
    assert claim(agent) is None
    task = db.session.scalars(sa.select(Task)).one()
    assert task.state is TaskState.WAITING and task.offered
    lane = db.session.get_one(Lane, task.lane_id)
    assert lane.opens_at.isoformat() == "2026-03-11T13:00:00+00:00", "8 in the morning in Chicago"
    assert not db.session.scalar(sa.select(sa.exists().where(GateDecision.id > 0))), "what is shut costs nothing"
    with freeze_time("2026-03-11 13:00:00"):
        assert claim(agent).id == task.id


@freeze_time(NOON)
def test_whoever_asked_not_to_be_contacted_is_not(agent):
    practice = practice_with(1)
    patient = db.session.scalars(sa.select(Patient)).one()
    with transaction("test"):
        suppress(patient.phone_key, "all", "DNC_INTERNAL", "test", "test", practice.id)
    assert claim(agent) is None
    assert db.session.scalars(sa.select(Task)).one().state is TaskState.CANCELLED


@freeze_time(NOON)
def test_a_paused_practice_is_not_served_and_comes_back(agent):
    practice = practice_with(1)
    with transaction("test"):
        practices.pause_practice(db.session.get_one(Practice, practice.id))
    assert claim(agent) is None
    with transaction("test"):
        practices.resume_practice(db.session.get_one(Practice, practice.id))
    assert claim(agent) is not None


@freeze_time(NOON)
def test_minutes_follow_the_hours_bought(agent):
    small, large = practice_with(40, hours=10), practice_with(40, hours=30)
    served = Counter()
    for _ in range(40):
        task = claim(agent)
        served[task.practice_id] += 1
        done(task)
    assert served == {small.id: 10, large.id: 30}


@freeze_time(NOON)
def test_a_promise_comes_before_the_practice_that_is_owed_most(agent):
    practice_with(3, hours=50)
    owed_nothing = practice_with(0, hours=1)
    promised = open_for(make_patient(owed_nothing), promised_at=clock.now() - timedelta(minutes=1))
    assert claim(agent).id == promised.id


@freeze_time(NOON)
def test_a_promise_is_first_for_whoever_made_it_and_then_for_anyone(agent):
    practice = practice_with(0)
    other = make_user(Role.AGENT)
    task = open_for(make_patient(practice), promised_at=clock.now() - timedelta(minutes=2))
    with transaction("test"):
        task = db.session.get_one(Task, task.id)
        task.owner_id, task.owner_until = other.id, clock.now() + timedelta(minutes=8)
    assert claim(agent) is None
    with freeze_time("2026-03-10 18:09:00"):
        assert claim(agent).id == task.id


@freeze_time(NOON)
def test_a_returning_practice_does_not_flood_the_floor(agent):
    busy = practice_with(60, hours=20)
    for _ in range(30):
        done(claim(agent))
    back = practice_with(40, hours=20)
    served = Counter()
    for _ in range(20):
        task = claim(agent)
        served[task.practice_id] += 1
        done(task)
    assert served[back.id] <= 10 + shares.CREDIT * 20 / 6 and served[busy.id] >= 1


@freeze_time(NOON)
def test_a_lease_that_runs_out_gives_the_task_back_with_its_age_and_minutes(agent):
    practice_with(1)
    task = claim(agent)
    before = db.session.scalars(sa.select(Share.minutes_charged)).one()
    with freeze_time("2026-03-10 18:09:59"):
        queue_jobs.upkeep()
        assert db.session.get_one(Task, task.id).state is TaskState.CLAIMED
    with freeze_time("2026-03-10 18:10:01"):
        queue_jobs.upkeep()
        db.session.expire_all()
        again = db.session.get_one(Task, task.id)
        assert (again.state, again.created_at) == (TaskState.WAITING, task.created_at)
        assert db.session.scalars(sa.select(Share.minutes_charged)).one() < before


@freeze_time(NOON)
def test_a_sign_of_life_keeps_the_task(agent):
    practice_with(1)
    task = claim(agent)
    with freeze_time("2026-03-10 18:09:00"), transaction(agent.actor):
        claiming.heartbeat(task.id, agent.id, task.fence)
    with freeze_time("2026-03-10 18:15:00"):
        queue_jobs.upkeep()
        assert db.session.get_one(Task, task.id).state is TaskState.CLAIMED


@freeze_time(NOON)
def test_a_late_hand_cannot_move_the_task_of_another(agent):
    practice_with(1)
    task = claim(agent)
    fence = task.fence
    with freeze_time("2026-03-10 18:20:00"):
        queue_jobs.upkeep()
        other = make_user(Role.AGENT)
        assert claim(other).id == task.id
        with pytest.raises(tasks.LeaseLost), transaction(agent.actor):
            tasks.release(task.id, agent.id, fence, agent.actor)


@freeze_time(NOON)
def test_a_skipped_task_does_not_come_straight_back(agent):
    practice_with(1)
    task = claim(agent)
    with transaction(agent.actor):
        tasks.skip(task.id, agent.id, task.fence, agent.actor, "", Skip.LATER)
    assert claim(agent) is None and claim(make_user(Role.AGENT)) is None
    with freeze_time("2026-03-10 18:31:00"):
        assert claim(agent).id == task.id


@freeze_time(NOON)
def test_one_patient_is_on_one_call(agent):
    patient = make_patient(practice_with(0))
    open_for(patient)
    open_for(patient, kind=Kind.FOLLOW_UP)
    assert claim(agent) is not None
    assert claim(make_user(Role.AGENT)) is None


@freeze_time(NOON)
def test_each_claim_keeps_why(agent):
    practice_with(2, hours=10)
    practice_with(2, hours=10)
    task = claim(agent)
    why = db.session.scalars(
        sa.select(TaskEvent.facts).where(TaskEvent.task_id == task.id, TaskEvent.kind == EventKind.CLAIMED)
    ).one()
    assert why["chosen"]["task_id"] == task.id
    assert why["second"]["practice_id"] == why["chosen"]["practice_id"], "the next best moment of the same practice"
    assert why["next_practice"]["practice_id"] != why["chosen"]["practice_id"]
    assert why["rules"]


def test_no_task_is_claimed_twice_or_lost_by_many_at_once(app):
    """Real sessions at the same time: every task goes to exactly one agent."""
    with freeze_time(NOON):
        for _ in range(4):
            practice_with(15)
        agents = [make_user(Role.AGENT) for _ in range(8)]
    taken: list[int] = []

    def work(agent) -> None:
        with app.app_context(), clock.moved_to(clock.now().replace(year=2026, month=3, day=10, hour=18)):
            while True:
                task = queue_jobs.next_for(agent.id, agent.actor)
                if task is None:
                    return
                with transaction(agent.actor):
                    tasks.finish(db.session.get_one(Task, task.id), agent.actor)
                taken.append(task.id)

    threads = [threading.Thread(target=work, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 60


@freeze_time(NOON)
def test_two_tabs_of_one_agent_hold_one_task(app):
    practice_with(5)
    agent = make_user(Role.AGENT)
    got: list[int] = []
    barrier = threading.Barrier(4)

    def press() -> None:
        with app.app_context():
            barrier.wait()
            got.append(queue_jobs.next_for(agent.id, agent.actor).id)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 1
