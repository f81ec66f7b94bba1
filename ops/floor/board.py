"""The lead's board: how the floor stands, practice by practice, and what waits for what.

A handful of statements, however many practices there are: one looks at the open tasks once and counts them where they
are (`piles`), one adds up hours, small ones read lanes, what is paused and who works. With a million open tasks the
first is the cost of the page, so nothing here looks at them twice.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.practices.months import Month, days_passed, hours_bought
from ops.practices.statuses import STATUS_WORDS, PracticeStatus
from ops.queue.actions.shares import CREDIT, NO_CONTRACT_HOURS
from ops.queue.blocks import Block, merged
from ops.queue.counts import Which, number_of, stands
from ops.queue.hours import Age, Window, ages, windows
from ops.queue.waiting import Stood, lanes_by_id, piles, waits
from ops.work.kinds import Kind

ROWS = 200
"""Practices and tasks in progress listed at most; the totals count all."""
SLACK = Decimal(2) / 30
"""Of a month's hours: what a practice may be off its pace and still be on it."""


@dataclass(frozen=True)
class Asked:
    """What the board was narrowed to: one practice (slug), one kind of work, or everything."""

    practice: str | None = None
    kind: Kind | None = None


class Paced:
    """What is measured against the pace of a contract: one practice, or all of them."""

    bought_hours: Decimal
    delivered_minutes: Decimal
    pace_minutes: Decimal

    @property
    def behind_minutes(self) -> Decimal:
        """What is missing to the pace; negative: ahead of it."""
        return self.pace_minutes - self.delivered_minutes

    @property
    def is_on_pace(self) -> bool:
        """Within a weekend's share of it: the pace counts every day alike, and few work on all of them."""
        return abs(self.behind_minutes) <= 60 * self.bought_hours * SLACK

    @property
    def is_late(self) -> bool:
        return self.behind_minutes > 0 and not self.is_on_pace


@dataclass(frozen=True)
class PracticeLine(Paced):
    """One practice on the board. Counts are of open tasks of the kinds asked for; hours and minutes are of all kinds.

    `bought_hours`, `delivered_minutes` and `pace_minutes` are of the month it now is in the practice's zone: what its
    contract buys, what its calls took, and what they should have taken by now (`hours_bought`). That is what people
    look at. The queue serves by another figure, which looks back over months: `owed_rank` 1 is served next, None has
    nothing to do now; `owed_minutes`: what it is behind (negative: ahead of) the practice whose turn it is, by the
    hours it bought and its weight; None where nothing is open anywhere.
    """

    practice_id: int
    slug: str
    name: str
    zone: str
    status: str
    bought_hours: Decimal
    delivered_minutes: Decimal
    pace_minutes: Decimal
    owed_rank: int | None
    weight: Decimal
    owed_minutes: float | None
    ready: int
    later: int
    in_progress: int
    promised: int
    overdue: int
    oldest_at: datetime | None
    blocks: tuple["Block", ...]
    """What its tasks wait for; a task shut for two reasons counts under both."""
    paused: tuple[Kind, ...]
    """The kinds of work that a lead paused."""

    @property
    def active(self) -> bool:
        return self.status == PracticeStatus.ACTIVE

    @property
    def status_words(self) -> str:
        return STATUS_WORDS[PracticeStatus(self.status)]

    @property
    def open(self) -> int:
        return self.ready + self.later + self.in_progress


@dataclass(frozen=True)
class Totals(Paced):
    """Over every practice that was asked for, also those beyond the listed rows. Ready and later are of live practices
    only; `paused` is what waits for the others."""

    practices: int
    ready: int
    later: int
    paused: int
    promised: int
    overdue: int
    in_progress: int
    bought_hours: Decimal
    delivered_minutes: Decimal
    pace_minutes: Decimal


HOURS = sa.text(
    """
    WITH given AS (
        SELECT p.id, sum(a.minutes) AS minutes
        FROM practices p JOIN attempts a ON a.practice_id = p.id
         AND a.at >= timezone(p.zone, date_trunc('month', timezone(p.zone, :now)))
        GROUP BY p.id
    ), owed AS (
        SELECT s.practice_id, row_number() OVER (ORDER BY s.virtual_time, s.practice_id) AS rank,
               min(s.virtual_time) OVER () AS level
        FROM shares s JOIN practices p ON p.id = s.practice_id AND p.status = 'active' WHERE s.has_open
    )
    SELECT p.id AS practice_id, p.slug, p.name, p.zone, p.status, coalesce(g.minutes, 0) AS delivered_minutes,
           o.rank AS owed_rank, coalesce(s.weight, 1) AS weight,
           -- who was away is owed no more than the credit when it is back
           least((SELECT min(level) FROM owed) - s.virtual_time, :credit)
               * greatest((s.hours * s.weight)::float, :least_hours) AS owed_minutes,
           ARRAY(SELECT c.hours_per_month FROM contracts c WHERE c.practice_id = p.id ORDER BY c.id) AS hours,
           ARRAY(SELECT c.starts_on FROM contracts c WHERE c.practice_id = p.id ORDER BY c.id) AS starts,
           ARRAY(SELECT c.ends_on FROM contracts c WHERE c.practice_id = p.id ORDER BY c.id) AS ends,
           ARRAY(SELECT k.kind::text FROM kind_pauses k WHERE k.practice_id = p.id ORDER BY 1) AS paused
    FROM practices p
    LEFT JOIN given g ON g.id = p.id
    LEFT JOIN shares s ON s.practice_id = p.id
    LEFT JOIN owed o ON o.practice_id = p.id
    WHERE CAST(:slug AS text) IS NULL OR p.slug = :slug
    ORDER BY lower(p.name), p.id
    """
)


