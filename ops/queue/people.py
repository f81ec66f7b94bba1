"""Who a task is really about: the patient, or the friend they sent."""

from typing import NamedTuple

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


class Reached(NamedTuple):
    """Whom a call reached: the patients that are this human (records.sql), first the task's own, none for a friend; and
    every number and address of them, sorted."""

    records: list[int]
    keys: list[bytes]


def reached_by(task: Task, person: Person, dialed: bytes | None) -> Reached:
    """Whom a call about this task reached at this number."""
    rows = [] if task.referral_id is not None else humans.records_of(task.practice_id, task.patient_id)
    keys = {dialed, person.phone_key, person.email_key}.union(*((row.phone_key, row.email_key) for row in rows))
    return Reached([row.patient_id for row in rows], sorted(key for key in keys if key))
