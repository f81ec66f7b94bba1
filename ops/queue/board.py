"""What the lead's board shows: the floor by practice, who holds what, what waits for what, and who was not happy.

A handful of statements over all practices, however many there are; no practice, task or person is asked for singly.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead, Role, User
from ops.db import db
from ops.practices.models import Patient, Practice, PracticeStatus
from ops.queue.models import Attempt, Kind, Outcome, Task, TaskState

ROWS = 200
"""Practices and hands listed at most; the totals count all."""
UNHAPPY_DAYS = 30
UNHAPPY_ROWS = 50
NEXT_ROWS = 50
Rows = sa.Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Asked:
    """What the board was narrowed to: one practice (slug), one kind of work, or everything."""

    practice: str | None = None
    kind: Kind | None = None

    def bound(self) -> dict[str, Any]:
        return {"slug": self.practice, "kind": self.kind.value if self.kind else None, "now": clock.now()}


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
    opens_at: datetime | None
    promised: int
    overdue: int
    in_hands: int
    oldest_at: datetime | None

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
class Hand:
    """A task somebody holds."""

    task_id: int
    kind: Kind
    practice: str
    zone: str
    agent: str
    since: datetime
    lease_until: datetime


@dataclass(frozen=True)
class Next:
    """A task that waits, in the order of its practice."""

    task_id: int
    kind: Kind
    reason: str
    created_at: datetime
    ready_at: datetime
    promised_at: datetime | None
    rank: Decimal
    shut_reasons: list[str] | None


@dataclass(frozen=True)
class Unhappy:
    """Somebody who said they were not happy. `seen`: a lead or admin has looked at them since."""

    task_id: int
    practice: str
    slug: str
    zone: str
    who: str
    note: str
    agent: str
    at: datetime
    seen: bool


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


LINES = sa.text(
    """
    WITH here AS (
        SELECT p.id, p.slug, p.name, p.zone, p.status, date_trunc('month', timezone(p.zone, :now))::date AS first,
               (date_trunc('month', timezone(p.zone, :now)) + interval '1 month')::date AS next
        FROM practices p WHERE CAST(:slug AS text) IS NULL OR p.slug = :slug
    ), work AS (
        SELECT t.practice_id,
               count(*) FILTER (WHERE t.state = 'waiting' AND t.ready_at <= :now) AS ready,
               count(*) FILTER (WHERE t.state = 'waiting' AND t.ready_at > :now) AS later,
               min(t.ready_at) FILTER (WHERE t.state = 'waiting' AND t.ready_at > :now) AS opens_at,
               count(*) FILTER (WHERE t.state = 'waiting' AND t.promised_at IS NOT NULL) AS promised,
               count(*) FILTER (WHERE t.state = 'waiting' AND t.promised_at < :now) AS overdue,
               count(*) FILTER (WHERE t.state = 'claimed') AS in_hands,
               min(t.created_at) FILTER (WHERE t.state = 'waiting' AND t.ready_at <= :now) AS oldest_at
        FROM tasks t JOIN here h ON h.id = t.practice_id
        WHERE t.state IN ('waiting', 'claimed') AND (CAST(:kind AS text) IS NULL OR t.kind = :kind)
        GROUP BY t.practice_id
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
           coalesce(s.virtual_time, 0) AS per_hour, o.rank AS owed_rank,
           coalesce(w.ready, 0) AS ready, coalesce(w.later, 0) AS later, w.opens_at,
           coalesce(w.promised, 0) AS promised, coalesce(w.overdue, 0) AS overdue,
           coalesce(w.in_hands, 0) AS in_hands, w.oldest_at
    FROM here h
    LEFT JOIN work w ON w.practice_id = h.id
    LEFT JOIN bought b ON b.id = h.id
    LEFT JOIN given g ON g.id = h.id
    LEFT JOIN shares s ON s.practice_id = h.id
    LEFT JOIN owed o ON o.practice_id = h.id
    WHERE h.status <> 'ended' OR w.practice_id IS NOT NULL
    ORDER BY o.rank NULLS LAST, lower(h.name), h.id
    """
)

BLOCKS = sa.text(
    """
    WITH shut AS (
        SELECT t.practice_id, t.ready_at, p.status = 'active' AS active,
               CASE WHEN p.status <> 'active' THEN '["practice_not_active"]'::jsonb
                    WHEN jsonb_typeof(t.shut_reasons) = 'array' THEN t.shut_reasons
                    WHEN t.promised_at IS NOT NULL THEN '["promised"]'
                    WHEN t.tries > 0 THEN '["next_try"]'
                    WHEN t.fence > 0 THEN '["put_off"]'
                    ELSE '["not_due"]' END AS codes
        FROM tasks t JOIN practices p ON p.id = t.practice_id
        WHERE t.state = 'waiting' AND (t.ready_at > :now OR p.status <> 'active')
          AND (CAST(:slug AS text) IS NULL OR p.slug = :slug) AND (CAST(:kind AS text) IS NULL OR t.kind = :kind)
    )
    SELECT s.practice_id, code, count(*) AS tasks, min(s.ready_at) FILTER (WHERE s.active) AS opens_at
    FROM shut s CROSS JOIN LATERAL jsonb_array_elements_text(s.codes) AS code
    GROUP BY s.practice_id, code ORDER BY count(*) DESC, code
    """
)


def lines(asked: Asked) -> list[Line]:
    """Every practice that was asked for (the ended ones only while they have open tasks), the one owed most first."""
    return [Line(**row) for row in db.session.execute(LINES, asked.bound()).mappings()]


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


def blocks(asked: Asked) -> list[Block]:
    """What waits for what, practice by practice; a task shut for two reasons counts under both."""
    return [Block(**row) for row in db.session.execute(BLOCKS, asked.bound()).mappings()]


def over_all(found: list[Block]) -> list[Block]:
    """The same over all practices (practice_id 0), the most frequent first."""
    whole: dict[str, Block] = {}
    for block in found:
        so_far = whole.get(block.code)
        opens = [moment for moment in (block.opens_at, so_far and so_far.opens_at) if moment]
        whole[block.code] = Block(
            0, block.code, block.tasks + (so_far.tasks if so_far else 0), min(opens, default=None)
        )
    return sorted(whole.values(), key=lambda block: (-block.tasks, block.code))


def _narrowed(query: Rows, asked: Asked, kind: Any) -> Rows:
    if asked.practice:
        query = query.where(Practice.slug == asked.practice)
    return query.where(kind == asked.kind) if asked.kind else query


def hands(asked: Asked) -> list[Hand]:
    """Who holds what, the longest first; at most `ROWS`."""
    query = (
        sa.select(Task.id, Task.kind, Practice.name, Practice.zone, User.name, Task.claimed_at, Task.lease_until)
        .join(Practice, Practice.id == Task.practice_id)
        .join(User, User.id == Task.held_by)
        .where(Task.state == TaskState.CLAIMED)
        .order_by(Task.claimed_at, Task.id)
        .limit(ROWS)
    )
    return [Hand(*row) for row in db.session.execute(_narrowed(query, asked, Task.kind))]


def next_up(asked: Asked) -> list[Next]:
    """The waiting tasks of one practice in the order they come up; at most 50. Empty when no practice was asked for."""
    if not asked.practice:
        return []
    later = sa.case((Task.ready_at > clock.now(), Task.ready_at))
    query = (
        sa.select(
            Task.id,
            Task.kind,
            Task.reason,
            Task.created_at,
            Task.ready_at,
            Task.promised_at,
            Task.rank,
            Task.shut_reasons,
        )
        .join(Practice, Practice.id == Task.practice_id)
        .where(Task.state == TaskState.WAITING)
        .order_by(later.nulls_first(), Task.promised_at.nulls_last(), Task.rank.desc(), Task.id)
        .limit(NEXT_ROWS)
    )
    return [Next(*row) for row in db.session.execute(_narrowed(query, asked, Task.kind))]


def unhappy(asked: Asked) -> list[Unhappy]:
    """Who was not happy in the last 30 days, newest first; at most 50. First name and initial only."""
    leads = sa.select(User.id).where(User.role.in_((Role.LEAD, Role.ADMIN)))
    seen = sa.exists().where(
        PatientRead.practice_id == Attempt.practice_id,
        PatientRead.patient_id == Attempt.patient_id,
        PatientRead.at > Attempt.at,
        PatientRead.user_id.in_(leads),
    )
    who = sa.func.concat(Patient.first_name, " ", sa.func.left(Patient.last_name, 1), ".")
    query = (
        sa.select(
            Attempt.task_id,
            Practice.name,
            Practice.slug,
            Practice.zone,
            who,
            Attempt.note,
            User.name,
            Attempt.at,
            seen,
        )
        .join(Practice, Practice.id == Attempt.practice_id)
        .join(Patient, Patient.id == Attempt.patient_id)
        .join(User, User.id == Attempt.agent_id)
        .join(Task, Task.id == Attempt.task_id)
        .where(Attempt.outcome == Outcome.NOT_HAPPY, Attempt.at >= clock.now() - timedelta(days=UNHAPPY_DAYS))
        .order_by(Attempt.at.desc(), Attempt.id.desc())
        .limit(UNHAPPY_ROWS)
    )
    return [Unhappy(*row) for row in db.session.execute(_narrowed(query, asked, Task.kind))]


def practice_choices() -> list[tuple[str, str]]:
    """Practices one can narrow the board to: (slug, name)."""
    query = sa.select(Practice.slug, Practice.name).where(Practice.status != PracticeStatus.ENDED)
    return [
        (slug, name) for slug, name in db.session.execute(query.order_by(sa.func.lower(Practice.name), Practice.id))
    ]
