"""The lead's board: how the floor stands, practice by practice, and what waits for what.

Two statements, however many practices there are: one looks at the open tasks once and counts them where they are, the
other adds up hours. With a million open tasks the first is the cost of the page, so nothing here looks at them twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ops import clock
from ops.db import db
from ops.practices.models import Practice, PracticeStatus
from ops.queue.models import Kind, Task, TaskState

ROWS = 200
"""Practices and hands listed at most; the totals count all."""


@dataclass(frozen=True)
class Asked:
    """What the board was narrowed to: one practice (slug), one kind of work, or everything."""

    practice: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True)
class Line:
    """One practice on the board. Counts are of open tasks of the kinds asked for; hours and minutes are of all kinds.

    `bought_hours` and `delivered_minutes` are of the month it now is in the practice's zone; `owed_rank` 1 is owed
    most, None has nothing to do; `per_hour` is its virtual time, in minutes charged per contract hour.
    """

    practice_id: int
    slug: str
    name: str
    zone: str
    status: str
    bought_hours: Decimal
    delivered_minutes: Decimal
    charged_minutes: Decimal
    per_hour: float
    owed_rank: int | None
    ready: int
    later: int
    in_hands: int
    promised: int
    overdue: int
    oldest_at: datetime | None
    blocks: tuple["Block", ...]
    """What its tasks wait for; a task shut for two reasons counts under both."""

    @property
    def active(self) -> bool:
        return self.status == PracticeStatus.ACTIVE

    @property
    def open(self) -> int:
        return self.ready + self.later + self.in_hands


@dataclass(frozen=True)
class Block:
    """Tasks that are not offered for one reason (a gate code or a word of ours), and when the first of them opens."""

    practice_id: int
    code: str
    tasks: int
    opens_at: datetime | None


@dataclass(frozen=True)
class Totals:
    """Over every practice that was asked for, also those beyond the listed rows."""

    practices: int
    ready: int
    later: int
    paused: int
    promised: int
    overdue: int
    in_hands: int
    bought_hours: Decimal
    delivered_minutes: Decimal


HOURS = sa.text(
    """
    WITH here AS (
        SELECT p.id, p.slug, p.name, p.zone, p.status, date_trunc('month', timezone(p.zone, :now))::date AS first,
               (date_trunc('month', timezone(p.zone, :now)) + interval '1 month')::date AS next
        FROM practices p WHERE CAST(:slug AS text) IS NULL OR p.slug = :slug
    ), bought AS (
        -- hours of the contract, day by day where it began, changed or ended within the month
        SELECT h.id, sum(c.hours_per_month * (least(coalesce(c.ends_on, h.next), h.next)
                                              - greatest(c.starts_on, h.first))) / (h.next - h.first) AS hours
        FROM here h JOIN contracts c
          ON c.practice_id = h.id AND c.starts_on < h.next AND (c.ends_on IS NULL OR c.ends_on > h.first)
        GROUP BY h.id, h.next, h.first
    ), given AS (
        SELECT h.id, sum(a.minutes) AS minutes
        FROM here h JOIN attempts a ON a.practice_id = h.id AND a.at >= timezone(h.zone, h.first::timestamp)
        GROUP BY h.id
    ), owed AS (
        SELECT s.practice_id, row_number() OVER (ORDER BY s.virtual_time, s.practice_id) AS rank
        FROM shares s JOIN practices p ON p.id = s.practice_id AND p.status = 'active' WHERE s.has_work
    )
    SELECT h.id AS practice_id, h.slug, h.name, h.zone, h.status, round(coalesce(b.hours, 0), 2) AS bought_hours,
           coalesce(g.minutes, 0) AS delivered_minutes, coalesce(s.minutes_charged, 0) AS charged_minutes,
           coalesce(s.virtual_time, 0) AS per_hour, o.rank AS owed_rank
    FROM here h
    LEFT JOIN bought b ON b.id = h.id
    LEFT JOIN given g ON g.id = h.id
    LEFT JOIN shares s ON s.practice_id = h.id
    LEFT JOIN owed o ON o.practice_id = h.id
    ORDER BY o.rank NULLS LAST, lower(h.name), h.id
    """
)


@dataclass(frozen=True)
class Pile:
    """Open tasks of one practice that stand alike: in hands, ready (no codes), or waiting for the same codes."""

    practice_id: int
    held: bool
    codes: list[str] | None
    tasks: int
    opens_at: datetime
    oldest_at: datetime
    promised: int
    overdue: int


def floor(asked: Asked) -> list[Line]:
    """Every practice that was asked for (ended ones only while they have open tasks), the one owed most first."""
    piles: dict[int, list[Pile]] = {}
    for pile in _piles(asked):
        piles.setdefault(pile.practice_id, []).append(pile)
    rows = db.session.execute(HOURS, {"slug": asked.practice, "now": clock.now()}).mappings()
    found = [_line(dict(row), piles.get(row["practice_id"], [])) for row in rows]
    return [line for line in found if line.open or line.status != PracticeStatus.ENDED]


def _piles(asked: Asked) -> list[Pile]:
    """One look at the open tasks, however many: they are counted where they are."""
    now = clock.now()
    held, shut = Task.state == TaskState.CLAIMED, Task.shut_reasons
    code = lambda word: sa.cast([word], JSONB)  # noqa: E731
    codes = sa.case(
        (sa.or_(held, Task.ready_at <= now), sa.null()),
        (sa.func.jsonb_typeof(shut) == "array", shut),
        (Task.promised_at.is_not(None), code("promised")),
        (Task.tries > 0, code("next_try")),
        (Task.fence > 0, code("put_off")),
        else_=code("not_due"),
    )
    promised = sa.case((held, sa.null()), else_=Task.promised_at)
    one = sa.select(
        Task.practice_id,
        held.label("held"),
        codes.label("codes"),
        Task.ready_at,
        Task.created_at,
        promised.label("promised"),
    ).where(Task.state.in_((TaskState.WAITING, TaskState.CLAIMED)))
    if asked.practice:
        one = one.where(
            Task.practice_id == sa.select(Practice.id).where(Practice.slug == asked.practice).scalar_subquery()
        )
    if asked.kind:
        one = one.where(Task.kind == asked.kind)
    each = one.subquery().c
    query = sa.select(
        each.practice_id,
        each.held,
        each.codes,
        sa.func.count(),
        sa.func.min(each.ready_at),
        sa.func.min(each.created_at),
        sa.func.count(each.promised),
        sa.func.count().filter(each.promised < now),
    ).group_by(each.practice_id, each.held, each.codes)
    return [Pile(*row) for row in db.session.execute(query)]


def _line(row: dict[str, Any], piles: list[Pile]) -> Line:
    ready = [pile for pile in piles if not pile.held and pile.codes is None]
    later = [pile for pile in piles if pile.codes is not None]
    blocks = _blocks(row["practice_id"], ready, later, row["status"] == PracticeStatus.ACTIVE)
    return Line(
        **row,
        ready=sum(pile.tasks for pile in ready),
        later=sum(pile.tasks for pile in later),
        in_hands=sum(pile.tasks for pile in piles if pile.held),
        promised=sum(pile.promised for pile in piles),
        overdue=sum(pile.overdue for pile in piles),
        oldest_at=min((pile.oldest_at for pile in ready), default=None),
        blocks=tuple(sorted(blocks, key=lambda block: (-block.tasks, block.code))),
    )


def _blocks(practice_id: int, ready: list[Pile], later: list[Pile], active: bool) -> list[Block]:
    """What the practice's tasks wait for; all of them for the practice itself while it is not active."""
    if not active:
        waiting = sum(pile.tasks for pile in ready + later)
        return [Block(practice_id, "practice_not_active", waiting, None)] if waiting else []
    return _merged(
        practice_id,
        (Block(practice_id, code, pile.tasks, pile.opens_at) for pile in later for code in pile.codes or ()),
    )


