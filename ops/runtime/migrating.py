"""Bringing the tables up to date as part of a start, while the database may still be starting itself."""

import time

import sqlalchemy as sa

from ops.migrate import upgrade

PATIENCE_SECONDS = 60.0


def bring_up_to_date(database_url: str) -> None:
    """Run the missing migrations. Waits a minute for a database to answer, then raises OperationalError."""
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            upgrade(engine)
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
