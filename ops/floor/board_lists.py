"""The lists beside the lead's board: who holds what, what comes up next, and who was not happy. A statement or two
each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead, User
from ops.accounts.roles import STAFF
from ops.db import db
from ops.desk.models import NumberStop
from ops.floor.board import ROWS, Asked
from ops.practices.lacking import Missing, live_and_lacking
from ops.practices.models import Patient, Practice, PracticeStatus
from ops.queue.models import Attempt, Lane, Task
from ops.queue.presence import HERE
from ops.queue.waiting import Wait, piles, waits
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.reads import ReadOf
from ops.work.states import TaskState

UNHAPPY_DAYS = 30
UNHAPPY_ROWS = 50
NEXT_ROWS = 50
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
Rows = sa.Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class InProgress:
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
    assigned_to: str | None
    """Whom it is kept for just now."""
    assigned: bool
    waits: list[Wait]
    """Why it is not offered; empty when it is."""


@dataclass(frozen=True)
class Unhappy:
    """Somebody who said they were not happy. `seen`: a lead or admin has looked at them since."""

    task_id: int
    patient_id: int
    practice_id: int
    practice: str
    slug: str
    zone: str
    who: str
    note: str
    agent: str
    at: datetime
    seen: bool


def _narrowed(query: Rows, asked: Asked, kind: Any) -> Rows:
    if asked.practice:
        query = query.where(Practice.slug == asked.practice)
    return query.where(kind == asked.kind) if asked.kind else query


def in_progress(asked: Asked) -> list[InProgress]:
    """Who holds what, the longest first; at most `ROWS`."""
    query = (
        sa.select(Task.id, Task.kind, Practice.name, Practice.zone, User.name, Task.claimed_at, Task.lease_until)
        .join(Practice, Practice.id == Task.practice_id)
        .join(User, User.id == Task.held_by)
        .where(Task.state == TaskState.CLAIMED)
        .order_by(Task.claimed_at, Task.id)
        .limit(ROWS)
    )
    return [InProgress(*row) for row in db.session.execute(_narrowed(query, asked, Task.kind))]


def next_up(asked: Asked) -> list[Next]:
    """The waiting tasks of one practice in the order they come up; at most 50. Empty when no practice was asked for."""
    if not asked.practice:
        return []
    now = clock.now()
    here = sa.text(HERE).bindparams(now=now).columns(sa.column("user_id")).subquery()
    keeper = sa.case((Task.owner_id.in_(sa.select(here)), sa.func.keeper(Task.owner_id, Task.owner_until, now)))
    paused = sa.text("EXISTS (SELECT FROM why_paused(tasks.practice_id, tasks.kind))")
    shut = sa.func.why_shut(Lane.id, Lane.opens_at, Lane.closes_at, now)
    shut_until = sa.func.coalesce(Lane.opens_at, NEVER)
    later = sa.case((paused, NEVER), (Task.ready_at > now, Task.ready_at), (shut.is_not(None), shut_until))
    query = (
        sa.select(
            Task.id,
            Task.kind,
            Task.reason,
            Task.created_at,
            Task.ready_at,
            Task.promised_at,
            Task.rank,
            User.name,
            Task.handed_at.is_not(None),
        )
        .join(Practice, Practice.id == Task.practice_id)
        .outerjoin(Lane, Lane.id == Task.lane_id)
        .outerjoin(User, User.id == keeper)
        .where(Task.state == TaskState.WAITING)
        .order_by(later.nulls_first(), Task.urgent.desc(), Task.promised_at.nulls_last(), Task.rank.desc(), Task.id)
        .limit(NEXT_ROWS)
    )
    rows: list[list[Any]] = [list(row) for row in db.session.execute(_narrowed(query, asked, Task.kind))]
    stand = {pile.task_id: waits(pile) for pile in piles(task_ids=[columns[0] for columns in rows])}
    return [Next(*[*columns, stand.get(columns[0], [])]) for columns in rows]


def unhappy(asked: Asked) -> list[Unhappy]:
    """Who was not happy in the last 30 days, newest first; at most 50. First name and initial only."""
    leads = sa.select(User.id).where(User.role.in_(STAFF))
    seen = sa.exists().where(
        PatientRead.practice_id == Attempt.practice_id,
        PatientRead.patient_id == Attempt.patient_id,
        PatientRead.at > Attempt.at,
        PatientRead.user_id.in_(leads),
        PatientRead.what != ReadOf.LISTED,
    )
    who = sa.func.concat(Patient.first_name, " ", sa.func.left(Patient.last_name, 1), ".")
    query = (
        sa.select(
            Attempt.task_id,
            Attempt.patient_id,
            Attempt.practice_id,
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


class Choice(NamedTuple):
    """A practice one can narrow the board to."""

    id: int
    slug: str
    name: str


def incomplete(practices: Iterable[Choice], asked: Asked) -> list[tuple[Choice, list[Missing]]]:
    """Of these practices those that are live and lack what they needed to go live."""
    lacks = live_and_lacking()
    return [(one, lacks[one.id]) for one in practices if one.id in lacks and asked.practice in (None, one.slug)]


class Stopped(NamedTuple):
    """Somebody was shown no more numbers: how many they were shown in the hour before, and used for nothing."""

    who: str
    user_id: int
    at: datetime
    shown: int
    unused: int


def shown_no_more() -> list[Stopped]:
    """Who in the last day, newest first."""
    columns = (User.name, User.id, NumberStop.at, NumberStop.shown, NumberStop.unused)
    query = sa.select(*columns).join(User, User.id == NumberStop.user_id)
    lately = NumberStop.at > clock.now() - timedelta(days=1)
    return [Stopped(*row) for row in db.session.execute(query.where(lately).order_by(NumberStop.id.desc()).limit(10))]


def practice_choices() -> list[Choice]:
    """Practices that have not ended, by name."""
    query = sa.select(Practice.id, Practice.slug, Practice.name).where(Practice.status != PracticeStatus.ENDED)
    return [Choice(*row) for row in db.session.execute(query.order_by(sa.func.lower(Practice.name), Practice.id))]
