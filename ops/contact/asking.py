"""Asking the gate: gather what the database knows about a person in one statement, decide, and keep the answer.

Nothing may reach a person without a yes from here. Whatever goes wrong on the way is a no: a send must fail when the
suppressions cannot be read (docs/rules.md decision 5).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa
import structlog

from ops.config import settings
from ops.contact import gate, standing
from ops.contact.facts import Channel, Decision, Facts, Reason
from ops.contact.kept import facts_of, kept_facts
from ops.contact.models import GateDecision, SuppressedChannel
from ops.contact.places import zone_info
from ops.crypto import contact_key
from ops.db import Moment, db
from ops.practices.models import Practice

log = structlog.get_logger()


class Described(Protocol):
    """What the gate asks of a person whose suppressions and consent are known already."""

    @property
    def phone(self) -> str | None: ...
    @property
    def state(self) -> str | None: ...
    @property
    def zip(self) -> str | None: ...
    @property
    def stated_zone(self) -> str | None: ...
    @property
    def birth_date(self) -> date | None: ...
    @property
    def deceased(self) -> bool: ...


class Person(Described, Protocol):
    """What must be known about somebody to be contacted: a Patient has it all, see `ReferredPerson` for the others."""

    @property
    def email(self) -> str | None: ...
    @property
    def phone_key(self) -> bytes | None: ...
    @property
    def email_key(self) -> bytes | None: ...


@dataclass(frozen=True)
class ReferredPerson:
    """Somebody who is no patient, as a referral knows them. `opted_in`: they agreed themselves (docs/rules.md decision
    6)."""

    phone: str | None = None
    email: str | None = None
    opted_in: bool = False
    state: str | None = None
    zip: str | None = None
    stated_zone: str | None = None
    birth_date: date | None = None
    deceased: bool = False

    @property
    def phone_key(self) -> bytes | None:
        return contact_key(self.phone) if self.phone else None

    @property
    def email_key(self) -> bytes | None:
        return contact_key(self.email) if self.email else None


class Known(NamedTuple):
    """What the database knew about a person and a practice at one moment: a row of `contact_known` (known.sql)."""

    suppressions: list[str] | None
    """ "channel:REASON" each."""
    attempts_24h: int
    consent: bool | None
    """The last word about this channel: given, taken back, or None when nothing was ever noted."""
    status: str
    baa_on: date | None
    dealt_on: date | None
    """The last day the practice dealt with its patient at this number; None: it has no such patient."""
    unread: bool
    """Whether they wrote something that nobody has read."""


class Text(NamedTuple):
    """What is known of the words of a text or email; None is unknown."""

    gives_away: bool | None
    """Whether it tells that somebody is a patient (`telling`)."""
    approved: bool | None
    """Whether a published script says so."""
    registered: bool | None
    """Whether the practice's texts are registered with the carriers, or reach none."""


NO_TEXT = Text(None, None, None)
"""A call."""


def may_contact(
    person: Person,
    practice: Practice,
    channel: str,
    at: datetime,
    subject: str,
    *,
    text: Text,
    lock_held: bool,
    store: bool = True,
    but_task: int | None = None,
) -> Decision:
    """May `practice` contact `person` over `channel` ("call", "sms", "email") at `at`? Any failure on the way is a no.

    `text` is about the words that would leave (a call: NO_TEXT), `lock_held` whether the caller has just read that it
    still holds what it asks about. With `store` the answer is kept with its facts in the caller's transaction;
    `subject` is "task:7" or "message:UUID".
    A call to the number that somebody has in progress counts as made, except that of `but_task`, whose holder asks.
    """
    try:
        facts = facts_for(person, practice, channel, at, but_task, text=text, lock_held=lock_held)
        decision = gate.decide(facts, at)
        if store:
            keep(decision, kept_facts(facts, decision), at, practice.id, subject)
    except Exception as problem:  # whatever it was, nobody has said yes
        log.error("gate_unanswered", error=type(problem).__name__)
        return Decision(False, (Reason.STORE_UNREADABLE,), (), None, None, "unread")
    return decision


