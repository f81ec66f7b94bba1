"""What people enter or correct about one patient by hand; files come through the importer."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa

from ops import clock, crypto
from ops.accounts.models import User
from ops.accounts.reads import keep_read
from ops.background import Job, ring
from ops.db import db
from ops.errors import Refused
from ops.practices import checks, refusals
from ops.practices.models import Milestone, MilestoneKind, Patient, Practice, TreatmentType
from ops.practices.us import ELSEWHERE
from ops.work.reads import ReadOf


class ContactFacts(TypedDict, total=False):
    """Contact facts of a patient; "" or None takes one away. Phone in any US writing or E.164."""

    phone: str | None
    email: str | None
    state: str | None
    zip: str | None
    stated_zone: str | None
    language: str


def add_patient(
    practice: Practice,
    external_id: str,
    first_name: str,
    last_name: str,
    birth_date: date | None = None,
    **person: Unpack[ContactFacts],
) -> Patient:
    """A patient entered by hand. Raises Refused when the number is taken or a detail cannot be right."""
    number = checks.text(external_id, "The patient's number", 100, needed=True)
    if db.session.scalar(
        sa.select(Patient.id).where(Patient.practice_id == practice.id, Patient.external_id == number)
    ):
        raise Refused(f"There is a patient with the number {number} already.")
    now = clock.now()
    patient = Patient(
        practice_id=practice.id,
        external_id=number,
        first_name=checks.text(first_name, "The first name", 100, needed=True),
        last_name=checks.text(last_name, "The last name", 100),
        birth_date=birth_date,
        deceased=False,
        language="en",
        created_at=now,
        updated_at=now,
    )
    _set(patient, person)
    db.session.add(patient)
    db.session.flush()
    return patient


def correct_patient(practice: Practice, patient: Patient, **person: Unpack[ContactFacts]) -> None:
    """Put right what the file had wrong. A later import that says otherwise wins again: it is the practice's record."""
    before = _keys(patient)
    _set(patient, person)
    patient.updated_at = clock.now()
    db.session.flush()
    if before != _keys(patient):
        refusals.follow(practice.id, [refusals.Move(*before, *_keys(patient))], f"practice:{practice.id}")
    ring(Job.PRACTICE_CHANGED, practice.id)


def _keys(patient: Patient) -> tuple[bytes, bytes]:
    return refusals.keys_of(patient.practice_id, patient.external_id, patient.phone_key, patient.email_key)


def _set(patient: Patient, person: ContactFacts) -> None:
    """All checks before the first change, so that a refusal leaves the patient as they were."""
    checked = {what: _CHECKS[what](value) for what, value in person.items()}
    for what, value in checked.items():
        setattr(patient, what, value)
    if "phone" in checked:
        patient.phone_raw = patient.phone
        patient.phone_key = crypto.contact_key(patient.phone) if patient.phone else None
    if "email" in checked:
        patient.email_key = crypto.contact_key(patient.email) if patient.email else None


def _zip(value: str | None) -> str | None:
    tidy = (value or "").strip()
    if tidy and tidy != ELSEWHERE and not (len(tidy) == 5 and tidy.isascii() and tidy.isdigit()):
        raise Refused(f"{value!r} is no ZIP code; five digits are needed.")
    return tidy or None


_CHECKS: dict[str, Callable[[Any], object]] = {
    "phone": lambda value: checks.phone(value or "") or None,
    "email": lambda value: checks.email(value or "").lower() or None,
    "state": lambda value: checks.home_state(value) if value else None,
    "zip": _zip,
    "stated_zone": lambda value: checks.zone(value) if value else None,
    "language": checks.language,
}


def record_milestone(
    practice: Practice,
    patient: Patient,
    kind: MilestoneKind,
    happened_on: date,
    treatment_type: TreatmentType | None = None,
) -> Milestone:
    """Something happened to the patient on that day (of the practice's zone). The same thing twice is the first one,
    which is restored if it was withdrawn.

    Raises Refused for a day in the future.
    """
    if happened_on > clock.today(practice.zone):
        raise Refused("What has not happened yet is no milestone.")
    key = f"{kind}:{happened_on}:{treatment_type.name.lower() if treatment_type else ''}"
    known = sa.select(Milestone).where(Milestone.patient_id == patient.id, Milestone.dedupe_key == key)
    if there := db.session.scalar(known):
        if there.is_withdrawn:
            there.withdrawn_at = there.withdrawn_why = None
            db.session.flush()
            ring(Job.PRACTICE_CHANGED, practice.id)
        return there
    milestone = Milestone(
        practice_id=practice.id,
        patient_id=patient.id,
        kind=kind,
        happened_on=happened_on,
        treatment_type_id=treatment_type.id if treatment_type else None,
        dedupe_key=key,
        created_at=clock.now(),
    )
    db.session.add(milestone)
    db.session.flush()
    ring(Job.PRACTICE_CHANGED, practice.id)
    return milestone


def withdraw_milestone(practice: Practice, milestone: Milestone, why: str) -> None:
    """It did not take place after all. It is kept; what follows from it ends, as far as it has reached nobody. Raises
    Refused without a reason, and when it is withdrawn already."""
    words = checks.text(why, "The reason", 200, needed=True)
    if milestone.is_withdrawn:
        raise Refused("This was withdrawn already.")
    milestone.withdrawn_at, milestone.withdrawn_why = clock.now(), words
    db.session.flush()
    ring(Job.PRACTICE_CHANGED, practice.id)


def note_read(
    reader: User, patient: Patient, what: ReadOf, subject_id: int | None = None, month: date | None = None
) -> None:
    """Keep that `reader` looked at this patient's data; see `keep_read`."""
    keep_read(reader.id, patient.practice_id, patient.id, what, subject_id, month)
