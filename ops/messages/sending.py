"""Sending one message, so that it is sent at most once and only when it may be (docs/rules.md B6).

    1. claim: one of several workers gets it
    2. ask the gate and say "attempting", in one transaction that is durable before anything leaves
    3. send it, with no transaction open
    4. say what became of it

The number is held from before 2 until after 4, on a connection of its own: a STOP that arrives meanwhile waits for
the one text that was already on its way, and none follows its commit. Whoever dies lets go of the number, so a
message that has been "attempting" for long on a number nobody holds has lost its worker: it becomes unknown, and is
never sent again by itself.
"""

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from ops import clock, one_clock
from ops.contact import actions as contact
from ops.contact.facts import Decision, Reason
from ops.contact.gate import FOR_GOOD
from ops.contact.words import reasons_words
from ops.db import db, transaction
from ops.messages import addressing, channels, last_look, permission
from ops.messages.channels import Channel, NotSent, Outgoing
from ops.messages.events import move
from ops.messages.last_look import NotYet, Says, Unwanted
from ops.messages.leaving import unsubscribe_url
from ops.messages.models import Message, MessageChannel, MessageEvent, MessageState
from ops.practices.models import Practice, PracticeStatus

log = structlog.get_logger()
ACTOR = "outbox"
LOOK_AGAIN = timedelta(hours=1)
TRY_AGAIN = timedelta(minutes=10)
MAX_WAIT = timedelta(days=7)
"""What could not leave for so long would come out of the blue."""
MAX_TRIES = 6
SPREAD_SECONDS = 3600
HOURS = {Reason.HOURS_STATE, Reason.HOURS_UNKNOWN_PLACE, Reason.HOLIDAY}
"""It leaves when they open, however long that is."""


def deliver(message_id: uuid.UUID) -> MessageState | None:
    """Send this message if it is due and nobody else is at it; the state it is in then, None when there was nothing
    to do.

    Opens its own transactions: call it outside one. Raises WrongClock.
    """
    one_clock.must_agree()
    key = _claim(message_id)
    if key is None:
        return None
    with contact.number_held(key):
        outgoing, channel = _attempt(message_id)
        if outgoing is None or channel is None:
            return state_of(message_id)
        problem = _send(channel, outgoing)
        with transaction(ACTOR):
            _settle(message_id, channel, problem)
    return state_of(message_id)


def state_of(message_id: uuid.UUID) -> MessageState:
    """The state in the database, not that of a row we have read before."""
    state = db.session.scalars(sa.select(Message.state).where(Message.id == message_id)).one()
    db.session.rollback()
    return state


def _claim(message_id: uuid.UUID) -> bytes | None:
    """Get hold of the message, as it is addressed now; the key of its number, None when it is not due or somebody else
    has it."""
    with transaction(ACTOR) as session:
        due = sa.and_(Message.id == message_id, Message.send_after <= clock.now())
        message = session.scalars(sa.select(Message).where(due), execution_options={"populate_existing": True}).first()
        if message is None:
            return None
        now, values, note = addressing.of_now(message), {}, ""
        if now.key and now.key != message.contact_key:
            note = "to the number or address that was corrected meanwhile"
            values = {"to_address": now.to, "contact_key": now.key}
        held = move(message_id, MessageState.QUEUED, MessageState.CLAIMED, actor=ACTOR, note=note, **values)
        key = now.key or message.contact_key
    return key if held else None


def _attempt(message_id: uuid.UUID) -> tuple[Outgoing, Channel] | tuple[None, None]:
    """Ask the gate, and if it allows, note that we are about to send the message. Nothing has left yet."""
    now = clock.now()
    with transaction(ACTOR) as session:
        message = session.get_one(Message, message_id, populate_existing=True)
        practice = session.get_one(Practice, message.practice_id, populate_existing=True)
        if not _still_to_leave(message, practice, now):
            return None, None
        if why := channels.lacking(message.channel, practice.sender_email):
            _later(message, now + LOOK_AGAIN, why)
            return None, None
        decision = permission.ask(message, practice, now)
        if not decision.allow:
            _refuse(message, practice, decision, now)
            return None, None
        channel = channels.choose(message.channel)
        outgoing = _outgoing(message, practice, channel)
        held = move(
            message_id,
            MessageState.CLAIMED,
            MessageState.ATTEMPTING,
            actor=ACTOR,
            note=f"by {channel.name}",
            attempted_at=now,
            provider=channel.name,
            provider_id=outgoing.provider_id,
            block_reasons=None,
        )
        if held and message.channel is MessageChannel.SMS:
            contact.record_contact(message.contact_key, practice.id, "sms", now)
    return (outgoing, channel) if held else (None, None)


