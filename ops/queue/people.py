"""Who a task is really about: the patient, or the friend they sent."""

import sqlalchemy as sa

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


def records_of(task: Task) -> list[int]:
    """The patients that are the human this task is about (records.sql), first the task's own; none for a friend."""
    return [] if task.referral_id is not None else same_human(task.practice_id, task.patient_id)


def same_human(practice_id: int, patient_id: int) -> list[int]:
    """The patients that are this one human (records.sql), first the one asked about. What was done under one of them
    stays there, also when the work it belongs to went over to another: look for it under all."""
    asked = {"practice": practice_id, "patient": patient_id}
    return [row.patient_id for row in db.session.execute(RECORDS, asked)]


def keys_of(task: Task, person: Person, dialed: bytes | None) -> set[bytes]:
    """Every number and address of whom a call about this task reached, over all records of them."""
    keys = {dialed, person.phone_key, person.email_key}
    if task.referral_id is None:
        for row in db.session.execute(RECORDS, _of(task)):
            keys |= {row.phone_key, row.email_key}
    return {key for key in keys if key}


def _of(task: Task) -> dict[str, int]:
    return {"practice": task.practice_id, "patient": task.patient_id}


RECORDS = sa.text("SELECT patient_id, phone_key, email_key FROM records_of(:practice, :patient)")
