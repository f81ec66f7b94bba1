"""From import to work, outside requests: each job finds its rows itself and may run twice."""

import sqlalchemy as sa

from ops.cadences.actions import redating, starting, stepping
from ops.cadences.models import Cadence
from ops.db import db, transaction
from ops.isolated import each
from ops.practices.models import Milestone, Practice, PracticeStatus
from ops.queue.actions import lanes, shares
from ops.queue.jobs import rerank
from ops.queue.models import CadenceRun
from ops.scripts.actions import ensure_defaults

STEPS_AT_ONCE = 500


def practice_added(practice_id: int) -> None:
    """A practice is new: it gets the default cadences and a share of the floor."""
    with transaction("tick"):
        ensure_defaults()
        starting.add_default_cadences(practice_id)


def practice_changed(practice_id: int) -> None:
    """Status, contract, treatments or triggers changed."""
    with transaction("tick"):
        shares.hold_floor()
        shares.refresh_shares()
        lanes.refresh()
    with transaction("tick"):  # not while the whole floor is held
        starting.look_again(practice_id)
        redating.redate(practice_id)
    import_finished(practice_id)


def import_finished(practice_id: int) -> None:
    """New milestones are there: start what they trigger and open what is due."""
    practice = db.session.get(Practice, practice_id)
    db.session.rollback()
    if practice is None or practice.status is PracticeStatus.ENDED:
        return
    looked = starting.BATCH
    while looked >= starting.BATCH:
        with transaction("tick"):
            _, looked = starting.start_due_cadences(practice)
    take_due_steps()
    rerank(practice_id)


def start_cadences() -> None:
    """Every practice's milestones that nobody looked at yet, and practices without cadences."""
    without = sa.select(Practice.id).where(~sa.exists().where(Cadence.practice_id == Practice.id))
    waiting = (
        sa.select(Practice.id)
        .where(sa.exists().where(Milestone.practice_id == Practice.id, Milestone.triggered_at.is_(None)))
        .where(Practice.status == PracticeStatus.ACTIVE)
    )
    new, due = db.session.scalars(without).all(), db.session.scalars(waiting).all()
    db.session.rollback()
    each("welcome practices", new, practice_added, owner=Practice.id)
    each("start cadences", due, import_finished, owner=Practice.id)


def take_due_steps() -> int:
    """Take every due step of every cadence, each in its own transaction; how many."""
    taken = 0
    while run_ids := _due():
        taken += sum(each("take steps", run_ids, _take_step, owner=CadenceRun.practice_id, limit=STEPS_AT_ONCE))
        if len(run_ids) < STEPS_AT_ONCE:
            break
    return taken


def _take_step(run_id: int) -> bool:
    with transaction("tick"):
        return stepping.take_step(run_id)


def _due() -> list[int]:
    run_ids = stepping.due_runs(STEPS_AT_ONCE)
    db.session.rollback()
    return run_ids


def close_stale() -> None:
    """Work whose days are over is cancelled, and its cadence ends."""
    with transaction("tick"):
        stepping.close_stale()
