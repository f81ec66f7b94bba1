"""A database of its own for a benchmark: practice data is never touched."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def scratch_database() -> Iterator[str]:
    """The address (SQLAlchemy's) of a new, migrated database, dropped at the end. Needs the servers
    (`ops.runtime.servers`)."""
    from ops.config import settings
    from ops.migrate import upgrade

    name = f"bench_{uuid.uuid4().hex[:8]}"
    cluster = sa.create_engine(settings().database_url or "", isolation_level="AUTOCOMMIT")
    url = cluster.url.set(database=name)
    with cluster.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        engine = sa.create_engine(url)
        upgrade(engine)
        engine.dispose()
        yield url.render_as_string(hide_password=False)
    finally:
        with cluster.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        cluster.dispose()


def plain(url: str) -> str:
    """SQLAlchemy's address as psycopg and libpq's programs take it."""
    return url.replace("postgresql+psycopg://", "postgresql://")