def _merged(practice_id: int, blocks: Iterable[Block]) -> list[Block]:
    """One block per code, with all tasks and the earliest opening."""
    whole: dict[str, Block] = {}
    for block in blocks:
        so_far = whole.get(block.code)
        opens = [moment for moment in (block.opens_at, so_far and so_far.opens_at) if moment]
        tasks = block.tasks + (so_far.tasks if so_far else 0)
        whole[block.code] = Block(practice_id, block.code, tasks, min(opens, default=None))
    return list(whole.values())


def totals(found: list[Line]) -> Totals:
    """What the lines add up to; tasks of practices that are paused or ended are not ready, whatever their time."""
    live = [line for line in found if line.active]
    return Totals(
        practices=len(found),
        ready=sum(line.ready for line in live),
        later=sum(line.later for line in live),
        paused=sum(line.ready + line.later for line in found if not line.active),
        promised=sum(line.promised for line in live),
        overdue=sum(line.overdue for line in live),
        in_hands=sum(line.in_hands for line in found),
        bought_hours=sum((line.bought_hours for line in found), Decimal(0)),
        delivered_minutes=sum((line.delivered_minutes for line in found), Decimal(0)),
    )


def over_all(found: list[Line]) -> list[Block]:
    """What waits for what over all practices (practice_id 0), the most frequent first."""
    whole = _merged(0, (block for line in found for block in line.blocks))
    return sorted(whole, key=lambda block: (-block.tasks, block.code))
