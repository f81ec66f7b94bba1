"""What reading a practice's file yields: patients, milestones, opt-outs, and rows that were wrong, whole."""

import unicodedata
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Unreadable(Exception):
    """A whole file that cannot be read. The message says what it is, where, and what to do; it is shown to people."""


class Unclear(ValueError):
    """One cell that does not say what its column promises. The message is the reason, in plain words."""


def halfwidth(text: str) -> str:
    """Digits and signs of any keyboard (full-width, Arabic) as plain ones."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in plain)


def reason_of(problem: Exception) -> str:
    """Why a cell or a row could not be read, in words. Of what we did not foresee only the kind is told: its message
    may be anything. Running out of memory is about no row: it is raised again."""
    if isinstance(problem, MemoryError):
        raise problem
    return str(problem) if isinstance(problem, Unclear) else f"cannot be read ({type(problem).__name__})"


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
    visit: str = ""
    """What all treatments of one visit share, where the file numbers visits (`keys.visit_of`)."""


class OptOut(NamedTuple):
    """`channel` is all, call, sms or email; `source` the column that said so."""

    channel: str
    source: str


class Agreement(NamedTuple):
    """What a column says of a permission: `channel` is all, call, sms or email, `source` its header, `words` the cell
    as it stands there when it is a yes. "": there is the column, and it says no yes (any more)."""

    channel: str
    source: str
    words: str


class LeftOut(StrEnum):
    """Why the visit of a row that was understood is not stored."""

    FUTURE = "future"
    """It lies ahead: it comes with the export of the day on which it is over."""
    NOT_HELD = "not_held"
    """By its status it was cancelled, missed or moved, or is not completed."""


class GoodRow(NamedTuple):
    """A record that was understood. `identity` must be the same (or 0) wherever this external id stands in a file.

    `cells` is the record as it stood there: what is kept if the database knows of a reason against it. `corrects` is
    the id of the quarantined row it was made from, 0 for none. `left_out` says why its visit is not stored; if an
    earlier file said that it took place, it is withdrawn.
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
    agreed: tuple[Agreement, ...] = ()


class LeftOutRow(NamedTuple):
    """A record of nothing but a visit that is not stored."""

    line: int
    why: LeftOut


class Whom(NamedTuple):
    """What a row says of the person it is about: the practice's number for them, numbers (E.164) and addresses, and
    where it has no number of the practice's the name (first and last in one) and the birth date."""

    number: str = ""
    reached: tuple[str, ...] = ()
    name: str = ""
    born: date | None = None


class BadRow(NamedTuple):
    """A record that is quarantined: nothing of it is stored but this.

    `about` is whom it says a no of, or something nobody understands, of contacting them: whoever that may be is not
    contacted until somebody has made the row right. None: it says nothing of that.
    """

    line: int
    cells: list[str]
    reasons: tuple[str, ...]
    about: Whom | None = None