def decided(person: Described, known: Known, channel: str, at: datetime, zone: str, text: Text) -> Decision:
    """`may_contact` where what the database knew is there already, by who holds the task; nothing is kept."""
    try:
        return gate.decide(facts_from(person, known, channel, at, zone, text=text, lock_held=True), at)
    except Exception as problem:  # whatever it was, nobody has said yes
        log.error("gate_unanswered", error=type(problem).__name__)
        return Decision(False, (Reason.STORE_UNREADABLE,), (), None, None, "unread")


def facts_for(
    person: Person,
    practice: Practice,
    channel: str,
    at: datetime,
    but_task: int | None = None,
    *,
    text: Text,
    lock_held: bool,
) -> Facts:
    """All the gate asks about this person and practice at `at`, with one statement."""
    known = db.session.execute(
        KNOWN,
        {
            "practice": practice.id,
            "phone": person.phone_key,
            "email": person.email_key,
            "channel": channel,
            "at": at,
            "task": but_task,
        },
    ).one()
    return facts_from(person, Known(*known), channel, at, practice.zone, text=text, lock_held=lock_held)


KNOWN = sa.text("SELECT * FROM contact_known(:practice, :phone, :email, :channel, :at, :task)").bindparams(
    sa.bindparam("phone", type_=sa.LargeBinary),
    sa.bindparam("email", type_=sa.LargeBinary),
    sa.bindparam("at", type_=Moment),
    sa.bindparam("task", type_=sa.BigInteger),
)


def facts_from(
    person: Described, known: Known, channel: str, at: datetime, zone: str, *, text: Text, lock_held: bool
) -> Facts:
    """All the gate asks, from what the database knew; `zone` is the practice's, where a BAA has its day."""
    return Facts(
        channel=Channel(channel),
        state=person.state,
        zip=person.zip,
        phone=person.phone,
        stated_zone=person.stated_zone,
        stated_state=standing.STATED_STATE,
        birth_date=person.birth_date,
        deceased=person.deceased,
        suppressions=_against(known, channel),
        unread_reply=known.unread,
        attempts_24h=known.attempts_24h,
        attempts_limit=settings().attempts_per_day,
        consent=None if known.consent is not False else "none",
        baa=known.baa_on is not None and known.baa_on <= at.astimezone(zone_info(zone)).date(),
        practice=known.status,
        scrubbed_on=standing.SCRUBBED_ON,
        last_visit_on=None if isinstance(person, ReferredPerson) else known.dealt_on,
        basis=standing.BASIS,
        friend_opted_in=person.opted_in if isinstance(person, ReferredPerson) else None,
        loop_level=standing.LOOP_LEVEL,
        loop_consent=standing.LOOP_CONSENT,
        incentive=standing.INCENTIVE,
        campaign_registered=text.registered,
        text_has_phi=text.gives_away,
        text_approved=text.approved,
        lock_held=lock_held,
    )


def _against(known: Known, channel: str) -> frozenset[str]:
    named = (each.partition(":") for each in known.suppressions or ())
    return frozenset(reason for over, _, reason in named if over in (SuppressedChannel.ALL, channel))


def keep(decision: Decision, kept: dict[str, Any], at: datetime, practice_id: int, subject: str) -> None:
    """Store an answer of the gate with the facts it rests on (see `kept_facts`)."""
    db.session.add(
        GateDecision(
            at=at,
            practice_id=practice_id,
            subject=subject,
            allow=decision.allow,
            reasons=list(decision.reasons),
            facts=kept,
            rules_version=decision.rules_version,
        )
    )
    db.session.flush()


def replay(row: GateDecision) -> Decision:
    """Ask the gate again what it was asked then, under today's edition of the rules (see `rules_version`)."""
    return gate.decide(facts_of(row.facts, row.at.date()), row.at)
