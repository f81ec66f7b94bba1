"""An agent's own day in full, for the page and the printer: what came of it, promises kept, minutes, every card."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.contact.places import zone_info
from ops.db import db
from ops.phrases import time_words
from ops.practices.models import Practice
from ops.queue.models import Attempt, Task
from ops.referrals.models import Referral
from ops.rhythm.models import BreakKind, MinuteCorrection
from ops.rhythm.today import Day, day_of
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome

GRACE = timedelta(minutes=15)
"""A promised call that began no later than this after its time was kept."""
PROMISES_LAST = timedelta(days=60)
"""No promise is made further ahead."""
CARDS = 300


class Fate(StrEnum):
    KEPT = "kept"
    MISSED = "missed"
    OPEN = "open"
    FELL_AWAY = "fell_away"
    """The task was cancelled before it was due: they said stop, or died."""


class Promise(NamedTuple):
    """A call this agent agreed on with somebody, due in their day; whoever made it in time kept it."""

    task_id: int
    at: datetime
    practice: str
    zone: str
    kind: Kind
    fate: Fate


class Finished(NamedTuple):
    """One finished card. `was` is what was measured, where `minutes` were put right since."""

    attempt_id: int
    at: datetime
    practice: str
    zone: str
    kind: Kind
    outcome: Outcome
    minutes: Decimal
    was: Decimal | None
    why: str

    @property
    def when(self) -> str:
        """ "3:00 PM EDT", in the practice's zone."""
        return time_words(self.at.astimezone(zone_info(self.zone)))


@dataclass(frozen=True)
class WholeDay:
    """`break_minutes` minutes of breaks and lunch, `trained` of training."""

    day: Day
    until: datetime
    friends: int
    promises: tuple[Promise, ...]
    worked: float
    break_minutes: float
    trained: float
    cards: tuple[Finished, ...]

    def fates(self, fate: str) -> int:
        """How many promises of the day came to this."""
        return sum(each.fate == fate for each in self.promises)


def whole_day(agent: User) -> WholeDay:
    """Everything of this agent's day so far."""
    day, now = day_of(agent.id), clock.now()
    cards = finished(Attempt.agent_id == agent.id, Attempt.at >= day.since)
    breaks = breaks_between(agent.id, day.since, now)
    return WholeDay(
        day=day,
        until=now,
        friends=_friends(agent, day.since),
        promises=tuple(_promises(agent.id, day.since, now)),
        worked=float(sum((card.minutes for card in cards), Decimal(0))),
        break_minutes=breaks.get(BreakKind.BREAK, 0.0) + breaks.get(BreakKind.LUNCH, 0.0),
        trained=breaks.get(BreakKind.TRAINING, 0.0),
        cards=tuple(cards),
    )


def finished(*which: sa.ColumnElement[bool], limit: int = CARDS) -> list[Finished]:
    """Finished cards, latest first, with what was measured where it was put right since."""
    first = (
        sa.select(MinuteCorrection.before)
        .where(MinuteCorrection.attempt_id == Attempt.id)
        .order_by(MinuteCorrection.id)
        .limit(1)
        .scalar_subquery()
    )
    why = (
        sa.select(MinuteCorrection.reason)
        .where(MinuteCorrection.attempt_id == Attempt.id)
        .order_by(MinuteCorrection.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = db.session.execute(
        sa.select(
            Attempt.id,
            Attempt.at,
            Practice.name,
            Practice.zone,
            Task.kind,
            Attempt.outcome,
            Attempt.minutes,
            first,
            sa.func.coalesce(why, ""),
        )
        .join(Practice, Practice.id == Attempt.practice_id)
        .join(Task, Task.id == Attempt.task_id)
        .where(*which)
        .order_by(Attempt.at.desc(), Attempt.id.desc())
        .limit(limit)
    )
    return [Finished(*row) for row in rows]


def _friends(agent: User, since: datetime) -> int:
    """The friends this agent recorded since then; looked for at the practices they worked for."""
    worked_for = sa.select(Attempt.practice_id).where(Attempt.agent_id == agent.id, Attempt.at >= since)
    recorded = sa.select(sa.func.count()).where(
        Referral.practice_id.in_(worked_for), Referral.received_at >= since, Referral.received_by == agent.actor
    )
    return db.session.scalar(recorded) or 0


BREAKS = sa.text(
    """
    SELECT kind, sum(extract(epoch FROM least(coalesce(ended_at, :until), :until) - greatest(started_at, :since))) / 60
    FROM breaks
    WHERE user_id = :user AND kind <> 'done' AND started_at < :until AND coalesce(ended_at, :until) > :since
    GROUP BY kind
    """
)


def breaks_between(user_id: int, since: datetime, until: datetime) -> dict[BreakKind, float]:
    """Minutes of each kind of break that lie between two moments; one that is still going on counts up to `until`."""
    rows = db.session.execute(BREAKS, {"user": user_id, "since": since, "until": until})
    return {BreakKind(kind): float(minutes) for kind, minutes in rows}


PROMISES = sa.text(
    """
    WITH made AS (
        SELECT a.task_id, a.id AS attempt_id, e.id AS event_id, e.at, (e.facts ->> 'ready_at')::timestamptz AS due
        FROM attempts a CROSS JOIN LATERAL (
            SELECT e.id, e.at, e.facts FROM task_events e
            WHERE e.task_id = a.task_id AND e.at >= a.at AND e.kind = 'retry' AND e.facts ->> 'outcome' = 'callback'
            ORDER BY e.id LIMIT 1
        ) e
        WHERE a.agent_id = :agent AND a.outcome = 'callback' AND a.at > :oldest
    )
    SELECT m.task_id, m.due, p.name, p.zone, t.kind, CASE
        WHEN EXISTS (
            -- when the card was taken, since minutes can be put right
            SELECT FROM attempts k WHERE k.task_id = m.task_id AND k.id > m.attempt_id AND (
                SELECT max(c.at) FROM task_events c WHERE c.task_id = k.task_id AND c.kind = 'claimed' AND c.at <= k.at
            ) <= m.due + :grace
        ) THEN 'kept'
        WHEN EXISTS (
            SELECT FROM task_events c WHERE c.task_id = m.task_id AND c.id > m.event_id AND c.kind = 'cancelled'
              AND c.at <= m.due + :grace
              AND NOT EXISTS (SELECT FROM task_events u
                              WHERE u.task_id = c.task_id AND u.id > c.id AND u.kind = 'undone')
        ) THEN 'fell_away'
        WHEN :now > m.due + :grace THEN 'missed' ELSE 'open' END
    FROM made m JOIN tasks t ON t.id = m.task_id JOIN practices p ON p.id = t.practice_id
    WHERE m.due >= :since AND m.due <= :now
    ORDER BY m.due, m.task_id
    """
)


def _promises(agent_id: int, since: datetime, now: datetime) -> list[Promise]:
    """The calls this agent promised that were due in their day, and what became of each."""
    given = {"agent": agent_id, "since": since, "now": now, "grace": GRACE, "oldest": now - PROMISES_LAST}
    rows = db.session.execute(PROMISES, given)
    return [Promise(task, due, name, zone, Kind(kind), Fate(fate)) for task, due, name, zone, kind, fate in rows]
