"""From import to work, outside requests: each job finds its rows itself and may run twice."""

import time

import sqlalchemy as sa

from ops.cadences.actions import correcting, redating, resuming, starting, stepping
from ops.cadences.models import Cadence, RuleChange
from ops.db import db, transaction
from ops.isolated import each
from ops.practices.models import Milestone, Practice, PracticeStatus
from ops.queue.actions import lanes, shares
from ops.queue.jobs import rerank
from ops.queue.models import CadenceRun
from ops.referrals.jobs import match_friends
from ops.scripts.actions import ensure_defaults

STEPS_AT_ONCE = 500
FOR_SECONDS = 30.0
"""A large file brings more steps than a minute can take. The rest waits for the next tick, so that leases, messages and
loads that died do not wait for all of them."""


def practice_added(practice_id: int) -> None:
    """A practice is new: it gets the default cadences and a share of the floor."""
    with transaction("tick"):
        ensure_defaults()
        starting.add_default_cadences(practice_id)
    catch_up(practice_id)


def practice_changed(practice_id: int) -> None:
    """Status, contract, treatments or triggers changed."""
    with transaction("tick"):
        shares.hold_floor()
        shares.refresh_shares()
        lanes.refresh()
    catch_up(practice_id)  # not while the whole floor is held


def import_finished(practice_id: int) -> None:
    """New milestones are there."""
    catch_up(practice_id)


def catch_up(practice_id: int) -> None:
    """Start what the practice's milestones trigger under the rules as they are, and open what is due.

    What there is to do is read from the rows alone, so it comes to the same whichever doorbell rang, in which order,
    how often or never.
    """
    practice = db.session.get(Practice, practice_id)
    if practice is None or practice.status is PracticeStatus.ENDED:
        db.session.rollback()
        return
    version = starting.changed_rules(practice_id)
    known = starting.has_milestones(practice_id)  # after the version: one that comes now is looked at under its bell
    db.session.rollback()
    if known:
        _follow_milestones(practice, anew=version is not None)
    if version is not None:
        with transaction("tick"):
            starting.applied_rules(practice_id, version)
    rerank(practice_id)
    match_friends(practice_id)


def _follow_milestones(practice: Practice, anew: bool) -> None:
    """`anew`: under rules that have changed since the practice's milestones were looked at."""
    with transaction("tick"):
        redating.redate(practice.id)
        correcting.pass_over(practice.id)
    _correct(practice.id)
    _start(practice)
    again = db.session.scalars(resuming.not_taken(practice.id, anew=anew)).all()
    each("send again", again, _try_again, owner=CadenceRun.practice_id)
    while anew and _look_again(practice) and _start(practice):
        pass  # what one starts may leave room for the next
    take_due_steps()


def _start(practice: Practice) -> int:
    """How many cadences were started."""
    started, done = 0, starting.Looked(0, starting.BATCH, 0)
    while done.looked >= starting.BATCH or (done.left and done.looked):
        with transaction("tick"):
            done = starting.start_due_cadences(practice)
        started += done.started
    return started


def _correct(practice_id: int) -> None:
    """What follows from milestones that were moved, changed, withdrawn or restored."""
    changed = correcting.changed(practice_id)
    each("put cadences right", changed, _put_right, owner=Milestone.practice_id)
    behind = starting.came_back(practice_id)
    each("tell of later visits", behind, _look_behind, owner=CadenceRun.practice_id)


def _look_behind(run_id: int) -> None:
    with transaction("tick"):
        correcting.look_behind(run_id)


def _put_right(milestone_id: int) -> None:
    with transaction("tick"):
        correcting.put_right(milestone_id)


def _try_again(run_id: int) -> None:
    with transaction("tick"):
        resuming.try_again(run_id)


def _look_again(practice: Practice) -> int:
    with transaction("tick"):
        return starting.look_again(practice)


def start_cadences() -> None:
    """Every practice with milestones that nobody has looked at under the rules as they are, or with what could not be
    sent, or might not be, and can be now, and practices without cadences."""
    with transaction("tick"):
        ensure_defaults()  # not with a practice's cadences alone: a lead may have been faster with those
    without = sa.select(Practice.id).where(~sa.exists().where(Cadence.practice_id == Practice.id))
    unseen = sa.exists().where(
        Milestone.practice_id == Practice.id, Milestone.triggered_at.is_(None), Milestone.withdrawn_at.is_(None)
    )
    put_right = Practice.id.in_(correcting.to_apply())
    changed = sa.exists().where(RuleChange.practice_id == Practice.id, RuleChange.version > RuleChange.applied)
    corrected = Practice.id.in_(resuming.not_taken(anew=False).with_only_columns(CadenceRun.practice_id))
    waiting = sa.select(Practice.id).where(
        sa.or_(unseen, changed, corrected, put_right), Practice.status != PracticeStatus.ENDED
    )
    new = db.session.scalars(without).all()
    each("welcome practices", new, practice_added, owner=Practice.id)
    due = db.session.scalars(waiting).all()
    each("start cadences", due, catch_up, owner=Practice.id, seconds=FOR_SECONDS)


def look_again() -> None:
    """Every practice's milestones, whatever was looked at before."""
    with transaction("tick"):
        starting.doubt_rules()


def take_due_steps() -> int:
    """Take the due steps of every cadence, each in its own transaction, for FOR_SECONDS at most; how many."""
    taken, until = 0, time.monotonic() + FOR_SECONDS
    while (left := until - time.monotonic()) > 0 and (run_ids := _due()):
        taken += sum(
            each("take steps", run_ids, _take_step, owner=CadenceRun.practice_id, limit=STEPS_AT_ONCE, seconds=left)
        )
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
