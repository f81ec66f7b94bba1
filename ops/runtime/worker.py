"""One worker process for one RQ queue, forked from the supervisor.

Each job runs in a forked child ("horse") inside an application context. One queue per process, because RQ loses a job
for ever when a worker of several queues dies between taking and starting it. Nothing that names a patient goes into a
log or into Redis: no arguments, no exception messages (a database's or a parser's quote the offending values).
"""

import os
from collections.abc import Callable
from types import TracebackType
from typing import Any

import rq
import structlog
from flask import Flask
from rq import worker_registration
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

from ops import background, one_clock, patience
from ops.patience import Kind
from ops.runtime.starting import die_with_parent

log = structlog.get_logger()

TTL_SECONDS = 60
MAINTENANCE_SECONDS = 30
MONITORING_SECONDS = 10

ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class Withheld(Exception):
    """Stands for an exception whose message may name a patient; says its type only."""

    def __init__(self, kind: type[BaseException] | None) -> None:
        super().__init__(f"{kind.__name__ if kind else 'exception'} (message withheld)")


class Refused(Exception):
    """Redis holds what is none of our jobs. Whoever can write to it must not be able to run what they like."""


class OnlyOurs(Job):
    """A job as a worker takes it from Redis: one of `ops.background.Job`, and no callback."""

    @property
    def func(self) -> Callable[..., Any]:
        if self.instance is not None or self.func_name not in set(background.Job):
            raise Refused
        one_clock.must_agree()  # the row stays as it is: a tick that has the right time finds it
        return import_attribute(self.func_name)

    success_callback = failure_callback = stopped_callback = property(lambda self: None)


class Worker(rq.Worker):
    """An RQ worker whose jobs run in the application's context and die with it."""

    app: Flask

    def main_work_horse(self, job: Job, queue: rq.Queue) -> None:
        """In the forked child: no child without its worker, and no database connection shared with it."""
        from ops.db import db

        assert self.pid is not None
        die_with_parent(self.pid)
        with self.app.app_context():
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Also signs in again after a Redis that lost everything: RQ does so at the start only, and `ops doctor`
        would miss a worker that works."""
        super().heartbeat(timeout, pipeline)
        if pipeline is None and not self.connection.hexists(self.key, "birth"):
            self.connection.hset(self.key, mapping=self.serialize())
            worker_registration.register(self)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log where a job failed and with what type, not with which values."""
        kind, _, trace = exc_info
        problem = Withheld(kind).with_traceback(trace)
        log.error("job_failed", job=job.description, error=kind and kind.__name__, exc_info=problem)

    def _finalize_failure(self, job: Job, queue: rq.Queue, execution: Any, exc_info: ExcInfo) -> None:
        kind, _, trace = exc_info
        super()._finalize_failure(job, queue, execution, (kind, Withheld(kind), trace))


def work(name: str, app: Flask) -> None:
    """Work on queue `name` (one of ops.background.QUEUES) until SIGTERM, which lets the job at hand finish."""
    patience.this_is(Kind.WORKER)
    Worker.app = app
    mine = background.queue(name)
    worker = Worker(
        [mine],
        name=f"{name}-{os.uname().nodename}-{os.getpid()}",
        connection=mine.connection,
        job_class=OnlyOurs,
        serializer=JSONSerializer,
        worker_ttl=TTL_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        job_monitoring_interval=MONITORING_SECONDS,
        log_job_description=False,
    )
    # Without RQ's scheduler: what is due later is a row that the tick finds.
    log.info("worker_started", queue=name, pid=os.getpid())
    worker.work(logging_level="WARNING")
