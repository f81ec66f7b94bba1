"""Minutes that were put right, and cards whose minutes may be wrong: for agents their own, for leads everybody's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.accounts.queries import names_of
from ops.accounts.roles import STAFF
from ops.db import db
from ops.practices.models import Practice
from ops.queue.models import Attempt, Task
from ops.queue.workers import workers
from ops.rhythm.actions.correcting import ANYBODYS_WITHIN
from ops.rhythm.day_report import Finished, finished
from ops.rhythm.models import MinuteCorrection
from ops.work.kinds import Kind

ROWS = 100
LONGEST = 20
LATELY = timedelta(days=7)


@dataclass(frozen=True)
class Correction:
    """One correction. `now`: what the attempt's minutes are today; `old`: too long ago to be changed again."""

    attempt_id: int
    at: datetime
    by: str
    agent: str
    practice: str
    zone: str
    kind: Kind
    before: Decimal
    after: Decimal
    reason: str
    now: Decimal
    old: bool


def may_correct(attempt_id: int, user: User) -> bool:
    """Whether this attempt exists for this person at all: agents see their own, leads everybody's."""
    theirs = sa.true() if user.role in STAFF else Attempt.agent_id == user.id
    return bool(db.session.scalar(sa.select(sa.exists().where(Attempt.id == attempt_id, theirs))))


def latest() -> list[Correction]:
    """The corrections of the last 40 days, latest first; at most `ROWS`."""
    now = clock.now()
    rows = db.session.execute(
        sa.select(
            MinuteCorrection, Attempt.at, Attempt.agent_id, Attempt.minutes, Practice.name, Practice.zone, Task.kind
        )
        .join(Attempt, Attempt.id == MinuteCorrection.attempt_id)
        .join(Practice, Practice.id == Attempt.practice_id)
        .join(Task, Task.id == Attempt.task_id)
        .where(MinuteCorrection.at > now - ANYBODYS_WITHIN)
        .order_by(MinuteCorrection.at.desc(), MinuteCorrection.id.desc())
        .limit(ROWS)
    ).all()
    names = names_of({row[0].actor for row in rows} | {f"user:{row.agent_id}" for row in rows}) if rows else {}
    return [
        Correction(
            one.attempt_id,
            one.at,
            names.get(one.actor, one.actor),
            names.get(f"user:{agent_id}", "an agent"),
            practice,
            zone,
            kind,
            one.before,
            one.after,
            one.reason,
            minutes,
            made_at < now - ANYBODYS_WITHIN,
        )
        for one, made_at, agent_id, minutes, practice, zone, kind in rows
    ]


def longest() -> list[Finished]:
    """The cards of the last week that took longest, of everybody."""
    everybody = [who.user_id for who in workers(closed=True)]
    since = clock.now() - LATELY
    top = (
        sa.select(Attempt.id)
        .where(Attempt.agent_id.in_(everybody), Attempt.at > since)
        .order_by(Attempt.minutes.desc(), Attempt.id)
        .limit(LONGEST)
    )
    found = finished(Attempt.id.in_(list(db.session.scalars(top))), limit=LONGEST)
    return sorted(found, key=lambda card: -card.minutes)


def cards_of(agent_id: int) -> list[Finished]:
    """An agent's cards that can still be put right, latest first; at most `ROWS`."""
    return finished(Attempt.agent_id == agent_id, Attempt.at > clock.now() - ANYBODYS_WITHIN, limit=ROWS)
