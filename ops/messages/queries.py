"""What the outbox shows."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa

from ops.contact.models import GateDecision
from ops.crypto import contact_key
from ops.db import db
from ops.messages.models import InboundMessage, Message, MessageChannel, MessageEvent, MessageState, RecorderDelivery
from ops.messages.replies import Meaning
from ops.practices.humans import same_human
from ops.practices.models import Patient, Practice

PAGE = 30
THREAD = 60


class Shelf(StrEnum):
    """What is looked at together."""

    NEEDS = "needs"
    """Waits for a person: unknown, or answered with what nobody has read."""
    ANSWERED = "answered"
    WAITING = "waiting"
    SENT = "sent"
    NOT_SENT = "not_sent"


STATES = {
    Shelf.WAITING: (MessageState.QUEUED, MessageState.CLAIMED, MessageState.ATTEMPTING),
    Shelf.SENT: (MessageState.ACCEPTED, MessageState.DELIVERED),
    Shelf.NOT_SENT: (MessageState.FAILED, MessageState.BLOCKED, MessageState.CANCELLED, MessageState.UNKNOWN),
}


@dataclass(frozen=True)
class Search:
    """What was asked for; None is everything. `address` is a whole number (E.164) or email address, never a part."""

    practice_id: int | None = None
    shelf: Shelf | None = None
    channel: MessageChannel | None = None
    address: str = ""


class Row(NamedTuple):
    """One message in the list."""

    message: Message
    practice: Practice
    first_name: str | None
    answered: bool


def outbox(search: Search, before: tuple[datetime, uuid.UUID] | None = None) -> tuple[list[Row], bool]:
    """One page of messages, newest first, those older than `before`; and whether there are more."""
    answered = sa.exists().where(InboundMessage.in_reply_to == Message.id)
    query = (
        sa.select(Message, Practice, Patient.first_name, answered)
        .join(Practice, Practice.id == Message.practice_id)
        .outerjoin(Patient, Patient.id == Message.patient_id)
        .where(*_conditions(search))
    )
    if before:
        query = query.where(sa.tuple_(Message.created_at, Message.id) < before)
    newest = query.order_by(Message.created_at.desc(), Message.id.desc()).limit(PAGE + 1)
    rows = [Row(*row) for row in db.session.execute(newest).all()]
    return rows[:PAGE], len(rows) > PAGE


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if search.practice_id is not None:
        found.append(Message.practice_id == search.practice_id)
    if search.channel:
        found.append(Message.channel == search.channel)
    if search.address:
        found.append(Message.contact_key == contact_key(search.address))
    match search.shelf:
        case None:
            pass
        case Shelf.NEEDS:
            found.append(_needs_person())
        case Shelf.ANSWERED:
            found.append(Message.id.in_(sa.select(InboundMessage.in_reply_to)))
        case shelf:
            found.append(Message.state.in_(STATES[shelf]))
    return found


def _needs_person() -> sa.ColumnElement[bool]:
    unread = sa.select(InboundMessage.in_reply_to).where(*_unread())
    return sa.or_(Message.state == MessageState.UNKNOWN, Message.id.in_(unread))


def _unread() -> tuple[sa.ColumnElement[bool], ...]:
    to_be_read = sa.or_(InboundMessage.meaning != Meaning.STOP, InboundMessage.symptoms.is_not(None))
    return to_be_read, InboundMessage.decided_at.is_(None)


class Stray(NamedTuple):
    """An unread reply that answers no message of ours, so it stands in no conversation of the list."""

    reply: InboundMessage
    practice: Practice
    patient: Patient | None


def strays() -> list[Stray]:
    """The first thirty of them, oldest first."""
    query = (
        sa.select(InboundMessage, Practice, Patient)
        .join(Practice, Practice.id == InboundMessage.practice_id)
        .outerjoin(Patient, Patient.id == InboundMessage.patient_id)
        .where(InboundMessage.in_reply_to.is_(None), *_unread())
    )
    return [Stray(*row) for row in db.session.execute(query.order_by(InboundMessage.id).limit(PAGE)).all()]


def waiting_for_a_person() -> int:
    """How many messages and replies wait for somebody to decide."""
    unknown = sa.select(sa.func.count()).where(Message.state == MessageState.UNKNOWN).scalar_subquery()
    unread = sa.select(sa.func.count()).where(*_unread()).scalar_subquery()
    return db.session.scalar(sa.select(unknown + unread)) or 0


class Turn(NamedTuple):
    """One thing said in a conversation, by us (`message`) or by them (`reply`)."""

    at: datetime
    message: Message | None
    reply: InboundMessage | None


def thread(message: Message) -> list[Turn]:
    """The practice's conversation with this person, oldest first: the last sixty messages and replies."""
    sent = sa.select(Message).where(Message.practice_id == message.practice_id, _of_person(message, Message))
    got = sa.select(InboundMessage).where(
        InboundMessage.practice_id == message.practice_id, _of_person(message, InboundMessage)
    )
    ours = db.session.scalars(sent.order_by(Message.created_at.desc()).limit(THREAD)).all()
    theirs = db.session.scalars(got.order_by(InboundMessage.received_at.desc()).limit(THREAD)).all()
    turns = [Turn(each.attempted_at or each.created_at, each, None) for each in ours]
    turns += [Turn(each.received_at, None, each) for each in theirs]
    return sorted(turns, key=lambda turn: turn.at)[-THREAD:]


def _of_person(message: Message, table: type[Message] | type[InboundMessage]) -> sa.ColumnElement[bool]:
    if message.patient_id is None:
        return table.contact_key == message.contact_key
    return table.patient_id.in_(same_human(message.practice_id, message.patient_id))


def events(message: Message) -> Sequence[MessageEvent]:
    """What became of it, oldest first."""
    told = sa.select(MessageEvent).where(MessageEvent.message_id == message.id)
    return db.session.scalars(told.order_by(MessageEvent.id)).all()


def decisions(message: Message) -> Sequence[GateDecision]:
    """What the gate said about it, each time it was asked, newest first."""
    asked = sa.select(GateDecision).where(GateDecision.subject == f"message:{message.id}")
    return db.session.scalars(asked.order_by(GateDecision.id.desc()).limit(20)).all()


def is_on_recorder(message: Message) -> bool:
    """Whether the recorder delivered it, so that somebody can answer as the patient would."""
    there = sa.exists().where(RecorderDelivery.message_id == message.id)
    return bool(db.session.scalar(sa.select(there)))


def last_to(practice_id: int, key: bytes) -> Message | None:
    """What a reply without a reference answers: the last message of this practice to this number or address."""
    left = sa.select(Message).where(
        Message.practice_id == practice_id, Message.contact_key == key, Message.attempted_at.is_not(None)
    )
    return db.session.scalars(left.order_by(Message.attempted_at.desc()).limit(1)).first()


def practices() -> Sequence[Practice]:
    return db.session.scalars(sa.select(Practice).order_by(Practice.name)).all()
