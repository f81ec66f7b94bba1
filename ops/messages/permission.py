"""May this message leave now? The contact gate, asked with what the message is about."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ops.contact import windows
from ops.contact.asking import NO_TEXT, Person, ReferredPerson, Text, may_contact
from ops.contact.facts import Channel, Decision, Reason
from ops.contact.models import GateDecision
from ops.contact.places import places_of
from ops.contact.queries import has_agreed
from ops.contact.rules import UNKNOWN
from ops.db import db
from ops.messages import channels
from ops.messages.actions import STOP_CONFIRMATION, gives_away
from ops.messages.models import InboundMessage, Message, MessageChannel, MessageState
from ops.messages.replies import Meaning
from ops.practices.models import Patient, Practice

CONFIRM_WITHIN = timedelta(minutes=5)
"""A confirmation this soon after the stop is covered by it (docs/rules.md A4)."""


def ask(message: Message, practice: Practice, at: datetime) -> Decision:
    """The gate's answer for this message at `at`, kept in the current transaction."""
    subject = f"message:{message.id}"
    if message.kind == STOP_CONFIRMATION:
        return _confirming(message, at, subject)
    person = _person(message)
    if person is None:  # the patient has another number or address by now: this one may be anybody's
        return _own_answer(message, at, subject, (Reason.REASSIGNED_SUSPECT,))
    return may_contact(
        person,
        practice,
        message.channel,
        at,
        subject,
        text=_text(message, practice),
        lock_held=message.state is MessageState.CLAIMED,
    )


def foresee(
    person: Person, practice: Practice, channel: str, at: datetime, *, but_task: int | None = None, held: bool = True
) -> Decision:
    """The gate's answer for a call, or for a published text or email that gives nothing away, at `at`: not kept, for
    nothing is done yet. `held`: whether who asks still holds what it asks about.

    Whoever says beforehand what will happen asks here, for the moment at which it would. A call in progress counts as
    made, but that of `but_task`.
    """
    text = NO_TEXT if channel == Channel.CALL else published_text(MessageChannel(channel))
    return may_contact(person, practice, channel, at, "", text=text, lock_held=held, store=False, but_task=but_task)


def courteous_from(message: Message, practice: Practice, at: datetime) -> datetime:
    """From when on an email may leave without coming at night: where we know them to be, else where the practice is.
    A text has hours of its own, which the gate keeps."""
    person = _person(message)
    if message.channel is not MessageChannel.EMAIL or person is None:
        return at
    places = places_of(person.state, person.zip, person.phone, person.stated_zone)
    return windows.courteous_from({each.zone for each in places if each.state != UNKNOWN} or {practice.zone}, at)


def _text(message: Message, practice: Practice) -> Text:
    patient = db.session.get(Patient, message.patient_id) if message.patient_id else None
    return Text(
        gives_away=gives_away(practice, patient, message),
        approved=_was_published(message.script_version_id),
        registered=channels.registered(message.channel),
    )


def published_text(channel: MessageChannel) -> Text:
    """What is known of a text before it is written, for who asks ahead: a published script that gives nothing away. Of
    the practice's sender address only whether carriers take part depends, and that of texts not."""
    return Text(gives_away=False, approved=True, registered=channels.registered(channel))


def _was_published(script_version_id: int | None) -> bool:
    """Whether its words are those of a script that was published; one that was retired since was approved all the
    same."""
    published = sa.text("SELECT published_at IS NOT NULL FROM script_versions WHERE id = :id")
    return db.session.scalar(published, {"id": script_version_id}) is True


def _person(message: Message) -> Person | None:
    if message.patient_id is None:
        return _friend(message)
    patient = db.session.get_one(Patient, message.patient_id, populate_existing=True)
    return patient if message.contact_key in (patient.phone_key, patient.email_key) else None


def _friend(message: Message) -> ReferredPerson:
    """By the address it goes to, and by the other one their referral knows: what they wrote from there counts too."""
    by_text = message.channel is MessageChannel.SMS
    asked = {"practice": message.practice_id, "key": message.contact_key, "to": message.to_address}
    other = db.session.execute(OTHER_ADDRESS[message.channel], asked).scalar()
    return ReferredPerson(
        phone=message.to_address if by_text else other,
        email=other if by_text else message.to_address,
        opted_in=has_agreed(message.practice_id, message.contact_key),
    )


OTHER_ADDRESS = {
    MessageChannel.SMS: sa.text(
        "SELECT max(friend_email) FROM referrals WHERE practice_id = :practice AND contact_key = :key"
    ),
    MessageChannel.EMAIL: sa.text(
        "SELECT max(friend_phone) FROM referrals WHERE practice_id = :practice AND friend_email = :to"
    ),
}


def _confirming(message: Message, at: datetime, subject: str) -> Decision:
    """The one text that answers a stop: allowed by that stop itself, at once, whatever the hour."""
    stop = sa.and_(
        InboundMessage.practice_id == message.practice_id,
        InboundMessage.contact_key == message.contact_key,
        InboundMessage.meaning == Meaning.STOP,
        InboundMessage.received_at.between(at - CONFIRM_WITHIN, at),
    )
    asked_for = db.session.scalar(sa.select(sa.exists().where(stop)))
    return _own_answer(message, at, subject, () if asked_for else (Reason.STOP_SMS,))


def _own_answer(message: Message, at: datetime, subject: str, reasons: tuple[Reason, ...]) -> Decision:
    db.session.add(
        GateDecision(
            at=at,
            practice_id=message.practice_id,
            subject=subject,
            allow=not reasons,
            reasons=list(reasons),
            facts={"channel": str(message.channel), "kind": message.kind},
            rules_version="message",
        )
    )
    db.session.flush()
    return Decision(not reasons, reasons, (), None, None, "message")
