"""Everything a desk shows, read with one statement (card.sql): it is opened hundreds of times a day by everybody.

What is read of the patient is what the card and the gate need (minimum necessary); the rest of the row stays where it
is.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.config import settings
from ops.contact.asking import Known
from ops.db import db, read_row

DESK = "SELECT desk_of(%(agent)s, %(at)s, %(undoable)s) AS found"


class ReviewLink(NamedTuple):
    """Where a patient can leave a review."""

    url: str


class Practice(NamedTuple):
    """What the card says of the practice."""

    id: int
    name: str
    spoken_name: str
    helps_best: str
    shareable: str
    website: str
    callback_number: str
    zone: str
    review_links: tuple[ReviewLink, ...]


class Call(NamedTuple):
    """A call that was made to them."""

    at: datetime
    outcome: str
    note: str
    agent: str
    answers: list[str]


class Sent(NamedTuple):
    """A text or email that went to them."""

    at: datetime
    channel: str
    kind: str
    state: str


class Unread(NamedTuple):
    """What they wrote, and nobody has read."""

    id: int
    at: datetime
    channel: str
    body: str
    symptoms: list[str] | None
    """The words in it that speak of a symptom."""


class Promise(NamedTuple):
    """Another call that was promised to them."""

    at: datetime
    kind: str


class NextPromise(NamedTuple):
    """The call this agent has to make soon, for whichever practice."""

    at: datetime
    practice: str


class Note(NamedTuple):
    """The template of the note to forward, as a text or as an email."""

    medium: str
    subject: str
    body: str


@dataclass(frozen=True)
class CardFacts:
    """The open card: the task's columns, the patient's or friend's, and all the gate asks. Moments are aware."""

    id: int
    practice_id: int
    patient_id: int
    referral_id: int | None
    run_id: int | None
    kind: str
    fence: int
    reason: str
    promised_at: datetime | None
    urgent: bool
    """They wrote of a symptom, on this card."""
    claimed_at: datetime
    lease_until: datetime
    tries: int
    max_tries: int
    closes_at: datetime | None
    script_version_id: int | None
    practice: Practice
    first_name: str
    phone: str | None
    email: str | None
    state: str | None
    zip: str | None
    stated_zone: str | None
    birth_date: date | None
    deceased: bool
    friend_name: str | None
    friend_phone: str | None
    friend_email: str | None
    received_at: datetime | None
    milestone_kind: str | None
    happened_on: date | None
    category: str | None
    script: str | None
    script_number: int | None
    suppressions: list[str] | None
    attempts: int
    consent: bool | None
    status: str
    baa_on: date | None
    dealt_on: date | None
    why: dict[str, Any] | None
    attempts_made: tuple[Call, ...]
    calls_this_month: int
    messages_sent: tuple[Sent, ...]
    promises: tuple[Promise, ...]
    unread: bool
    """They wrote something, to whichever practice, that nobody has read."""
    unread_here: tuple[Unread, ...]
    """Of it, what they wrote to this practice, in order: it is read on this card."""
    their_words: str | None
    script_in_force: int | None
    notes: tuple[Note, ...]
    next_promise: NextPromise | None
    known_later: dict[str, Known] | None
    """By "sms" and "email", what the gate asks about a message of this card when it may leave; None for a friend."""


@dataclass(frozen=True)
class Beside:
    """What stands beside every card: own keys and ring, how leads set the desk (None: as it comes), the outcome that
    can still be taken back."""

    keys: dict[str, str] | None
    dials: bool
    ring: str
    wrap_up: str | None
    wrap_up_seconds: int | None
    idle_seconds: int | None
    last_id: int | None
    last_outcome: str | None
    last_at: datetime | None


MOMENTS = ("promised_at", "claimed_at", "lease_until", "closes_at", "received_at")
DAYS = ("birth_date", "happened_on", "baa_on", "dealt_on")


def desk_of(agent_id: int, undoable: datetime) -> tuple[CardFacts | None, Beside]:
    """What is known about the task this agent holds (None without one), and what stands beside every card: the
    outcome there was recorded after `undoable`."""
    (found,) = read_row(DESK, {"agent": agent_id, "at": clock.now(), "undoable": undoable})
    beside = found["beside"]
    beside["last_at"] = _moment(beside["last_at"])
    return (_card(found["card"]) if found["card"] else None), Beside(**beside)


def in_hand(agent_id: int) -> CardFacts | None:
    """The first half of `desk_of`."""
    return desk_of(agent_id, clock.now() - timedelta(seconds=settings().undo_seconds))[0]


def _card(found: dict[str, Any]) -> CardFacts:
    found |= {name: _moment(found[name]) for name in MOMENTS}
    found |= {name: date.fromisoformat(found[name]) if found[name] else None for name in DAYS}
    practice, promised = found["practice"], found["next_promise"]
    practice["review_links"] = tuple(ReviewLink(url) for url in practice["review_links"])
    found["practice"] = Practice(**practice)
    found["attempts_made"] = tuple(Call(**_at(each)) for each in found["attempts_made"])
    found["messages_sent"] = tuple(Sent(**_at(each)) for each in found["messages_sent"])
    found["unread_here"] = tuple(Unread(**_at(each)) for each in found["unread_here"])
    found["promises"] = tuple(Promise(**_at(each)) for each in found["promises"])
    found["notes"] = tuple(Note(**each) for each in found["notes"] or ())
    found["next_promise"] = NextPromise(**_at(promised)) if promised else None
    if later := found["known_later"]:
        found["known_later"] = {channel: _known(known) for channel, known in later.items()}
    return CardFacts(**found)


def _known(row: dict[str, Any]) -> Known:
    baa_on, dealt_on = (date.fromisoformat(row[name]) if row[name] else None for name in ("baa_on", "dealt_on"))
    return Known(row["suppressions"], row["attempts"], row["consent"], row["status"], baa_on, dealt_on, row["unread"])


def _at(line: dict[str, Any]) -> dict[str, Any]:
    return line | {"at": _moment(line["at"])}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def of_friend(facts: CardFacts, key: bytes) -> tuple[list[str], bool]:
    """What stands against calling a friend who is known by an email address as well: suppressions of the address, and
    whether they wrote something that nobody has read."""
    asked: dict[str, Any] = {"practice": facts.practice_id, "key": key, "at": clock.now()}
    against, unread = db.session.execute(BY_ADDRESS, asked).one()
    return list(against or ()), bool(unread)


BY_ADDRESS = sa.text(
    """
    SELECT suppressions, unread FROM contact_known(:practice, NULL, :key, 'call', :at, NULL)
    """
)
