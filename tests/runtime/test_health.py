"""What `ops doctor` says of workers and queues."""

import os
from datetime import timedelta

import pytest
import rq
from rq.serializers import JSONSerializer

from ops import clock
from ops.background import QUEUES, connection, queue
from ops.config import settings
from ops.runtime import health, state
from ops.runtime.worker import Worker


def running_since(minutes: int) -> state.AppState:
    since = (clock.now() - timedelta(minutes=minutes)).isoformat()
    return state.AppState(os.getpid(), "http://127.0.0.1:8000", "running", since)


def examined(app: state.AppState, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(state, "running", lambda var: app)
    return health.examine(settings()).problems


def test_a_queue_without_a_worker_is_a_problem_once_the_app_had_the_time(app, monkeypatch):
    lacking = {f"queue {name} has no worker" for name in QUEUES}
    assert not lacking & set(examined(running_since(minutes=1), monkeypatch))
    assert lacking <= set(examined(running_since(minutes=10), monkeypatch))


def test_a_worker_signs_in_again_after_a_redis_that_lost_everything(app):
    mine = queue("work")
    worker = Worker([mine], name="work-test", connection=mine.connection, serializer=JSONSerializer)
    worker.register_birth()
    connection(settings().redis_url).flushdb()
    assert rq.Worker.count(queue=mine) == 0
    worker.heartbeat()
    assert rq.Worker.count(queue=mine) == 1
    assert [found.queue_names() for found in rq.Worker.all(queue=mine)] == [["work"]]
