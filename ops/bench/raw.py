"""What the same server can do at best: no fairness, no law, no record of it.

`raw_tasks` are the waiting tasks once more, rows as wide, with a primary key and the one index that is perfect for
"the first that waits". It is claimed from with one autocommitted, prepared statement (`TAKE`). pgbench,
PostgreSQL's own program, changes one row of it by its key: the smallest durable write there is.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from ops.bench.scratch import plain

TABLE = (
    "CREATE TABLE raw_tasks AS SELECT * FROM tasks WHERE state = 'waiting' ORDER BY id",
    "ALTER TABLE raw_tasks ADD PRIMARY KEY (id)",
    "CREATE INDEX ix_raw_tasks_next ON raw_tasks (rank DESC, id) WHERE state = 'waiting'",
    "ALTER TABLE raw_tasks SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)",
    "VACUUM ANALYZE raw_tasks",
    "CHECKPOINT",
)
TAKE = """
UPDATE raw_tasks SET state = 'claimed', held_by = $1, claimed_at = $2, lease_until = $3, fence = fence + 1
WHERE id = (SELECT id FROM raw_tasks WHERE state = 'waiting' ORDER BY rank DESC, id FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id, practice_id, fence
"""
UPDATE = """\\set id random(:first, :last)
UPDATE raw_tasks SET tries = tries + 1 WHERE id = :id;
"""


def make_table(url: str) -> None:
    """Copy the tasks as they are now, settings of the real table included."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        for statement in TABLE:
            connection.execute(statement.encode())


def pgbench_per_s(url: str, clients: int, seconds: float) -> float | None:
    """Updates a second of one random row each, None where the program is not there (a server of your own)."""
    from ops.runtime.postgres import environment, programs

    try:
        program = programs() / "pgbench"
    except FileNotFoundError:
        return None
    if not program.exists():
        return None
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        script = Path(folder) / "update.sql"
        script.write_text(UPDATE)
        words = ["-n", "-M", "prepared", "-c", clients, "-j", min(clients, 2), "-T", max(1, round(seconds))]
        words += [f"-Dfirst={_bounds(url)[0]}", f"-Dlast={_bounds(url)[1]}", "-f", script, plain(url)]
        done = subprocess.run(
            [program, *map(str, words)], env=environment(), capture_output=True, text=True, check=False
        )
    rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    return round(float(rate[1]), 1) if rate else None


def _bounds(url: str) -> tuple[Any, ...]:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        return connection.execute("SELECT min(id), max(id) FROM raw_tasks").fetchone() or (1, 1)
