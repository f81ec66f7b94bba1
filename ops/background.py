"""The doorbell: telling a worker that a row has something for it.

The truth is in PostgreSQL. A job carries ids only, is rung after the commit that made the row true, and may run twice,
late, before another or never: every job claims its row first, and the tick finds what was not rung. Losing all of Redis
loses nothing (tests/cadences/test_bells.py).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from threading import Semaphore, Thread
from typing import Any

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from ops.config import settings
from ops.db import after_commit

QUEUES = ("work", "messages", "imports")
"""One worker process each: RQ can lose a job for ever when one worker listens to several queues."""


class Job(StrEnum):
    """Every job that may be rung: a function of some `jobs.py`, by its dotted path, since whoever rings may be on a
    line below it. A worker runs no other, whatever stands in Redis."""

    IMPORT_FINISHED = "ops.cadences.jobs.import_finished"
    PRACTICE_ADDED = "ops.cadences.jobs.practice_added"
    PRACTICE_CHANGED = "ops.cadences.jobs.practice_changed"
    RUN_IMPORT = "ops.imports.jobs.run_import"
    MAIL_STAFF = "ops.mail.jobs.send"
    SEND_MESSAGE = "ops.messages.jobs.send"
    SEND_DUE_MESSAGES = "ops.messages.jobs.send_due"
    FRIENDS_MOVED = "ops.queue.jobs.friends_moved"
    NOTE_REPLY = "ops.queue.jobs.note_reply"


NO_WAITING: dict[str, Any] = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2, "retry": Retry(NoBackoff(), 0)}
"""For a connection to Redis in front of which somebody waits for a page, in seconds. It tries once."""
_patient = Semaphore(4)
"""So many at a time are rung beside an answer."""
log = structlog.get_logger()
_silent: ContextVar[bool] = ContextVar("doorbell_silent", default=False)


@cache
def connection(url: str) -> redis.Redis:
    """The connection pool to one Redis or Valkey, shared by the process."""
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5, health_check_interval=30)


@cache
def bell(url: str) -> redis.Redis:
    """The same, for whoever has somebody waiting: it gives up at once."""
    return redis.Redis.from_url(url, **NO_WAITING)


def queue(name: str, line: Callable[[str], redis.Redis] = connection) -> Queue:
    """The RQ queue `name`, one of QUEUES, over one of the two pools. Raises ValueError for another name, RuntimeError
    without a Redis address."""
    if name not in QUEUES:
        raise ValueError(f"no queue called {name!r}")
    url = settings().redis_url
    if not url:
        raise RuntimeError("REDIS_URL is not set and no embedded server was started")
    return Queue(name, connection=line(url), serializer=JSONSerializer)


def ring(job: Job, *ids: int | str, on: str = "work", timeout_s: int = 180) -> None:
    """After the current transaction commits, have a worker of queue `on` run `job` with these ids. Raises
    ValueError for what is none."""
    name = Job(job).value
    if _silent.get():
        return
    call = {"args": ids, "description": name, "job_timeout": timeout_s, "result_ttl": 60}
    after_commit(lambda: _ring(name, on, call))


def _ring(name: str, on: str, call: dict[str, Any]) -> None:
    """Somebody waits for the answer: what does not ring at once is rung beside it, or by the tick within the minute."""
    try:
        queue(on, bell).enqueue(name, **call)
    except redis.RedisError:
        if _patient.acquire(blocking=False):
            Thread(target=_ring_patiently, args=[name, on, call], daemon=True).start()


def _ring_patiently(name: str, on: str, call: dict[str, Any]) -> None:
    try:
        queue(on).enqueue(name, **call)
    except redis.RedisError as problem:
        log.warning("not_rung", job=name, error=type(problem).__name__)
    finally:
        _patient.release()


@contextmanager
def silent() -> Iterator[None]:
    """Ring no doorbells inside: for whoever does the rung work itself (the demo, which lives in another time)."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)
