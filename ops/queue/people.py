"""Who a task is really about: the patient, or the friend they sent."""

from ops.contact.asking import Person, ReferredPerson
from ops.db import db
from ops.messages.permission import may_have_stopped
from ops.practices.models import Patient
from ops.queue.models import Task
from ops.referrals.models import Referral


def referral_of(task: Task) -> Referral | None:
    """The referral a friend's task is about."""
    return db.session.get(Referral, task.referral_id) if task.referral_id else None


def person_of(task: Task, patient: Patient) -> Person:
    """Whom a call about this task reaches."""
    referral = referral_of(task)
    if referral is None:
        return patient
    return ReferredPerson(phone=referral.friend_phone, email=referral.friend_email, opted_in=True)


def has_unread_reply(task: Task, person: Person) -> bool:
    """Whether whom this task calls wrote something that may mean stop, and nobody has read it yet."""
    patient_id = task.patient_id if task.referral_id is None else None
    keys = [key for key in (person.phone_key, person.email_key) if key]
    return may_have_stopped(task.practice_id, keys, patient_id)
