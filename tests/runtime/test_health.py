"""What `ops doctor` says of workers and queues."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import rq
import sqlalchemy as sa
from freezegun import freeze_time
from rq.serializers import JSONSerializer

from ops import clock, schedule
from ops.background import QUEUES, connection, queue
from ops.cadences import jobs
from ops.config import settings
from ops.db import transaction
from ops.runtime import health, state
from ops.runtime.models import Tick
from ops.runtime.worker import Worker
from tests.world import make_milestone, make_patient, make_practice

NOON = "2026-03-10 18:00:00"


def running_since(minutes: int) -> state.AppState:
    since = (clock.now() - timedelta(minutes=minutes)).isoformat()
    return state.AppState(os.getpid(), "http://127.0.0.1:8000", "running", since)


def examined(app: state.AppState, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(state, "running", lambda var: app)
    with ThreadPoolExecutor(1) as elsewhere:  # no application around it, as when `ops doctor` is called
        return elsewhere.submit(health.examine, settings()).result().problems


def test_a_queue_without_a_worker_is_a_problem_once_the_app_had_the_time_and_so_is_a_full_disk(app, monkeypatch):
    lacking = {f"queue {name} has no worker" for name in QUEUES}
    assert not lacking & set(examined(running_since(minutes=1), monkeypatch))
    monkeypatch.setattr(health, "LEAST_FREE", 10**18)
    told = examined(running_since(minutes=10), monkeypatch)
    assert lacking <= set(told)
    assert any(" is full: " in each for each in told)


def test_what_a_live_practice_lacks_is_a_problem(app, monkeypatch):
    make_practice("lake", hours=None)
    (said,) = (problem for problem in examined(running_since(minutes=1), monkeypatch) if "lake" in problem)
    assert said.startswith("lake is live and lacks: ") and "a contract in force today" in said


def test_a_worker_signs_in_again_after_a_redis_that_lost_everything(app):
    mine = queue("work")
    worker = Worker([mine], name="work-test", connection=mine.connection, serializer=JSONSerializer)
    worker.register_birth()
    connection(settings().redis_url).flushdb()
    assert rq.Worker.count(queue=mine) == 0
    worker.heartbeat()
    assert rq.Worker.count(queue=mine) == 1
    assert [found.queue_names() for found in rq.Worker.all(queue=mine)] == [["work"]]


@freeze_time(NOON)
def test_a_milestone_that_should_have_started_something_and_did_not_is_a_problem(app):
    practice = make_practice("lake")
    make_milestone(make_patient(practice))
    make_milestone(make_patient(practice, birth_date=clock.today(practice.zone)))
    jobs.practice_added(practice.id)
    assert missed_now() == []
    with transaction("test") as session:
        session.execute(sa.text("UPDATE cadences SET active = false"))
    jobs.practice_changed(practice.id)
    make_milestone(make_patient(practice))
    jobs.import_finished(practice.id)
    with transaction("test") as session:  # a rule that comes without anybody noticing
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        session.execute(sa.text("UPDATE cadences SET active = true"))
    assert missed_now() == ["1 milestone of lake should have started a cadence and did not"]
    jobs.look_again()
    schedule.run_due()
    assert missed_now() == []


@freeze_time(NOON)
def test_a_milestone_the_tick_went_past_is_a_problem_and_one_it_has_yet_to_see_is_none(app):
    practice = make_practice("lake")
    jobs.practice_added(practice.id)
    make_milestone(make_patient(practice))
    assert missed_now() == []
    with transaction("test") as session:
        session.add(Tick(name="start cadences", started_at=clock.now() + timedelta(minutes=3)))
    assert missed_now() == ["1 milestone of lake should have started a cadence and did not"]


def missed_now() -> list[str]:
    return [problem for problem in health.examine(settings()).problems if "milestone" in problem]
