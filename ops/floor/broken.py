"""Promises that cannot be kept: a call that was agreed and cannot be made then, a note that was promised on a call and
cannot be sent. A lead decides what becomes of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead, User
from ops.accounts.roles import STAFF
from ops.contact.words import reasons_words as gate_words
from ops.db import Moment, db
from ops.floor.board import Asked
from ops.messages.models import Message, MessageState
from ops.messages.words import STATE_WORDS
from ops.practices.models import Patient, Practice
from ops.queue.models import Task, TaskEvent
from ops.queue.words import reasons_words
from ops.work.kinds import KIND_WORDS, Kind
from ops.work.states import EventKind, TaskState

DAYS = 30
ROWS = 50
BY_AN_AGENT = ("note:%", "card:%")
"""The reason keys of what was promised on a call (`sendable`)."""


@dataclass(frozen=True)
class Broken:
    """One of them, of a task or (None) of a message. `until`: when it is possible, where that is known; `over`: nothing
    follows. `seen`: a lead or admin has looked at them since."""

    task_id: int | None
    patient_id: int
    slug: str
    practice: str
    zone: str
    who: str
    what: str
    promised_at: datetime
    why: str
    until: datetime | None
    over: bool
    agent: str | None
    seen: bool


def broken_promises(asked: Asked) -> list[Broken]:
    """Those of the last 30 days of which nothing has come yet, the earliest promise first; at most 50 of each. What
    nothing follows is listed until somebody has looked at it. First name and initial only."""
    found = [*_calls(asked), *_notes(asked)]
    return sorted(found, key=lambda one: (one.promised_at, one.task_id or 0))


PERSON: tuple[Any, ...] = (
    Patient.id,
    Practice.slug,
    Practice.name,
    Practice.zone,
    sa.func.concat(Patient.first_name, " ", sa.func.left(Patient.last_name, 1), "."),
)


def _seen(since: sa.ColumnElement[datetime] | Any) -> sa.ColumnElement[bool]:
    leads = sa.select(User.id).where(User.role.in_(STAFF))
    looked = (PatientRead.practice_id == Practice.id, PatientRead.patient_id == Patient.id)
    return sa.exists().where(*looked, PatientRead.at > since, PatientRead.user_id.in_(leads))


def _calls(asked: Asked) -> Iterable[Broken]:
    promised_at, until = (sa.cast(TaskEvent.facts[name].astext, Moment) for name in ("promised_at", "until"))
    seen, over = _seen(TaskEvent.at), Task.state == TaskState.CANCELLED
    query = (
        sa.select(Task.id, *PERSON, Task.kind, promised_at, TaskEvent.facts["reasons"], until, over, User.name, seen)
        .join(Task, Task.id == TaskEvent.task_id)
        .join(Practice, Practice.id == Task.practice_id)
        .join(Patient, Patient.id == Task.patient_id)
        .outerjoin(User, User.id == Task.owner_id)
        .where(
            TaskEvent.kind == EventKind.PROMISE_BROKEN,
            TaskEvent.at > clock.now() - timedelta(days=DAYS),
            sa.or_(sa.and_(Task.state == TaskState.WAITING, Task.promised_at == promised_at), sa.and_(over, ~seen)),
        )
    )
    for row in db.session.execute(_narrowed(query, asked, Task.kind).order_by(promised_at, Task.id).limit(ROWS)):
        yield Broken(*[*row[:6], KIND_WORDS[row[6]], row[7], reasons_words(row[8]), *row[9:]])


def _notes(asked: Asked) -> Iterable[Broken]:
    seen = _seen(Message.settled_at)
    query = (
        sa.select(*PERSON, Message.created_at, Message.state, Message.block_reasons)
        .join(Practice, Practice.id == Message.practice_id)
        .join(Patient, Patient.id == Message.patient_id)
        .where(
            Message.state.in_((MessageState.FAILED, MessageState.BLOCKED)),
            Message.settled_at > clock.now() - timedelta(days=DAYS),
            Message.kind == Kind.ASK,
            sa.or_(*(Message.reason_key.like(each) for each in BY_AN_AGENT)),
            ~seen,
        )
    )
    for *person, created_at, state, reasons in db.session.execute(
        _narrowed(query, asked, Message.kind).order_by(Message.settled_at).limit(ROWS)
    ):
        why = ": ".join(filter(None, (STATE_WORDS[state].lower(), gate_words(reasons))))
        yield Broken(*[None, *person, "The note to forward", created_at, why, None, True, None, False])


def _narrowed(query: sa.Select, asked: Asked, kind: Any) -> sa.Select:
    if asked.practice:
        query = query.where(Practice.slug == asked.practice)
    return query.where(kind == asked.kind) if asked.kind else query
