"""Who a task is really about: the patient, or the friend they sent."""

from ops.contact.asking import Person, ReferredPerson
from ops.db import db
from ops.practices import humans
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


def records_of(task: Task) -> list[int]:
    """The patients that are the human this task is about (records.sql), first the task's own; none for a friend."""
    return [] if task.referral_id is not None else humans.same_human(task.practice_id, task.patient_id)


def keys_of(task: Task, person: Person, dialed: bytes | None) -> set[bytes]:
    """Every number and address of whom a call about this task reached, over all records of them."""
    keys = {dialed, person.phone_key, person.email_key}
    if task.referral_id is None:
        for row in humans.records_of(task.practice_id, task.patient_id):
            keys |= {row.phone_key, row.email_key}
    return {key for key in keys if key}
