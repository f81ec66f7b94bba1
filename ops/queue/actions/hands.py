"""What only the queue knows about calling somebody now, beside the contact gate.

One human is in one pair of hands, at whichever practices they are a patient or a friend: the cap counts a call when it
was made, so of five agents who dial the same number at once each would find it not yet reached. And who wrote
something that may mean stop is not called until a person has read it (RULES A4).
"""

from datetime import timedelta

import sqlalchemy as sa

from ops.contact.actions import try_hold_number
from ops.contact.asking import Person
from ops.db import db
from ops.messages.permission import may_have_stopped
from ops.practices.models import Patient
from ops.queue.models import Task, TaskState
from ops.referrals.models import Referral

LOOK_AGAIN = timedelta(minutes=10)
IN_OTHER_HANDS = "in_other_hands"
UNREAD_REPLY = "unread_reply"


def hindrance(task: Task, person: Person) -> str | None:
    """Why this task cannot be taken now although the gate may allow it, None when nothing is in the way.

    Until the end of the transaction nobody else gets past here with the same number.
    """
    if has_unread_reply(task, person):
        return UNREAD_REPLY
    if person.phone_key and not (try_hold_number(person.phone_key) and _is_free(task, person.phone_key)):
        return IN_OTHER_HANDS
    return None


def has_unread_reply(task: Task, person: Person) -> bool:
    """Whether whom this task calls wrote something that may mean stop, and nobody has read it yet."""
    patient_id = task.patient_id if task.referral_id is None else None
    keys = [key for key in (person.phone_key, person.email_key) if key]
    return may_have_stopped(task.practice_id, keys, patient_id)


def _is_free(task: Task, phone_key: bytes) -> bool:
    """Whether no agent holds another task that calls this number; the tasks in hands are few."""
    called = sa.case((Task.referral_id.is_(None), Patient.phone_key), else_=Referral.contact_key)
    in_hands = (
        sa.select(Task.id)
        .join(Patient, Patient.id == Task.patient_id)
        .outerjoin(Referral, Referral.id == Task.referral_id)
        .where(Task.state == TaskState.CLAIMED, Task.id != task.id, called == phone_key)
    )
    return not db.session.scalar(sa.select(in_hands.exists()))
