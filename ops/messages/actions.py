"""What can be done with messages: queue one, take a reply, let somebody out, settle what is unclear."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.agency.queries import agency
from ops.background import Job, ring
from ops.contact import actions as contact
from ops.contact import segments
from ops.contact.facts import Reason
from ops.contact.health_words import tells
from ops.crypto import contact_key
from ops.db import db
from ops.errors import Refused
from ops.messages import queries, replies, wording
from ops.messages.events import move, note_event
from ops.messages.leaving import unsubscribe_url
from ops.messages.models import InboundMessage, Message, MessageChannel, MessageState
from ops.messages.replies import Meaning
from ops.practices.humans import same_human
from ops.practices.models import Patient, Practice

STOP_CONFIRMATION = "stop_confirmation"
MAX_REPLY_CHARACTERS = 10_000
CONFIRMATIONS = {
    "en": "{name}: you are unsubscribed and will get no more messages or calls from us.",
    "es": "{name}: su baja esta confirmada. No recibira mas mensajes ni llamadas nuestras.",
}


def queue_message(
    practice: Practice,
    patient: Patient | None,
    *,
    channel: str,
    kind: str,
    reason_key: str,
    to_address: str,
    body: str,
    subject: str = "",
    script_version_id: int | None = None,
    filled_with: Mapping[str, str] | None = None,
    send_after: datetime | None = None,
) -> Message:
    """Put a text ("sms") or email ("email") into the outbox, to leave as soon as the gate allows, not before
    `send_after`.

    `reason_key` is the business reason, unique for ever: asked again, the message that is there is returned unchanged.
    Without a patient it goes to a friend, who must have agreed. A text's typographic marks are made plain; an email
    gets the practice's footer with the way out. Raises Refused for what may not be sent: no address, an unfilled
    placeholder, more than ten parts, a treatment or a date.

    `filled_with`: the values its script version was filled with, to fill it again when it leaves (`last_look`).
    """
    over = MessageChannel(channel)
    message_id, now = uuid.uuid4(), clock.now()
    if why := unsendable(practice, patient, channel, to_address, subject, body):
        raise Refused(why)
    text = as_sent(over, body)
    if over is MessageChannel.EMAIL:
        text += footer(practice, message_id)
    values = {
        "id": message_id,
        "practice_id": practice.id,
        "patient_id": patient.id if patient else None,
        "channel": over,
        "kind": kind,
        "reason_key": reason_key,
        "to_address": to_address,
        "contact_key": contact_key(to_address),
        "subject": subject,
        "body": text,
        "script_version_id": script_version_id,
        "filled_with": dict(filled_with) if filled_with is not None else None,
        "state": MessageState.QUEUED,
        "send_after": send_after or now,
        "created_at": now,
    }
    if db.session.scalar(insert(Message).values(values).on_conflict_do_nothing().returning(Message.id)):
        note_event(message_id, MessageState.QUEUED, "outbox")
        if send_after is None or send_after <= now:
            ring(Job.SEND_MESSAGE, str(message_id), on="messages")
    return db.session.scalars(sa.select(Message).where(Message.reason_key == reason_key)).one()


def as_sent(channel: str, body: str) -> str:
    """The body as it leaves: of a text with plain marks, of an email without what stands around it (see `footer`)."""
    return segments.plain(body) if channel == MessageChannel.SMS else body.strip()


def unsendable(
    practice: Practice, patient: Patient | None, channel: str, to_address: str, subject: str, body: str
) -> str | None:
    """Why `queue_message` would refuse this, as a sentence; None when it would not. The gate is another matter."""
    over = MessageChannel(channel)
    private, public = _treatments(practice), _public(practice, patient)
    return wording.problem(over, to_address, subject, as_sent(over, body), private=private, public=public)


def gives_away(practice: Practice, patient: Patient | None, message: Message) -> bool:
    """Whether the message, as it stands in the outbox, tells that somebody is a patient. It was looked at when it was
    queued, but the practice may have named a treatment since."""
    words = f"{message.subject}\n{message.body.removesuffix(footer(practice, message.id))}"
    return tells(words, _treatments(practice), _public(practice, patient)) is not None


def _treatments(practice: Practice) -> list[str]:
    return [word for each in practice.treatment_types for word in (each.name, *each.match_words)]


def _public(practice: Practice, patient: Patient | None) -> str:
    """Words that tell nothing: the practice's own, and the patient's name (some are called Jessner)."""
    links = " ".join(f"{link.label} {link.url}" for link in practice.review_links)
    own = (practice.name, practice.spoken_name, practice.shareable, practice.helps_best, practice.website)
    return " ".join((*own, links, patient.name if patient else ""))


def footer(practice: Practice, message_id: uuid.UUID) -> str:
    """What stands below every email (docs/rules.md A9): who sends it, from where, and how to get no more."""
    sender = ", ".join(part for part in (practice.name, agency().postal_address) if part)
    return f"\n\n-- \n{sender}\nNo more of these emails: {unsubscribe_url(message_id)}\n"


def receive(
    practice: Practice,
    *,
    channel: str,
    from_address: str,
    body: str,
    provider_id: str,
    in_reply_to: Message | None = None,
) -> InboundMessage:
    """Take what somebody wrote to us. The same `provider_id` again is the reply that is there.

    A plain stop ends everything between this practice and this person at once, over every channel, and is confirmed
    once by text. Whatever else they wrote, nobody contacts them until a person has read it (`unread_keys`,
    docs/rules.md A4).
    """
    key = contact_key(from_address)
    contact.hold_number(key)  # a text being sent to this number at this moment goes first; none goes after
    in_reply_to = in_reply_to or queries.last_to(practice.id, key)
    whose = in_reply_to.patient_id if in_reply_to else _patient_with(practice.id, key)
    values = {
        "practice_id": practice.id,
        "patient_id": db.session.scalar(KEPT, {"patient": whose}) if whose else None,
        "channel": MessageChannel(channel),
        "in_reply_to": in_reply_to.id if in_reply_to else None,
        "provider_id": provider_id,
        "contact_key": key,
        "body": body.replace("\0", "").strip()[:MAX_REPLY_CHARACTERS],
        "received_at": clock.now(),
        "meaning": replies.meaning(body),
        "symptoms": replies.symptoms_in(body) or None,
    }
    added = db.session.scalar(
        insert(InboundMessage).values(values).on_conflict_do_nothing().returning(InboundMessage.id)
    )
    reply = db.session.scalars(sa.select(InboundMessage).where(InboundMessage.provider_id == provider_id)).one()
    if added:
        if reply.meaning == Meaning.STOP:
            _stop(practice, reply, from_address)
        ring(Job.NOTE_REPLY, reply.id)
    return reply


def _patient_with(practice_id: int, key: bytes) -> int | None:
    known = sa.or_(Patient.phone_key == key, Patient.email_key == key)
    found = db.session.scalars(
        sa.select(Patient.id).where(Patient.practice_id == practice_id, known).order_by(Patient.id)
    ).all()
    if not found or not set(found) <= {*same_human(practice_id, found[0])}:
        return None
    return found[0]


KEPT = sa.text("SELECT coalesce((SELECT human_id FROM merged_at('infinity') WHERE patient_id = :patient), :patient)")
"""The record that is kept of a human; itself for one that was not merged."""


def _stop(practice: Practice, reply: InboundMessage, address: str) -> None:
    reason = "STOP_SMS" if reply.channel is MessageChannel.SMS else "UNSUB_EMAIL"
    opt_out(practice.id, reply.contact_key, reason, f"reply {reply.id}", actor="inbound")
    if reply.channel is MessageChannel.SMS:
        _confirm_stop(practice, reply, address)


def opt_out(practice_id: int, key: bytes, reason: str, source: str, *, actor: str, occasion: str = "") -> None:
    """Nothing more from this practice to whoever has this number or address, over any channel: the number and the
    address of each of its patients who has either, too. Their messages that wait are blocked. `occasion`: when one of
    us said so.
    """
    pairs = db.session.execute(
        sa.select(Patient.phone_key, Patient.email_key).where(
            Patient.practice_id == practice_id, sa.or_(Patient.phone_key == key, Patient.email_key == key)
        )
    ).all()
    keys = {key, *(each for pair in pairs for each in pair if each)}
    for each in keys:
        contact.suppress(each, "all", reason, source, actor, practice_id, occasion=occasion)
    block_waiting(practice_id, keys, MessageChannel, reason, source, actor=actor)


def block_waiting(
    practice_id: int, keys: Collection[bytes], over: Iterable[MessageChannel], reason: str, note: str, *, actor: str
) -> None:
    """What waits to leave to these numbers and addresses over these channels never will, but for the confirmation of
    a stop."""
    waiting = sa.select(Message.id).where(
        Message.practice_id == practice_id,
        Message.contact_key.in_(keys),
        Message.channel.in_(over),
        Message.state == MessageState.QUEUED,
        Message.kind != STOP_CONFIRMATION,
    )
    for message_id in db.session.scalars(waiting).all():
        move(message_id, MessageState.QUEUED, MessageState.BLOCKED, actor=actor, note=note, block_reasons=[reason])


def _confirm_stop(practice: Practice, reply: InboundMessage, address: str) -> None:
    patient = db.session.get(Patient, reply.patient_id) if reply.patient_id else None
    text = CONFIRMATIONS.get(patient.language if patient else "en", CONFIRMATIONS["en"])
    queue_message(
        practice,
        patient,
        channel=MessageChannel.SMS,
        kind=STOP_CONFIRMATION,
        reason_key=f"stop:{practice.id}:{reply.contact_key.hex()}",
        to_address=address,
        body=text.format(name=practice.name),
    )


def decide_reply(reply: InboundMessage, is_stop: bool, *, actor: str) -> None:
    """A person has read a reply, and says whether it means stop. If not, what it held back goes on, past the gate.

    Raises Refused when it is decided.
    """
    keys = db.session.scalars(sa.text("SELECT key FROM unread_keys WHERE reply_id = :reply"), {"reply": reply.id}).all()
    claimed = db.session.execute(
        sa.update(InboundMessage)
        .where(InboundMessage.id == reply.id, InboundMessage.decided_at.is_(None))
        .values(decided_at=clock.now(), decided_by=actor, decided_stop=is_stop)
        .returning(InboundMessage.id)
    ).all()
    if not claimed:
        raise Refused("Somebody has already decided about this reply.")
    if is_stop:
        contact.hold_number(reply.contact_key)  # as in `receive`
        reason = "STOP_SMS" if reply.channel is MessageChannel.SMS else "UNSUB_EMAIL"
        source, occasion = f"reply {reply.id}, read by a person", f"reply:{reply.id}"
        opt_out(reply.practice_id, reply.contact_key, reason, source, actor=actor, occasion=occasion)
    _try_again_now([key for key in keys if key])


def _try_again_now(keys: list[bytes]) -> None:
    """What an unread reply held back is looked at again at once: it leaves if nothing else stands against it now."""
    held = sa.and_(
        Message.state == MessageState.QUEUED,
        Message.contact_key.in_(keys),
        Message.block_reasons.contains([Reason.UNREAD_REPLY]),
    )
    again = sa.update(Message).where(held).values(send_after=clock.now()).returning(Message.id)
    for message_id in db.session.scalars(again.execution_options(synchronize_session=False)).all():
        ring(Job.SEND_MESSAGE, str(message_id), on="messages")


def resolve_unknown(message: Message, was_sent: bool, *, actor: str) -> None:
    """A person found out what became of a message nobody could tell about. Not sent: it goes out again, past the gate.

    Raises Refused when it is not unknown any more.
    """
    if was_sent:
        done = move(message.id, MessageState.UNKNOWN, MessageState.ACCEPTED, actor=actor, note="was sent")
    else:
        note = "was not sent, send again"
        done = move(
            message.id, MessageState.UNKNOWN, MessageState.QUEUED, actor=actor, note=note, send_after=clock.now()
        )
        ring(Job.SEND_MESSAGE, str(message.id), on="messages")
    if not done:
        raise Refused("This has been settled in the meantime.")
