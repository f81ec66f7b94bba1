"""What may be rung, and what a worker runs: the closed set of jobs."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import rq
from rq.job import Callback, JobStatus
from rq.serializers import JSONSerializer

import ops
from ops.background import Job, queue, ring
from ops.db import transaction
from ops.runtime.worker import OnlyOurs

OPS = Path(ops.__file__).parent


@pytest.mark.parametrize("job", Job)
def test_a_job_is_a_public_function_of_a_jobs_module(job):
    module, _, name = job.rpartition(".")
    assert module.split(".")[0] == "ops" and module.split(".")[-1] == "jobs" and not name.startswith("_")
    function = getattr(import_module(module), name)
    assert inspect.isfunction(function) and function.__module__ == module


def rings() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `ring` in the product."""
    for path in sorted(OPS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "ring":
                yield f"{path.relative_to(OPS)}:{node.lineno}", node


def test_what_is_rung_is_named_by_the_closed_set_and_given_the_ids_it_takes():
    found, problems = list(rings()), []
    for where, call in found:
        named = ast.unparse(call.args[0]).removeprefix("background.")
        kind, _, member = named.partition(".")
        if kind != "Job" or member not in Job.__members__:
            problems.append(f"{where} rings {named}")
            continue
        module, _, name = Job[member].rpartition(".")
        try:
            inspect.signature(getattr(import_module(module), name)).bind(*call.args[1:])
        except TypeError as problem:
            problems.append(f"{where} {problem}")
    assert problems == []
    assert {ast.unparse(call.args[0]).rpartition(".")[2] for _, call in found} == set(Job.__members__)


def test_what_is_not_of_the_set_cannot_be_rung(app):
    with transaction("test"), pytest.raises(ValueError, match="not a valid Job"):
        ring("os.getppid")  # type: ignore[arg-type]


def worked(job: rq.job.Job) -> JobStatus:
    """The job's end after a worker of its queue has run it in this process."""
    mine = queue("work")
    worker = rq.SimpleWorker([mine], connection=mine.connection, job_class=OnlyOurs, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")
    return job.get_status(refresh=True)


def test_a_worker_runs_our_jobs_and_nothing_else_that_stands_in_redis(app):
    assert worked(queue("work").enqueue(Job.NOTE_REPLY.value, 7)) == JobStatus.FINISHED
    for other in ("os.getppid", "ops.queue.jobs.rerank", "ops.queue.jobs._claim"):
        job = queue("work").enqueue(other)
        assert worked(job) == JobStatus.FAILED
        assert "Refused" in job.latest_result().exc_string


def test_a_worker_calls_no_callback_that_stands_in_redis(app, tmp_path):
    touched = tmp_path / "touched"
    job = queue("work").enqueue(
        Job.NOTE_REPLY.value, 7, on_success=Callback("tests.runtime.test_jobs.touch"), meta={"path": str(touched)}
    )
    assert worked(job) == JobStatus.FINISHED
    assert not touched.exists()


def touch(job: rq.job.Job, connection: object, result: object) -> None:
    """What somebody would have called after a job of ours."""
    Path(job.meta["path"]).touch()
