"""Other queues on PostgreSQL, each taking one job at a time in its own way, on its own tables, as it ships.

procrastinate, pgmq and pgqueuer come with the extra `bench` of this project and are left out where they are not
installed. Each is asked with its own statement on a bare, autocommitting connection, without its Python around it, and
with as many jobs as we have tasks: the fairest to them. What a client got is finished in one statement a round, as
ours is. None of them knows of practices, hours or the law.
"""

from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from ops.bench.scratch import plain

VISIBLE_AGAIN = 600
"""Seconds until a job that was taken may be taken by somebody else."""
WORKER = UUID(int=1)


class Peer(NamedTuple):
    """The statements of one queue; `take` and `finish` in PostgreSQL's own notation ($1)."""

    install: str
    fill: str
    """With %(jobs)s."""
    take: str
    values: list[Any]
    """Of `take`, as JSON; the server knows their types."""
    finish: str
    table: str


def _procrastinate() -> Peer:
    from procrastinate.schema import SchemaManager

    return Peer(
        install=SchemaManager.get_schema(),
        fill="INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
        " SELECT 'bench', 'call', jsonb_build_object('task', i) FROM generate_series(1, %(jobs)s) i",
        take="SELECT id FROM procrastinate_fetch_job_v2($1::varchar[], NULL::bigint)",
        values=[["bench"]],
        finish="UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = ANY ($1)",
        table="procrastinate_jobs",
    )


def _pgmq() -> Peer:
    from pgmq.install import get_embedded_install_sql

    return Peer(
        install=get_embedded_install_sql() + "; SELECT pgmq.create('bench');",
        fill="INSERT INTO pgmq.q_bench (vt, message)"
        " SELECT timestamptz '2026-01-01', jsonb_build_object('task', i) FROM generate_series(1, %(jobs)s) i",
        take="SELECT msg_id FROM pgmq.read($1, $2::integer, 1)",
        values=["bench", VISIBLE_AGAIN],
        finish="SELECT pgmq.delete('bench', $1)",
        table="pgmq.q_bench",
    )


def _pgqueuer() -> Peer:
    from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder

    builder = QueryQueueBuilder()
    table = builder.qualified.queue_table
    asked = builder.build_dequeue_query(
        batch_size=1,
        entrypoints=["bench"],
        concurrency_limits=[0],
        queue_manager_id=WORKER,
        global_concurrency_limit=None,
        heartbeat_timeout=timedelta(seconds=VISIBLE_AGAIN),
    )
    return Peer(
        install=QueryBuilderEnvironment().build_install_query(),
        fill=f"INSERT INTO {table} (priority, created, updated, heartbeat, execute_after, status, entrypoint)"  # noqa: S608 (its own)
        " SELECT 0, past, past, past, past, 'queued', 'bench' FROM (SELECT timestamptz '2026-01-01' AS past) was,"
        " generate_series(1, %(jobs)s) i",
        take=asked.sql,
        values=[_as_json(value) for value in asked.args],
        finish=f"DELETE FROM {table} WHERE id = ANY ($1)",  # noqa: S608 (its own name of its table)
        table=table,
    )


def _as_json(value: Any) -> Any:
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} s"
    return str(value) if isinstance(value, UUID) else value


PEERS: dict[str, Callable[[], Peer]] = {"procrastinate": _procrastinate, "pgmq": _pgmq, "pgqueuer": _pgqueuer}


def installed() -> list[str]:
    """Those that are here."""
    return [name for name in PEERS if find_spec(name)]


def prepare(name: str, url: str, jobs: int) -> Peer:
    """Its tables, with so many jobs in them."""
    peer = PEERS[name]()
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(peer.install.encode())
        psycopg.ClientCursor(connection).execute(peer.fill.encode(), {"jobs": jobs})
        connection.execute(f"VACUUM ANALYZE {peer.table}".encode())
        connection.execute("CHECKPOINT")
    return peer
