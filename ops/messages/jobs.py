"""The outbox at work, outside a request."""

import time
import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from ops import clock
from ops.background import ring
from ops.contact.actions import try_hold_number
from ops.db import db, transaction
from ops.messages import channels, sending
from ops.messages.events import move
from ops.messages.models import Message, MessageEvent, MessageState

log = structlog.get_logger()
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
    until, done = time.monotonic() + FOR_SECONDS, 0
    for message_id in _due(clock.now()):
        if time.monotonic() > until:
            break
        try:
            done += sending.deliver(message_id) is not None
        except Exception as problem:  # one bad message must not hold up the others
            db.session.rollback()
            log.error("message_failed", message=str(message_id), error=type(problem).__name__)
    return done


def sweep() -> None:
    """Once a minute: what lost its worker, what nobody can tell about, and what was due but not rung."""
    _take_back_claimed()
    _mark_unknown()
    _ask_about_unknown()
    if _due(clock.now() - UNHEARD, limit=1):
        with transaction("tick"):
            ring("ops.messages.jobs.send_due", on="messages")


def _due(by: datetime, limit: int = AT_ONCE) -> list[uuid.UUID]:
    due = sa.and_(Message.state == MessageState.QUEUED, Message.send_after <= by)
    found = db.session.scalars(sa.select(Message.id).where(due).order_by(Message.send_after).limit(limit)).all()
    db.session.rollback()
    return list(found)


def _stale(state: MessageState) -> list[tuple[uuid.UUID, bytes]]:
    recent = sa.exists().where(MessageEvent.message_id == Message.id, MessageEvent.at > clock.now() - STALE)
    rows = db.session.execute(
        sa.select(Message.id, Message.contact_key).where(Message.state == state, ~recent).limit(AT_ONCE)
    ).all()
    db.session.rollback()
    return [(row[0], row[1]) for row in rows]


def _take_back_claimed() -> None:
    """Nothing of these has left: a worker that comes back late finds that it is not its message any more."""
    for message_id, _ in _stale(MessageState.CLAIMED):
        with transaction("tick"):
            move(message_id, MessageState.CLAIMED, MessageState.QUEUED, actor="tick", note="its worker was lost")


def _mark_unknown() -> None:
    for message_id, key in _stale(MessageState.ATTEMPTING):
        with transaction("tick"):
            if try_hold_number(key):  # a worker that is only slow still holds it
                note = "its worker was lost while handing it over"
                move(message_id, MessageState.ATTEMPTING, MessageState.UNKNOWN, actor="tick", note=note)


def _ask_about_unknown() -> None:
    """A channel that can be asked by our reference says whether it got it. A no is left to a person: it may be a late
    yes.
    """
    unknown = db.session.execute(
        sa.select(Message.id, Message.provider).where(Message.state == MessageState.UNKNOWN).limit(AT_ONCE)
    ).all()
    db.session.rollback()
    for message_id, provider in unknown:
        channel = channels.named(provider or "")
        if channel.lookup(str(message_id)):
            with transaction("tick"):
                note = f"{channel.name} says it has it"
                sending.note_accepted(message_id, MessageState.UNKNOWN, channel, "tick", note)
