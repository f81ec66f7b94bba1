"""The ledger of who is owed how much work: virtual time per practice, in agent minutes per contract hour.

The practice with the smallest virtual time is owed most and is served first. A claim charges the estimated minutes, the
outcome corrects them to the real ones. What one practice does not use is lent to the others and paid back within
bounds: whoever was away (nothing to do, paused, its hours shut, nobody certified) is owed at most `CREDIT` more than
the others when it is back, so that a week away neither is lost whole nor floods the floor.
"""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.queue.models import Share

CREDIT = 3.0
"""The most a practice may be owed, in minutes per contract hour (5% of what it bought)."""
SERVED_WITHIN = timedelta(minutes=15)
"""Practices served so lately say how far the others have come."""
NO_CONTRACT_HOURS = 0.1
"""A practice without hours is served as if it had bought six minutes: last, but not never."""

HOURS = sa.func.greatest(sa.cast(Share.hours * Share.weight, sa.Float), NO_CONTRACT_HOURS)
"""What the minutes of a practice are divided by."""


def charge(practice_id: int, minutes: float) -> None:
    """Add minutes (negative: take back) to what a practice has had."""
    db.session.execute(
        sa.update(Share)
        .where(Share.practice_id == practice_id)
        .values(
            minutes_charged=Share.minutes_charged + minutes,
            virtual_time=Share.virtual_time + sa.literal(minutes, sa.Float) / HOURS,
        )
        .execution_options(synchronize_session=False)
    )


OPEN = """
    SELECT l.id FROM lanes l WHERE l.id = ANY ({lanes}) AND window_open(l.opens_at, l.closes_at, :now)
      AND 'kind_paused' <> ALL (ARRAY(SELECT r.code FROM why_paused(s.practice_id, l.kind) r))
"""
"""Of these lanes those that may be served for the practice of ledger row `s`. The claim asks for its status itself."""
TAKE_ROW = sa.text("SELECT lanes FROM shares WHERE practice_id = :practice FOR NO KEY UPDATE")
ADD_LANES = sa.text(
    f"""
    UPDATE shares s SET
        lanes = ARRAY(SELECT unnest(s.lanes) UNION SELECT unnest(CAST(:lanes AS integer[]))),
        open_lanes = ARRAY(SELECT unnest(s.open_lanes) UNION {OPEN.format(lanes=":lanes")}),
        -- level with who is owed most of those at work, or with where the work stood when all were done
        virtual_time = CASE WHEN s.has_work THEN s.virtual_time ELSE greatest(s.virtual_time, coalesce(
            (SELECT min(o.virtual_time) FROM shares o WHERE o.has_work),
            (SELECT max(o.virtual_time) FROM shares o)) - :credit) END
    WHERE s.practice_id = :practice
    """  # noqa: S608 (our own words)
).bindparams(sa.bindparam("lanes", type_=sa.ARRAY(sa.Integer)))


def note_work(practice_id: int, lanes: Iterable[int]) -> None:
    """The practice has something to do in these lanes: if it had nothing at all, it comes in level with the others.

    Takes the ledger row until the end of the transaction, as whoever clears a lane does: so none is cleared that is
    about to get a task.
    """
    lanes = set(lanes)
    there = db.session.scalar(TAKE_ROW, {"practice": practice_id})
    if there is not None and not lanes <= set(there):
        added = {"practice": practice_id, "lanes": sorted(lanes), "credit": CREDIT, "now": clock.now()}
        db.session.execute(ADD_LANES, added)


