"""Starting, cancelling and resuming imports. The doorbell may be lost: what waits or died is rung again by the tick."""

from datetime import timedelta

import sqlalchemy as sa

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


def resume_dead() -> list[int]:
    """Ring for every import that waits or runs without a sign of life; their ids."""
    silent = Import.beat_at < clock.now() - SILENCE
    dead = db.session.scalars(
        sa.select(Import)
        .where(Import.state.in_((ImportState.QUEUED, ImportState.RUNNING)), silent)
        .with_for_update(skip_locked=True)
    ).all()
    each_within("resume imports", {load.id: load for load in dead}, _resume, owner=Import.practice_id)
    return [load.id for load in dead]


def _resume(load: Import) -> None:
    load.state, load.beat_at = ImportState.QUEUED, clock.now()
    ring(Job.RUN_IMPORT, load.id, on="imports", timeout_s=LONGEST_S)
