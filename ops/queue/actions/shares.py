"""The ledger of who is owed how much work: virtual time per practice, in agent minutes per contract hour.

The practice with the smallest virtual time is owed most and is served first. A claim charges the estimated minutes, the
outcome corrects them to the real ones. A practice that had nothing to do comes back level with the others, less a
bounded credit, so that a week away neither is lost whole nor floods the floor.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.db import db
from ops.practices.models import Contract, Practice
from ops.queue.models import Share, Task, TaskState

CREDIT = 3.0
"""The most a returning practice may be ahead, in minutes per contract hour (5 % of what it bought)."""
NO_CONTRACT_HOURS = 0.1
"""A practice without hours is served as if it had bought six minutes: last, but not never."""


def charge(practice_id: int, minutes: float) -> None:
    """Add minutes (negative: take back) to what a practice has had."""
    hours = sa.func.greatest(sa.cast(Share.hours, sa.Float), NO_CONTRACT_HOURS)
    db.session.execute(
        sa.update(Share)
        .where(Share.practice_id == practice_id)
        .values(
            minutes_charged=Share.minutes_charged + minutes,
            virtual_time=Share.virtual_time + sa.literal(minutes, sa.Float) / hours,
        )
        .execution_options(synchronize_session=False)
    )


def note_work(practice_id: int) -> None:
    """The practice has something to do: if it had not, it comes in level with the one that is owed most now."""
    level = sa.select(sa.func.coalesce(sa.func.min(Share.virtual_time), 0.0)).where(Share.has_work).scalar_subquery()
    db.session.execute(
        sa.update(Share)
        .where(Share.practice_id == practice_id, ~Share.has_work)
        .values(has_work=True, virtual_time=sa.func.greatest(Share.virtual_time, level - CREDIT))
        .execution_options(synchronize_session=False)
    )


def refresh_shares() -> None:
    """Give every practice a share with the contract hours in force today, and keep "has work" honest."""
    for practice in db.session.scalars(sa.select(Practice)).all():
        hours = _hours_now(practice)
        db.session.execute(
            insert(Share)
            .values(practice_id=practice.id, hours=hours, virtual_time=_level(), minutes_charged=0, has_work=False)
            .on_conflict_do_update(index_elements=["practice_id"], set_={"hours": hours}, where=Share.hours != hours)
        )
    waiting = sa.exists().where(Task.practice_id == Share.practice_id, Task.state == TaskState.WAITING)
    db.session.execute(
        sa.update(Share)
        .where(Share.has_work, ~waiting)
        .values(has_work=False)
        .execution_options(synchronize_session=False)
    )
    idle = sa.select(Share.practice_id).where(~Share.has_work, waiting)
    for practice_id in db.session.scalars(idle).all():
        note_work(practice_id)


def _level() -> float:
    """Where a new practice starts: level with the one that is owed most."""
    return db.session.scalar(sa.select(sa.func.min(Share.virtual_time)).where(Share.has_work)) or 0.0


def _hours_now(practice: Practice) -> float:
    today = clock.today(practice.zone)
    hours = db.session.scalar(
        sa.select(Contract.hours_per_month).where(
            Contract.practice_id == practice.id,
            Contract.starts_on <= today,
            sa.or_(Contract.ends_on.is_(None), Contract.ends_on > today),
        )
    )
    return float(hours or 0)
