"""Starting, cancelling and resuming imports. The doorbell may be lost: what waits or died is rung again by the tick."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ops import clock
from ops.background import Job, ring
from ops.db import db
from ops.errors import Refused
from ops.imports.loading.intake import refuse_without_baa
from ops.imports.models import Import, ImportState
from ops.isolated import each_within
from ops.practices.models import Practice

SILENCE = timedelta(minutes=2)
"""A running import without a sign of life for this long has died; a waiting one was not rung."""
LONGEST_S = 6 * 3600
TO_LOAD = (ImportState.QUEUED, ImportState.RUNNING)


def begin(load: Import, ring_worker: bool = True) -> None:
    """Have a worker load it (`ring_worker` False: whoever calls `run`). Raises Refused when it has begun already."""
    if load.state is not ImportState.UPLOADED:
        raise Refused("This import has begun already.")
    refuse_without_baa(db.session.get_one(Practice, load.practice_id))
    load.state, load.beat_at = ImportState.QUEUED, clock.now()
    db.session.flush()
    if ring_worker:
        ring(Job.RUN_IMPORT, load.id, on="imports", timeout_s=LONGEST_S)


def cancel(load: Import) -> None:
    """Stop it before its next batch; what was stored stays. Raises Refused when it is over."""
    if load.state not in (ImportState.UPLOADED, ImportState.QUEUED, ImportState.RUNNING):
        raise Refused("This import is over.")
    load.state, load.finished_at = ImportState.CANCELLED, clock.now()
    db.session.flush()


def its_turn(import_id: int) -> bool:
    """Whether no earlier import of the same practice has yet to be loaded."""
    mine = aliased(Import)
    earlier = (Import.practice_id == mine.practice_id, Import.id < mine.id, Import.state.in_(TO_LOAD))
    return not db.session.scalar(sa.select(sa.exists().where(mine.id == import_id, *earlier)))


def ring_next(import_id: int) -> None:
    """One is over: ring for the next one of its practice that waits."""
    practice = sa.select(Import.practice_id).where(Import.id == import_id).scalar_subquery()
    waits = (Import.practice_id == practice, Import.state == ImportState.QUEUED, Import.id != import_id)
    next_id = db.session.scalar(sa.select(Import.id).where(*waits).order_by(Import.id).limit(1))
    if next_id is not None:
        ring(Job.RUN_IMPORT, next_id, on="imports", timeout_s=LONGEST_S)


def resume_dead() -> list[int]:
    """Ring for every import that waits or runs without a sign of life; their ids."""
    silent = Import.beat_at < clock.now() - SILENCE
    dead = db.session.scalars(
        sa.select(Import).where(Import.state.in_(TO_LOAD), silent).with_for_update(skip_locked=True)
    ).all()
    each_within("resume imports", {load.id: load for load in dead}, _resume, owner=Import.practice_id)
    return [load.id for load in dead]


def _resume(load: Import) -> None:
    load.state, load.beat_at = ImportState.QUEUED, clock.now()
    ring(Job.RUN_IMPORT, load.id, on="imports", timeout_s=LONGEST_S)