def _still_to_leave(message: Message, practice: Practice, now: datetime) -> bool:
    """Whether it is wanted now, with the words it has by now: what is sent is what is kept. It waits for an address
    that is gone, and for the next claim when it was corrected since this one."""
    address = addressing.of_now(message)
    match last_look.take(practice, message):
        case Unwanted(why):
            move(message.id, MessageState.CLAIMED, MessageState.CANCELLED, actor=ACTOR, note=why)
            return False
        case NotYet(why):
            _later(message, now + LOOK_AGAIN, why)
            return False
        case Says(subject, body):
            message.subject, message.body = subject, body
    if address.key != message.contact_key:
        why = "the number or address was corrected" if address.key else "there is no number or address any more"
        _later(message, now if address.key else now + LOOK_AGAIN, why)
        return False
    opens = permission.courteous_from(message, practice, now)
    if opens > now:
        _later(message, opens + _spread(message), "an email does not come at night")
    return opens <= now


def _spread(message: Message) -> timedelta:
    """What waited for one moment leaves over the hour after it, each message at a minute of its own."""
    return timedelta(seconds=message.id.int % SPREAD_SECONDS)


def _outgoing(message: Message, practice: Practice, channel: Channel) -> Outgoing:
    reference = str(message.id)
    return Outgoing(
        reference=reference,
        channel=message.channel,
        to_address=message.to_address,
        subject=message.subject,
        body=message.body,
        sender_name=practice.sender_name or practice.name,
        sender_email=practice.sender_email,
        unsubscribe_url=unsubscribe_url(message.id),
        provider_id=channel.name_for(reference, practice.sender_email),
    )


def _refuse(message: Message, practice: Practice, decision: Decision, now: datetime) -> None:
    """Wait for the hour at which it may go, or block it for good. A pause is waited out, and what waited through it has
    waited for nothing else."""
    reasons = [str(reason) for reason in decision.reasons]
    for_good = FOR_GOOD.intersection(decision.reasons) or practice.status is PracticeStatus.ENDED
    paused = Reason.PRACTICE_PAUSED in decision.reasons
    since = max(message.created_at, practice.resumed_at or message.created_at)
    given_up = not paused and now - since > MAX_WAIT and not HOURS.issuperset(decision.reasons)
    if for_good or given_up:
        note = "" if for_good else "it could not be sent for a week"
        move(message.id, MessageState.CLAIMED, MessageState.BLOCKED, actor=ACTOR, note=note, block_reasons=reasons)
        return
    opens = decision.opens_at if decision.opens_at and decision.opens_at > now else now + LOOK_AGAIN
    _later(message, opens + _spread(message) if paused else opens, reasons_words(reasons), reasons)


def _later(message: Message, at: datetime, why: str, reasons: list[str] | None = None) -> None:
    note = f"not now: {why}"
    was, becomes = MessageState.CLAIMED, MessageState.QUEUED
    move(message.id, was, becomes, actor=ACTOR, note=note, send_after=at, block_reasons=reasons)


def _send(channel: Channel, outgoing: Outgoing) -> Exception | None:
    """The one call outside. What went wrong, if anything did: unless it is NotSent, the message may have left."""
    try:
        channel.send(outgoing)
    except Exception as problem:
        log.warning("message_not_accepted", message=outgoing.reference, error=type(problem).__name__)
        return problem
    return None


def _settle(message_id: uuid.UUID, channel: Channel, problem: Exception | None) -> None:
    was = MessageState.ATTEMPTING
    match problem:
        case None:
            note_accepted(message_id, was, channel, ACTOR)
        case NotSent(again=True) if _tries(message_id) < MAX_TRIES:
            later = clock.now() + TRY_AGAIN
            move(message_id, was, MessageState.QUEUED, actor=ACTOR, note=str(problem), send_after=later)
        case NotSent():
            move(message_id, was, MessageState.FAILED, actor=ACTOR, note=str(problem))
            if problem.bad_address:
                _note_bounce(message_id)
        case _:
            move(message_id, was, MessageState.UNKNOWN, actor=ACTOR, note=type(problem).__name__)


def note_accepted(message_id: uuid.UUID, was: MessageState, channel: Channel, actor: str, note: str = "") -> None:
    """The channel has it; where it tells nothing more, it has arrived."""
    if move(message_id, was, MessageState.ACCEPTED, actor=actor, note=note) and channel.arrives:
        move(message_id, MessageState.ACCEPTED, MessageState.DELIVERED, actor=actor)


def _tries(message_id: uuid.UUID) -> int:
    tried = sa.and_(MessageEvent.message_id == message_id, MessageEvent.state == MessageState.ATTEMPTING)
    return db.session.scalar(sa.select(sa.func.count()).where(tried)) or 0


def _note_bounce(message_id: uuid.UUID) -> None:
    """An address that does not exist is not tried again (docs/rules.md A9)."""
    message = db.session.get_one(Message, message_id)
    source = f"message {message_id}"
    contact.suppress(message.contact_key, "email", "BOUNCED", source, ACTOR, message.practice_id)
