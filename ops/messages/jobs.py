"""The outbox at work, outside a request."""

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.background import Job, ring
from ops.contact.actions import try_hold_number
from ops.db import db, transaction
from ops.isolated import awake, each
from ops.messages import channels, sending
from ops.messages.events import move
from ops.messages.models import Message, MessageEvent, MessageState

AT_ONCE = 500
FOR_SECONDS = 120
STALE = timedelta(minutes=2)
UNHEARD = timedelta(seconds=20)
"""How long something may be due before we take it that its doorbell was lost."""


def send(message_id: str) -> None:
    """Send one message, if it is due."""
    sending.deliver(uuid.UUID(message_id))


def send_due() -> int:
    """Send what is due, longest due first, for two minutes at most; how many were sent or settled otherwise."""
    due = _due(clock.now())
    done = each("send messages", due, sending.deliver, owner=Message.practice_id, limit=AT_ONCE, seconds=FOR_SECONDS)
    return len(done) - done.count(None)


def upkeep() -> None:
    """Once a minute: what lost its worker, what nobody can tell about, and what was due but not rung."""
    _take_back_claimed()
    _mark_unknown()
    _ask_about_unknown()
    if _due(clock.now() - UNHEARD, limit=1):
        with transaction("tick"):
            ring(Job.SEND_DUE_MESSAGES, on="messages")


def _due(by: datetime, limit: int = AT_ONCE) -> list[uuid.UUID]:
    due = sa.and_(Message.state == MessageState.QUEUED, Message.send_after <= by, awake("send messages", Message.id))
    found = db.session.scalars(sa.select(Message.id).where(due).order_by(Message.send_after).limit(limit)).all()
    db.session.rollback()
    return list(found)


def _stale(state: MessageState, work: str) -> list[uuid.UUID]:
    recent = sa.exists().where(MessageEvent.message_id == Message.id, MessageEvent.at > clock.now() - STALE)
    return _messages(work, Message.state == state, ~recent)


def _messages(work: str, *which: sa.ColumnElement[bool]) -> list[uuid.UUID]:
    found = db.session.scalars(sa.select(Message.id).where(*which, awake(work, Message.id)).limit(AT_ONCE)).all()
    db.session.rollback()
    return list(found)


def _take_back_claimed() -> None:
    """Nothing of these has left: a worker that comes back late finds that it is not its message any more."""
    work = "take back messages"
    each(work, _stale(MessageState.CLAIMED, work), _take_back, owner=Message.practice_id, limit=AT_ONCE)


def _take_back(message_id: uuid.UUID) -> None:
    with transaction("tick"):
        move(message_id, MessageState.CLAIMED, MessageState.QUEUED, actor="tick", note="its worker was lost")


def _mark_unknown() -> None:
    work = "mark messages unknown"
    each(work, _stale(MessageState.ATTEMPTING, work), _lose, owner=Message.practice_id, limit=AT_ONCE)


def _lose(message_id: uuid.UUID) -> None:
    with transaction("tick") as session:
        key = session.scalars(sa.select(Message.contact_key).where(Message.id == message_id)).one()
        if try_hold_number(key):  # a worker that is only slow still holds it
            note = "its worker was lost while sending it"
            move(message_id, MessageState.ATTEMPTING, MessageState.UNKNOWN, actor="tick", note=note)


def _ask_about_unknown() -> None:
    """A channel that can be asked by our reference says whether it got it. A no is left to a person: it may be a late
    yes.
    """
    work = "ask about unknown messages"
    unknown = _messages(work, Message.state == MessageState.UNKNOWN)
    each(work, unknown, _ask_about, owner=Message.practice_id, limit=AT_ONCE)


def _ask_about(message_id: uuid.UUID) -> None:
    provider = db.session.scalars(sa.select(Message.provider).where(Message.id == message_id)).one()
    db.session.rollback()
    channel = channels.named(provider or "")
    if channel.lookup(str(message_id)):
        with transaction("tick"):
            note = f"{channel.name} says it has it"
            sending.note_accepted(message_id, MessageState.UNKNOWN, channel, "tick", note)
