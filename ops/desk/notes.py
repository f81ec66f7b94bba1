"""The note to forward that an outcome promises: by which way it will go, and when.

The card says it before the press and the outcome does it: both ask the gate for the moment at which the note would
leave, when the outcome cannot be taken back any more, with the call that is going on counted; and both choose here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ops.cadences import texts
from ops.contact.facts import Decision
from ops.contact.openings import Foreseen, first_open
from ops.contact.queries import cap_frees
from ops.contact.words import reasons_words
from ops.errors import Refused
from ops.messages import actions as messages
from ops.messages.permission import foresee
from ops.messages.sending import MAX_WAIT
from ops.practices.models import Patient, Practice
from ops.scripts.models import Medium
from ops.work.kinds import Kind

WAYS = (Medium.SMS, Medium.EMAIL)
"""By text, or else by email."""
BY = {Medium.SMS: "text", Medium.EMAIL: "email"}


@dataclass(frozen=True)
class Way:
    """`problem`: why nothing can be written, "" when it can; `reasons`: what the gate has against it at that moment."""

    medium: Medium
    problem: str
    reasons: tuple[str, ...]

    @property
    def why_not(self) -> str:
        """A sentence; "" when nothing stands against it."""
        return self.problem or (f"No {BY[self.medium]}: {reasons_words(self.reasons)}." if self.reasons else "")


@dataclass(frozen=True)
class Note:
    """By which way it goes (None: by none), not before `at` (None: at once), and why not by the ways before or at once
    ("" when it goes by the first)."""

    medium: Medium | None
    at: datetime | None
    why: str

    @property
    def by(self) -> str:
        return BY[self.medium] if self.medium else ""


def choose(ways: list[Way], opens: Callable[[Medium], datetime | None]) -> Note:
    """The first way that is open; without one, that which is open first (`opens`); else none."""
    against: list[str] = []
    for way in ways:
        if not way.why_not:
            return Note(way.medium, None, " ".join(against))
        against.append(way.why_not)
    why = " ".join(dict.fromkeys(against))
    later = [(at, way.medium) for way in ways if not way.problem and (at := opens(way.medium))]
    if not later:
        return Note(None, None, why)
    at, medium = min(later, key=lambda one: one[0])
    return Note(medium, at, why)


def opens(
    practice: Practice, patient: Patient, medium: Medium, at: datetime, but_task: int | None = None
) -> datetime | None:
    """The first moment from `at` on at which it may leave; None when the clock does not bring one within the time the
    outbox keeps it. The call that is going on counts, but that of `but_task`."""

    def ask(moment: datetime) -> Foreseen:
        decision = foresee(patient, practice, medium.value, moment, but_task=but_task)
        return Foreseen(frozenset(decision.reasons), decision.opens_at)

    found = first_open(ask, at, cap_frees(practice.id, patient, at, but_task))
    return found if found and found - at < MAX_WAIT else None


def planned(practice: Practice, patient: Patient, at: datetime, counted: int) -> Note:
    """How the note goes that may leave from `at` on. `counted`: the task whose call is counted already."""
    ways = []
    for medium in WAYS:
        decision = foresee(patient, practice, medium.value, at, but_task=counted)
        ways.append(Way(medium, _problem(practice, patient, medium), reasons_of(decision)))
    return choose(ways, lambda medium: opens(practice, patient, medium, at, counted))


def reasons_of(decision: Decision) -> tuple[str, ...]:
    """The gate's codes."""
    return tuple(str(reason) for reason in decision.reasons)


def _problem(practice: Practice, patient: Patient, medium: Medium) -> str:
    try:
        written = texts.write(practice, patient, Kind.ASK, medium)
    except Refused as problem:
        return str(problem)
    return messages.unsendable(practice, patient, medium.value, written.address, written.subject, written.body) or ""
