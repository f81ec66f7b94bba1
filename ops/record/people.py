"""Finding somebody, and all records of one human in a practice (ops/practices/records.sql)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import sqlalchemy as sa

from ops import crypto
from ops.db import db
from ops.errors import Refused
from ops.practices import checks, refusals
from ops.practices.humans import same_human
from ops.practices.models import NAME_KEY, Patient, Practice
from ops.record.models import RecordMerge

FOUND = 20
"""At most so many are shown: who finds more looked for too little."""


class Found(NamedTuple):
    """Somebody who was looked for."""

    patient: Patient
    practice: Practice


@dataclass(frozen=True)
class Human:
    """One human in one practice: the record that was opened, and the others of the same human."""

    practice: Practice
    patient: Patient
    others: Sequence[Patient] = ()
    merges: Sequence[RecordMerge] = ()
    """By which some of the others are theirs; the rest have the same name and number."""

    @property
    def kept_id(self) -> int:
        """The record that speaks for all: this one, unless it was merged into another."""
        return next((merge.kept_id for merge in self.merges), self.patient.id)

    def merge_of(self, record: Patient) -> RecordMerge | None:
        """By which this record was merged into the kept one."""
        return next((merge for merge in self.merges if merge.merged_id == record.id), None)

    @property
    def records(self) -> list[Patient]:
        return [self.patient, *self.others]

    @property
    def ids(self) -> list[int]:
        return [record.id for record in self.records]

    @cached_property
    def keys(self) -> dict[bytes, str]:
        """What stands against contacting them is kept under these: every number and address, in words, and what waits
        for one to come."""
        found: dict[bytes, str] = {}
        for record in self.records:
            phone, email = refusals.keys_of(record.practice_id, record.external_id, record.phone_key, record.email_key)
            found.setdefault(phone, record.phone or "a number to come")
            found.setdefault(email, record.email or "an address to come")
        return found


def human(practice: Practice, patient_id: int) -> Human | None:
    """Whoever has this record in this practice; None when it has no such patient."""
    ids = same_human(practice.id, patient_id)
    query = sa.select(Patient).where(Patient.practice_id == practice.id, Patient.id.in_(ids))
    by_id = {patient.id: patient for patient in db.session.scalars(query.order_by(Patient.id))}
    patient = by_id.pop(patient_id, None)
    return Human(practice, patient, list(by_id.values()), _merges(practice, ids)) if patient else None


def _merges(practice: Practice, ids: Sequence[int]) -> Sequence[RecordMerge]:
    stands = sa.select(RecordMerge).where(
        RecordMerge.practice_id == practice.id, RecordMerge.merged_id.in_(ids), RecordMerge.undone_at.is_(None)
    )
    return db.session.scalars(stands.order_by(RecordMerge.id)).all()


def lookalikes(human: Human) -> Sequence[Patient]:
    """Other records of the practice that may be the same human: the same number, address or name, not merged yet."""
    keys = [key for record in human.records for key in (record.phone_key, record.email_key) if key]
    names = {(record.first_name + record.last_name) for record in human.records}
    alike = sa.or_(
        Patient.phone_key.in_(keys), Patient.email_key.in_(keys), _same_name().in_([_plain(each) for each in names])
    )
    merged = {human.patient.id, *(merge.merged_id for merge in human.merges)}
    found = sa.select(Patient).where(Patient.practice_id == human.practice.id, Patient.id.not_in(merged), alike)
    return db.session.scalars(found.order_by(Patient.id).limit(FOUND)).all()


def by_number(practice: Practice, number: str) -> Patient | None:
    """The record with the practice's own number for it."""
    which = (Patient.practice_id == practice.id, Patient.external_id == number.strip())
    return db.session.scalar(sa.select(Patient).where(*which))


def find(wanted: str, practice: Practice | None = None) -> list[Found]:
    """Patients (of all practices, or of one, there by its number for them too) whose phone, email address or whole name
    is exactly this, the first twenty: nobody is to browse (minimum necessary, docs/rules.md A12)."""
    wanted = wanted.strip()[:200]
    if not any(letter.isalnum() for letter in wanted):
        return []
    query = sa.select(Patient, Practice).join(Practice, Practice.id == Patient.practice_id)
    query = query.where(sa.or_(*_ways(wanted, practice)))
    if practice:
        query = query.where(Patient.practice_id == practice.id)
    named = query.order_by(sa.func.lower(Practice.name), Patient.last_name, Patient.id).limit(FOUND)
    return [Found(*row) for row in db.session.execute(named)]


def _ways(wanted: str, practice: Practice | None) -> list[sa.ColumnElement[bool]]:
    ways: list[sa.ColumnElement[bool]] = [_same_name() == _plain(wanted)]
    if practice:
        ways.append(Patient.external_id == wanted)
    if "@" in wanted:
        ways.append(Patient.email_key == crypto.contact_key(wanted))
    elif phone := _phone_or_none(wanted):
        ways.append(Patient.phone_key == crypto.contact_key(phone))
    return ways


def _same_name() -> sa.ColumnElement[str]:
    return sa.literal_column(NAME_KEY, sa.Text)


def _plain(name: str) -> sa.ColumnElement[str]:
    """A name as `NAME_KEY` has it."""
    return sa.func.lower(sa.func.regexp_replace(name, "[^[:alnum:]]", "", "g"))


def _phone_or_none(wanted: str) -> str | None:
    try:
        return checks.phone(wanted) or None
    except Refused:
        return None
