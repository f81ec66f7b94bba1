"""Who a task is really about: the patient, or the friend they sent."""

from ops.contact.asking import Person, ReferredPerson
from ops.db import db
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
