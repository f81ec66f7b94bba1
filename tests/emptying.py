"""Emptying the database of a test process before each test.

Ten times cheaper than cloning a template each time, and what the product has compiled on its connections stays.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

# Without triggers and foreign keys, since what may never be deleted in the product must be here. A line for each table,
# since plans are made once on a connection that stays.
PREPARE = """
DO $$
DECLARE
    lines text;
BEGIN
    SELECT string_agg(format('IF EXISTS (SELECT FROM %1$I) THEN DELETE FROM %1$I; END IF;', relname), E'\n') INTO lines
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
       AND relname NOT IN ('alembic_version', 'installation', 'installed_sql');
    SELECT lines || string_agg(format('IF (SELECT is_called FROM %1$I) THEN PERFORM setval(%1$L, 1, false); END IF;',
                                      relname), E'\n') INTO lines
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S';
    EXECUTE format('CREATE FUNCTION pg_temp.make_empty() RETURNS void LANGUAGE plpgsql AS %L',
                   'BEGIN ' || lines || 'UPDATE installation SET demo_state = NULL WHERE demo_state IS NOT NULL; END');
END $$
"""
# Somebody else who is still connected has forgotten it, or is in the middle of something.
HANG_UP = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity AS they
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND (pid <> ALL(:kept) OR state <> 'idle' OR EXISTS (SELECT FROM pg_locks WHERE pg_locks.pid = they.pid))
"""

_kept: set[int] = set()


def keep_connections(engine: sa.Engine) -> None:
    """Let the idle connections of the product live on: a new one reads the catalog and compiles each function again,
    which takes longer than most tests."""

    @event.listens_for(engine, "connect")
    def _remember(driver: Any, record: Any) -> None:
        _kept.add(driver.info.backend_pid)


def emptier(url: sa.URL) -> sa.Engine:
    """An engine with one connection, on which `empty` may be called."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0)

    @event.listens_for(engine, "connect")
    def _prepare(driver: Any, record: Any) -> None:
        driver.execute("SET session_replication_role = replica")  # not each time: it makes the server plan again
        driver.execute(PREPARE)
        driver.commit()

    return engine


def empty(database: sa.Engine) -> None:
    """Take away all rows and start the numbers at 1 again; nobody is in the middle of anything afterwards."""
    with database.connect() as connection:
        connection.execute(sa.text(HANG_UP), {"kept": sorted(_kept)})
        connection.execute(sa.text("SELECT pg_temp.make_empty()"))
