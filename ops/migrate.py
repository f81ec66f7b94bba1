"""Bring a database to what the code needs: the numbered migrations, then the SQL of the files (ops/sql).

Two processes that start at once wait for each other.
"""

import time
from pathlib import Path

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable

from ops.crypto import pepper_fingerprint
from ops.sql.install import install, is_installed

log = structlog.get_logger()
FOLDER = Path(__file__).resolve().parent.parent / "migrations"
LOCK = 7_034_001
LOCK_S = 2
"""How long a migration waits for a table."""
PAUSE_S = 1.0
TRIES = 200
"""Ten minutes: as long may a report read."""


class WrongKey(RuntimeError):
    """The key we hash numbers with is not the one this database was filled with."""


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: sa.Engine, to: str = "head") -> None:
    """Run what is missing up to revision `to`; at the newest, install what SQL differs. One transaction. Raises
    WrongKey.

    A change of a table that waits for a long reader has everybody else wait behind it, so it waits for LOCK_S only and
    lets them through before the next try. After TRIES, raises sqlalchemy.exc.OperationalError.
    """
    for left in reversed(range(TRIES)):
        try:
            _upgrade(engine, to)
            return _validate(engine)
        except sa.exc.OperationalError as problem:
            if not left or not isinstance(problem.orig, LockNotAvailable):
                raise
            time.sleep(PAUSE_S)


def _upgrade(engine: sa.Engine, to: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_S}s'; SET LOCAL statement_timeout = 0"))
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        command.upgrade(_config(connection), to)
        if to == "head":
            install(connection)
            _agree_on_key(connection)


NOT_VALID = sa.text(
    "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE NOT convalidated AND contype IN ('c', 'f') "
    "AND connamespace = 'public'::regnamespace ORDER BY 1, 2"
)
"""What holds for new rows, and was not looked at for those that were there."""


def not_valid(connection: sa.Connection) -> list[tuple[str, str]]:
    """(table, constraint) of each that rows of before were not looked at for, or break."""
    return [(table, name) for table, name in connection.execute(NOT_VALID)]


def _validate(engine: sa.Engine) -> None:
    """Look at the rows that were there, one constraint at a time, while others read and write. One that a row breaks
    stays as it is, holds for new rows, and the doctor names it: a process must start all the same."""
    with engine.connect() as connection:
        found = not_valid(connection)
    for table, name in found:
        try:
            with engine.begin() as connection:
                connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_S}s'; SET LOCAL statement_timeout = 0"))
                connection.exec_driver_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        except sa.exc.IntegrityError:
            log.warning("rows_break_constraint", table=table, constraint=name)


def _agree_on_key(connection: sa.Connection) -> None:
    """Numbers are compared by keyed hashes: a node with another key would count no cap and find no opt-out."""
    mine = pepper_fingerprint()
    kept = connection.scalar(
        sa.text(
            "INSERT INTO installation (id, pepper_fingerprint) VALUES (1, :mine) "
            "ON CONFLICT (id) DO UPDATE SET id = 1 RETURNING pepper_fingerprint"
        ),
        {"mine": mine},
    )
    if kept != mine:
        raise WrongKey(
            "This database was filled with another CONTACT_PEPPER than ours (on one machine: var/contact_pepper). "
            "Set CONTACT_PEPPER to the same value everywhere; otherwise opt-outs and daily caps would not be found."
        )


def downgrade(engine: sa.Engine, to: str = "base") -> None:
    """Undo migrations down to revision `to`."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), to)


def newest() -> str | None:
    """The revision this code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def current(connection: sa.Connection) -> str | None:
    """The revision the database has; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def is_current(connection: sa.Connection) -> bool:
    """Whether database and code agree, in tables and in the SQL installed beside them."""
    return current(connection) == newest() and is_installed(connection)
