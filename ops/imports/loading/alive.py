"""Signs of life of a load, given beside it. Opening one file may compute for two minutes, and on a busy machine wait
for its turn much longer; taken for dead then, it would be begun again while it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from threading import Event, Thread

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.imports.models import Import, ImportState

BEAT_S = 20.0


@contextmanager
def signs_of_life(import_id: int, me: str) -> Iterator[None]:
    """Within the block, say every BEAT_S that `me` is loading it. When the process dies, so does this."""
    over = Event()
    beating = Thread(target=copy_context().run, args=[_beat, import_id, me, over], daemon=True, name="signs-of-life")
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()


def _beat(import_id: int, me: str, over: Event) -> None:
    mine = sa.update(Import).where(Import.id == import_id, Import.runner == me, Import.state == ImportState.RUNNING)
    while not over.wait(BEAT_S):
        with suppress(sa.exc.SQLAlchemyError), db.engine.begin() as connection:  # the load itself meets what is wrong
            connection.execute(mine.values(beat_at=clock.now()))
