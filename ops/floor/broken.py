"""Promises that cannot be kept: a call that was agreed and cannot be made then. A lead decides what becomes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead, User
from ops.accounts.roles import STAFF
from ops.db import Moment, db
from ops.floor.board import Asked
from ops.practices.models import Patient, Practice
from ops.queue.models import Task, TaskEvent
from ops.queue.words import reasons_words
from ops.work.kinds import Kind
from ops.work.states import EventKind, TaskState

DAYS = 30
ROWS = 50


@dataclass(frozen=True)
class Broken:
    """One of them. `until`: when the call can be made, where that is known; `over`: it was cancelled, nothing follows.
    `seen`: a lead or admin has looked at them since."""

    task_id: int
    kind: Kind
    practice: str
    zone: str
    who: str
    promised_at: datetime
    why: str
    until: datetime | None
    over: bool
    agent: str | None
    seen: bool


def broken_promises(asked: Asked) -> list[Broken]:
    """Those of the last 30 days of which nothing has come yet, the earliest promise first; at most 50. One that was
    cancelled is listed until somebody has looked at it. First name and initial only."""
    promised_at, until = (sa.cast(TaskEvent.facts[name].astext, Moment) for name in ("promised_at", "until"))
    leads = sa.select(User.id).where(User.role.in_(STAFF))
    seen = sa.exists().where(
        PatientRead.practice_id == Task.practice_id,
        PatientRead.patient_id == Task.patient_id,
        PatientRead.at > TaskEvent.at,
        PatientRead.user_id.in_(leads),
    )
    over = Task.state == TaskState.CANCELLED
    query = (
        sa.select(
            Task.id,
            Task.kind,
            Practice.name,
            Practice.zone,
            sa.func.concat(Patient.first_name, " ", sa.func.left(Patient.last_name, 1), "."),
            promised_at,
            TaskEvent.facts["reasons"],
            until,
            over,
            User.name,
            seen,
        )
        .join(Task, Task.id == TaskEvent.task_id)
        .join(Practice, Practice.id == Task.practice_id)
        .join(Patient, Patient.id == Task.patient_id)
        .outerjoin(User, User.id == Task.owner_id)
        .where(
            TaskEvent.kind == EventKind.PROMISE_BROKEN,
            TaskEvent.at > clock.now() - timedelta(days=DAYS),
            sa.or_(sa.and_(Task.state == TaskState.WAITING, Task.promised_at == promised_at), sa.and_(over, ~seen)),
        )
        .order_by(promised_at, Task.id)
        .limit(ROWS)
    )
    if asked.practice:
        query = query.where(Practice.slug == asked.practice)
    if asked.kind:
        query = query.where(Task.kind == asked.kind)
    return [Broken(*[*row[:6], reasons_words(row[6]), *row[7:]]) for row in db.session.execute(query)]