@dataclass(frozen=True)
class Board:
    """Everything that was counted: by practice, by window, by age."""

    lines: list[PracticeLine]
    windows: list[Window]
    ages: list[Age]


def look(asked: Asked) -> Board:
    """The whole board. Practices that have ended are on it only while they have open tasks; furthest behind the pace of
    its contract first, and last those for which nothing is done now."""
    found = [(pile, waits(pile)) for pile in piles(asked.practice, asked.kind)]
    by_practice: dict[int, list[Stood]] = {}
    for one in found:
        by_practice.setdefault(one[0].practice_id, []).append(one)
    given = {"slug": asked.practice, "now": clock.now(), "credit": CREDIT, "least_hours": NO_CONTRACT_HOURS}
    lines = [
        _line(
            _with_pace(dict(row)),
            by_practice.get(row["practice_id"], []),
        )
        for row in db.session.execute(HOURS, given).mappings()
    ]
    lines.sort(key=lambda line: (not line.active, -line.behind_minutes))
    return Board(
        lines=[line for line in lines if line.open or line.status != PracticeStatus.ENDED],
        windows=windows(found, lanes_by_id()),
        ages=ages(found),
    )


def _with_pace(row: dict[str, Any]) -> dict[str, Any]:
    """The row with what its contracts buy this month in their place."""
    contracts = list(zip(row.pop("hours"), row.pop("starts"), row.pop("ends"), strict=True))
    now = clock.now()
    month = Month.of(now.astimezone(ZoneInfo(row["zone"])).date())
    return row | {
        "bought_hours": round(hours_bought(month, contracts), 2),
        "pace_minutes": 60 * hours_bought(month, contracts, days_passed(month, now, row["zone"])),
    }


def _line(row: dict[str, Any], found: list[Stood]) -> PracticeLine:
    practice_id = row["practice_id"]
    waiting = [one for one in found if stands(one, Which.WAITING)]
    ready = [one[0] for one in found if stands(one, Which.READY)]
    blocks = (Block(practice_id, wait.code, pile.tasks, wait.opens_at) for pile, waits in waiting for wait in waits)
    return PracticeLine(
        **row | {"paused": tuple(map(Kind, row["paused"]))},
        ready=_count(found, Which.READY),
        later=_count(found, Which.LATER),
        in_progress=_count(found, Which.IN_PROGRESS),
        promised=_count(found, Which.PROMISED),
        overdue=_count(found, Which.OVERDUE),
        oldest_at=min((pile.oldest_at for pile in ready), default=None),
        blocks=tuple(sorted(merged(practice_id, blocks), key=lambda block: (-block.tasks, block.code))),
    )


def _count(found: list[Stood], which: Which) -> int:
    return sum(number_of(one[0], which) for one in found if stands(one, which))


def totals(found: list[PracticeLine]) -> Totals:
    """What the lines add up to; what waits for practices for which nothing is done now is told apart."""
    live = [line for line in found if line.active]
    return Totals(
        practices=len(found),
        ready=sum(line.ready for line in live),
        later=sum(line.later for line in live),
        paused=sum(line.later for line in found if not line.active),
        promised=sum(line.promised for line in found),
        overdue=sum(line.overdue for line in found),
        in_progress=sum(line.in_progress for line in found),
        bought_hours=sum((line.bought_hours for line in found), Decimal(0)),
        delivered_minutes=sum((line.delivered_minutes for line in found), Decimal(0)),
        pace_minutes=sum((line.pace_minutes for line in found), Decimal(0)),
    )


def over_all(found: list[PracticeLine]) -> list[Block]:
    """What waits for what over all practices (practice_id 0), the most frequent first."""
    whole = merged(0, (block for line in found for block in line.blocks))
    return sorted(whole, key=lambda block: (-block.tasks, block.code))
