"""What reading a practice's file yields: patients, milestones, opt-outs, and rows that were wrong, whole."""

from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Unreadable(Exception):
    """A whole file that cannot be read. The message says what it is, where, and what to do; it is shown to people."""


class Unclear(ValueError):
    """One cell that does not say what its column promises. The message is the reason, in plain words."""


class Record(NamedTuple):
    """One record of a file as it stood there. `problem` says why it cannot be taken apart, if it cannot."""

    line: int
    cells: list[str]
    problem: str | None = None


class PatientRecord(NamedTuple):
    """A person as the file states them. `external_id` is the practice's number or a key made of who they are."""

    line: int
    external_id: str
    first_name: str
    last_name: str
    birth_date: date | None
    death_date: date | None
    deceased: bool
    phone: str | None
    phone_raw: str | None
    email: str | None
    state: str | None
    zip: str | None
    language: str | None


class MilestoneRecord(NamedTuple):
    """Something that happened to the patient `external_id`, on a calendar day of the practice."""

    line: int
    external_id: str
    kind: str
    happened_on: date
    treatment: str
    dedupe_key: str


class OptOut(NamedTuple):
    """`channel` is all, call, sms or email; `source` the column that said so."""

    channel: str
    source: str


class LeftOut(StrEnum):
    """Why the visit of a row that was understood is not stored."""

    FUTURE = "future"
    """It lies ahead: it comes with the export of the day on which it is over."""
    NOT_HELD = "not_held"
    """By its status it was cancelled, missed or moved, or is not completed."""


class GoodRow(NamedTuple):
    """A record that was understood. `identity` must be the same (or 0) wherever this external id stands in a file.

    `cells` is the record as it stood there: what is kept if the database knows of a reason against it. `corrects` is
    the id of the quarantined row it was made from, 0 for none. `left_out` says why its visit is not stored.
    """

    line: int
    external_id: str
    patient: PatientRecord | None
    milestone: MilestoneRecord | None
    opt_outs: tuple[OptOut, ...]
    identity: int
    cells: list[str]
    corrects: int = 0
    left_out: LeftOut | None = None


class LeftOutRow(NamedTuple):
    """A record of nothing but a visit that is not stored."""

    line: int
    why: LeftOut


class BadRow(NamedTuple):
    """A record that is quarantined: nothing of it is stored but this."""

    line: int
    cells: list[str]
    reasons: tuple[str, ...]
