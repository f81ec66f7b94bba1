"""Databases of a test's own, beside the one all tests of a process share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def scratch(cluster: sa.Engine, which: str, template: str = "template1") -> Iterator[sa.Engine]:
    """An empty database, or a copy of the database `template`, dropped at the end."""
    name = f"test_{os.getpid()}_{which}"
    with cluster.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine = sa.create_engine(cluster.url.set(database=name))
    try:
        yield engine
    finally:
        engine.dispose()
        with cluster.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
