"""What can be sent from the open card: first whether it may be, then the approved text as it would be read.

Only published templates, no free text (TEXT_NOT_APPROVED). The gate is asked as the outbox will ask it when the message
leaves: a yes here is for the agent, the one that counts is given then.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.cadences.texts import Written, write
from ops.contact import segments
from ops.contact.asking import Person, ReferredPerson
from ops.contact.facts import Decision
from ops.contact.openings import Foreseen, first_open
from ops.contact.places import zone_info
from ops.contact.queries import cap_frees, has_agreed
from ops.crypto import contact_key
from ops.db import db
from ops.errors import Refused
from ops.messages import actions as messages
from ops.messages.models import Message, MessageState
from ops.messages.permission import foresee
from ops.messages.words import STATE_TAGS, STATE_WORDS
from ops.phrases import time_words
from ops.practices.models import Patient, Practice
from ops.queue.models import Task, TaskEvent
from ops.queue.people import referral_of
from ops.queue.words import reasons_words
from ops.scripts.models import Medium
from ops.work.kinds import Kind
from ops.work.states import EventKind, TaskState

MEDIA = (Medium.SMS, Medium.EMAIL)
NEVER_LEFT = (MessageState.FAILED, MessageState.BLOCKED, MessageState.CANCELLED)
LISTED = 8


@dataclass(frozen=True)
class Way:
    """One way to send something from this card. `why_not` and `problem` are "" when there is none."""

    medium: Medium
    why_not: str
    """Why they may not be sent anything this way now."""
    until: str
    """ "8:00 PM EDT" where the law says until when, else ""."""
    opens: str
    """When it may be sent again, in their time; "" when it may now, or nobody knows."""
    written: Written | None
    problem: str
    """Why nothing can be written: no address, no template, something missing in it."""
    sent: "Sent | None"
    """This very text was sent from this card before."""

    @property
    def may_send(self) -> bool:
        return not self.why_not and self.written is not None and self.sent is None

    @property
    def parts(self) -> str:
        """ "1 part, 143 of 160 characters" of the rendered text; "" for an email."""
        if self.medium is not Medium.SMS or self.written is None:
            return ""
        return segments.count(self.written.body).words


@dataclass(frozen=True)
class Sent:
    """Something that was sent to them, or is on its way."""

    at: datetime
    medium: Medium
    name: str
    state: MessageState

    @property
    def words(self) -> str:
        return STATE_WORDS[self.state]

    @property
    def tag(self) -> str:
        return STATE_TAGS.get(self.state, "")


def ways(task: Task, agent: User) -> list[Way]:
    """Text and email, for the person this task is about."""
    return [way(task, agent, medium) for medium in MEDIA]


def way(task: Task, agent: User, medium: Medium) -> Way:
    """One of them."""
    practice, patient = db.session.get_one(Practice, task.practice_id), db.session.get_one(Patient, task.patient_id)
    decision = _ask(task, practice, addressee(task, practice, patient, medium), medium, clock.now())
    reasons = [str(reason) for reason in decision.reasons]
    zone = decision.places[0].zone if decision.places else practice.zone
    written, problem = _written(task, practice, patient, agent, medium)
    return Way(
        medium=medium,
        why_not=reasons_words(reasons),
        until=time_words(decision.window[1].astimezone(zone_info(zone))) if decision.window and not reasons else "",
        opens=_opens(task, practice, patient, medium, zone) if reasons else "",
        written=written,
        problem=problem,
        sent=_sent_before(task, written, medium) if written else None,
    )


def _opens(task: Task, practice: Practice, patient: Patient, medium: Medium, zone: str) -> str:
    """When they may be sent something again, if the clock alone can bring it; "" when they may now."""
    now = clock.now()
    person = addressee(task, practice, patient, medium)

    def ask(moment: datetime) -> Foreseen:
        decision = _ask(task, practice, person, medium, moment)
        return Foreseen(frozenset(decision.reasons), decision.opens_at)

    at = first_open(ask, now, cap_frees(practice.id, person, now))
    return _day_and_time(at.astimezone(zone_info(zone))) if at and at > now else ""


def _day_and_time(local: datetime) -> str:
    return f"{local:%A}, {time_words(local)}"


def foreseen(task: Task, medium: Medium, at: datetime) -> Decision:
    """The gate's answer for a message to whom this task is about, at `at`."""
    practice, patient = db.session.get_one(Practice, task.practice_id), db.session.get_one(Patient, task.patient_id)
    return _ask(task, practice, addressee(task, practice, patient, medium), medium, at)


def _ask(task: Task, practice: Practice, person: Person, medium: Medium, at: datetime) -> Decision:
    """The gate's answer for a message: `_written` gives nothing but a published text that gives nothing away."""
    return foresee(person, practice, medium.value, at, held=task.state is TaskState.CLAIMED)


def addressee(task: Task, practice: Practice, patient: Patient, medium: Medium) -> Person:
    """Whom it reaches: the patient, or the friend, who must have agreed with this very number or address."""
    referral = referral_of(task)
    if referral is None:
        return patient
    address = referral.friend_phone if medium is Medium.SMS else referral.friend_email
    agreed = bool(address) and has_agreed(practice.id, contact_key(address or ""))
    return ReferredPerson(phone=referral.friend_phone, email=referral.friend_email, opted_in=agreed)


def _written(
    task: Task, practice: Practice, patient: Patient, agent: User, medium: Medium
) -> tuple[Written | None, str]:
    """The text as it would be read, or why there is none."""
    referral = referral_of(task)
    try:
        written = write(practice, patient, task.kind, medium, referral=referral, agent=agent)
    except Refused as problem:
        return None, str(problem)
    to = None if referral else patient
    if why := messages.unsendable(practice, to, medium.value, written.address, written.subject, written.body):
        return None, why
    return written._replace(body=messages.as_sent(medium.value, written.body)), ""


def reason_key(task: Task, version_id: int) -> str:
    """Why a message sent from a card goes out: once per task and version of the text, for ever."""
    return f"card:{task.id}:{version_id}"


def _sent_before(task: Task, written: Written, medium: Medium) -> Sent | None:
    there = db.session.scalars(
        sa.select(Message).where(Message.reason_key == reason_key(task, written.version_id))
    ).first()
    return Sent(there.created_at, medium, written.name, there.state) if there else None


def _by_hand(task_id: int) -> sa.Select:
    """The messages sent from this task's cards, with the events that tell of them."""
    return (
        sa.select(Message, TaskEvent)
        .join(TaskEvent, TaskEvent.facts["reason_key"].astext == Message.reason_key)
        .where(TaskEvent.task_id == task_id, TaskEvent.kind == EventKind.SENT)
        .order_by(TaskEvent.id.desc())
    )


def sent_from(task: Task) -> list[Sent]:
    """What agents sent from this task's cards, latest first; for the card's history. One statement."""
    rows = db.session.execute(_by_hand(task.id).limit(LISTED))
    return [Sent(event.at, Medium(message.channel), event.facts["template"], message.state) for message, event in rows]


def note_key(task: Task) -> str:
    """The reason key under which the outcome's note to forward goes out: that of the note the agent sent by hand, so
    that the two are one; unless that one could never leave."""
    by_hand = db.session.execute(
        _by_hand(task.id).where(Message.kind == Kind.ASK, Message.state.not_in(NEVER_LEFT)).limit(1)
    ).first()
    return by_hand[0].reason_key if by_hand else f"note:{task.run_id or task.id}"