SAME_MINUTES = f"""
    CASE WHEN shares.virtual_time > (SELECT min(o.virtual_time) FROM shares o WHERE o.has_work) THEN
        (SELECT l.at + (shares.virtual_time - l.at)
                       * greatest((shares.hours * shares.weight)::float, {NO_CONTRACT_HOURS})
                       / greatest(({{weighed}})::float, {NO_CONTRACT_HOURS})
         FROM (SELECT min(o.virtual_time) AS at FROM shares o WHERE o.has_work) l)
    ELSE shares.virtual_time END
"""  # noqa: S608 (our own words)
"""The virtual time of a practice under other hours: what it had before the others stays so many minutes. Served
without a contract, each of its minutes weighs as ten contract hours; under one it would never be its turn again."""
REFRESH = sa.text(
    """
    INSERT INTO shares (practice_id, hours, weight, virtual_time, minutes_charged, lanes, open_lanes)
    SELECT p.id, bought.hours, 1,
           -- a new practice starts level with the one that is owed most
           coalesce((SELECT min(virtual_time) FROM shares WHERE has_work), 0), 0, '{}', '{}'
    FROM practices p CROSS JOIN LATERAL (SELECT (CAST(:now AS timestamptz) AT TIME ZONE p.zone)::date AS day) here
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT c.hours_per_month FROM contracts c
                         WHERE c.practice_id = p.id AND c.starts_on <= here.day
                           AND (c.ends_on IS NULL OR c.ends_on > here.day)), 0) AS hours) bought
    -- a row that is as it should be is not even looked at by the update, which would have every claim wait
    WHERE NOT EXISTS (SELECT FROM shares s WHERE s.practice_id = p.id AND s.hours = bought.hours)
    ORDER BY p.id
    ON CONFLICT (practice_id) DO UPDATE SET hours = excluded.hours, virtual_time = {SAME_MINUTES}
    WHERE shares.hours <> excluded.hours
    """.replace("{SAME_MINUTES}", SAME_MINUTES.format(weighed="excluded.hours * shares.weight"))
)
"""Every practice has a share with the contract hours in force on its own calendar day."""
REFRESH_OPEN = sa.text(
    f"""
    WITH now_open AS MATERIALIZED (
        SELECT s.practice_id, ARRAY({OPEN.format(lanes="s.lanes")} ORDER BY l.id) AS lanes
        FROM shares s WHERE s.has_work
    ), moved AS (
        SELECT s.practice_id, o.lanes FROM shares s JOIN now_open o USING (practice_id)
        WHERE NOT (s.open_lanes @> o.lanes AND s.open_lanes <@ o.lanes)
        ORDER BY s.practice_id FOR NO KEY UPDATE OF s
    )
    UPDATE shares s SET open_lanes = moved.lanes FROM moved WHERE s.practice_id = moved.practice_id
    """  # noqa: S608 (our own words)
)
BOUND = sa.text(
    """
    WITH level AS (
        SELECT min(s.virtual_time) - :credit AS at FROM shares s JOIN practices p ON p.id = s.practice_id
        WHERE s.has_open AND s.served_at > :since AND p.status = 'active'
    ),
    behind AS (
        SELECT s.practice_id FROM shares s, level WHERE s.has_work AND s.virtual_time < level.at
        ORDER BY s.practice_id FOR NO KEY UPDATE OF s
    )
    UPDATE shares s SET virtual_time = greatest(s.virtual_time, level.at)
    FROM behind, level WHERE s.practice_id = behind.practice_id
    """
)


SWEEPING = 7034101
"""The advisory lock of whoever takes the ledger rows of many practices."""


def hold_floor() -> None:
    """Until the end of the transaction nobody else takes the ledger rows of many practices. Before the first of them:
    two who take them in the order in which they find work wait for each other."""
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(SWEEPING)))


def hold_floor_or_wait() -> bool:
    """`hold_floor` if nobody has it; else wait until they are through: what was to be done is done then."""
    if db.session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(SWEEPING))):
        return True
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(SWEEPING)))
    return False


def refresh_shares() -> None:
    """Give every practice a share with the contract hours in force today."""
    db.session.execute(REFRESH, {"now": clock.now()})


CLEAR_DRY = sa.text(
    """
    SELECT clear_lanes(held.practice_id, held.lanes) FROM (
        SELECT s.practice_id, s.lanes FROM shares s
        WHERE s.has_work AND EXISTS (
            SELECT FROM unnest(s.lanes) lane
            WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.practice_id = s.practice_id AND t.lane_id = lane
                              AND t.state = 'waiting' AND t.offered AND t.promised_at IS NULL))
        FOR NO KEY UPDATE SKIP LOCKED
    ) held
    """
)
"""Whose row somebody else holds is looked at again a minute later."""


def clear_dry() -> None:
    """Whoever has nothing left to offer has no work: nobody is measured by them."""
    db.session.execute(CLEAR_DRY)


def refresh_open() -> None:
    """Say which lanes are open now, and bound what anybody is owed who could not be served while others were."""
    now = clock.now()
    db.session.execute(REFRESH_OPEN, {"now": now})
    db.session.execute(BOUND, {"credit": CREDIT, "since": now - SERVED_WITHIN})
