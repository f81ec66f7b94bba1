"""The ledger of who is owed how much work: virtual time per practice, in agent minutes per contract hour.

The practice with the smallest virtual time is owed most and is served first. A claim charges the estimated minutes, the
outcome corrects them to the real ones. A practice that had nothing to do comes back level with the others, less a
bounded credit, so that a week away neither is lost whole nor floods the floor.
"""

import sqlalchemy as sa

from ops import clock
from ops.db import db
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


REFRESH = sa.text(
    """
    INSERT INTO shares (practice_id, hours, virtual_time, minutes_charged, has_work)
    SELECT p.id,
           coalesce((SELECT c.hours_per_month FROM contracts c
                     WHERE c.practice_id = p.id AND c.starts_on <= here.day
                       AND (c.ends_on IS NULL OR c.ends_on > here.day)), 0),
           -- a new practice starts level with the one that is owed most
           coalesce((SELECT min(virtual_time) FROM shares WHERE has_work), 0), 0, false
    FROM practices p CROSS JOIN LATERAL (SELECT (CAST(:now AS timestamptz) AT TIME ZONE p.zone)::date AS day) here
    ON CONFLICT (practice_id) DO UPDATE SET hours = excluded.hours WHERE shares.hours <> excluded.hours
    """
)
"""Every practice has a share with the contract hours in force on its own calendar day."""


def refresh_shares() -> None:
    """Give every practice a share with the contract hours in force today, and keep "has work" honest."""
    db.session.execute(REFRESH, {"now": clock.now()})
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
