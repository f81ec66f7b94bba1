"""The doorbell: telling a worker that a row has something for it.

The truth is in PostgreSQL. A job carries ids only, is rung after the commit that made the row true, and may run twice,
late or never: every job claims its row first, and the tick finds what was not rung. Losing all of Redis loses nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache

import redis
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
    NOTE_REPLY = "ops.queue.jobs.note_reply"


_silent: ContextVar[bool] = ContextVar("doorbell_silent", default=False)


@cache
def connection(url: str) -> redis.Redis:
    """The connection pool to one Redis or Valkey, shared by the process."""
    return redis.Redis.from_url(url, socket_connect_timeout=2, health_check_interval=30)


def queue(name: str) -> Queue:
    """The RQ queue `name`, one of QUEUES. Raises ValueError for another name, RuntimeError without a Redis address."""
    if name not in QUEUES:
        raise ValueError(f"no queue called {name!r}")
    url = settings().redis_url
    if not url:
        raise RuntimeError("REDIS_URL is not set and no embedded server was started")
    return Queue(name, connection=connection(url), serializer=JSONSerializer)


def ring(job: Job, *ids: int | str, on: str = "work", timeout_s: int = 180) -> None:
    """After the current transaction commits, have a worker of queue `on` run `job` with these ids. Raises
    ValueError for what is none."""
    name = Job(job).value
    if _silent.get():
        return
    after_commit(lambda: queue(on).enqueue(name, args=ids, description=name, job_timeout=timeout_s, result_ttl=60))


@contextmanager
def silent() -> Iterator[None]:
    """Ring no doorbells inside: for whoever does the rung work itself (the demo, which lives in another time)."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)
