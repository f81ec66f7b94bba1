"""Asking the gate: gather what the database knows about a person in one statement, decide, and keep the answer.

Nothing may reach a person without a yes from here. Whatever goes wrong on the way is a no: a send must fail when the
suppressions cannot be read (RULES decision 5).
"""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from ops.config import settings
from ops.contact import gate
from ops.contact.facts import Decision, Facts, Reason
from ops.contact.models import ConsentEvent, GateDecision, SuppressedChannel, Suppression
from ops.contact.queries import consenting, recent_attempts, suppressing
from ops.crypto import contact_key
from ops.db import db
from ops.practices.models import Practice

log = structlog.get_logger()
AREA_CODE = slice(0, 5)
ANY_LINE = "5550100"
"""Stands for the digits of a number that a stored decision does not keep: places follow from the area code alone."""


class Person(Protocol):
    """What must be known about somebody to be contacted: a Patient has it all, see `Friend` for the others."""

    @property
    def phone(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def phone_key(self) -> bytes | None: ...
    @property
    def email_key(self) -> bytes | None: ...
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


@dataclass(frozen=True)
class Friend:
    """Somebody who is no patient, as a referral knows them. `opted_in`: they agreed themselves (RULES decision 6)."""

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
    """What the database knew about a person and a practice at one moment."""

    suppressions: frozenset[tuple[str, str]]
    attempts_24h: int
    consent: bool | None
    """The last word about this channel: given, taken back, or None when nothing was ever noted."""
    status: str
    baa_on: date | None


def may_contact(
    person: Person, practice: Practice, channel: str, at: datetime, subject: str, *, store: bool = True
) -> Decision:
    """May `practice` contact `person` over `channel` ("call", "sms", "email") at `at`? Any failure on the way is a no.

    With `store` the answer is kept with its facts in the caller's transaction; `subject` is "task:7" or "message:UUID".
    """
    try:
        facts = facts_for(person, practice, channel, at)
        decision = gate.decide(facts, at)
        if store:
            _keep(decision, facts, at, practice.id, subject)
    except Exception as problem:  # whatever it was, nobody has said yes
        log.error("gate_unanswered", error=type(problem).__name__)
        return Decision(False, (Reason.STORE_UNREADABLE,), (), None, None, "unread")
    return decision


def facts_for(person: Person, practice: Practice, channel: str, at: datetime) -> Facts:
    """All the gate asks about this person and practice at `at`, with one statement."""
    known = _known(practice.id, person.phone_key, person.email_key, channel, at)
    against = frozenset(reason for over, reason in known.suppressions if over in (SuppressedChannel.ALL, channel))
    return Facts(
        channel=channel,
        state=person.state,
        zip=person.zip,
        phone=person.phone,
        stated_zone=person.stated_zone,
        birth_date=person.birth_date,
        deceased=person.deceased,
        suppressions=against,
        attempts_24h=known.attempts_24h,
        attempts_limit=settings().attempts_per_day,
        consent=None if known.consent is not False else "none",
        baa=known.baa_on is not None and known.baa_on <= at.astimezone(ZoneInfo(practice.zone)).date(),
        practice=known.status,
        friend_opted_in=person.opted_in if isinstance(person, Friend) else None,
    )


def _known(practice_id: int, phone_key: bytes | None, email_key: bytes | None, channel: str, at: datetime) -> Known:
    # The practice is read here again: the caller's copy may be from before it was paused.
    pair = Suppression.channel.concat(":").concat(Suppression.reason)
    against = sa.select(sa.func.array_agg(pair)).where(*suppressing(practice_id, phone_key, email_key))
    attempts = sa.select(sa.func.count()).where(*recent_attempts(phone_key or b"", at))
    key = email_key if channel == "email" else phone_key
    consent = sa.select(ConsentEvent.given).where(*consenting(practice_id, key or b"", channel))
    consent = consent.order_by(ConsentEvent.id.desc()).limit(1)
    row = db.session.execute(
        sa.select(
            against.scalar_subquery(),
            attempts.scalar_subquery(),
            consent.scalar_subquery(),
            Practice.status,
            Practice.baa_on,
        ).where(Practice.id == practice_id)
    ).one()
    return Known(frozenset(tuple(text.split(":", 1)) for text in row[0] or ()), *row[1:])


def _keep(decision: Decision, facts: Facts, at: datetime, practice_id: int, subject: str) -> None:
    db.session.add(
        GateDecision(
            at=at,
            practice_id=practice_id,
            subject=subject,
            allow=decision.allow,
            reasons=list(decision.reasons),
            facts=_plain(facts) | {"places": [list(place) for place in decision.places]},
            rules_version=decision.rules_version,
        )
    )
    db.session.flush()


def _plain(facts: Facts) -> dict[str, Any]:
    """What differs from an ordinary contact, as JSON, with of the number only what says where it is from."""
    kept = {
        each.name: getattr(facts, each.name)
        for each in fields(facts)
        if each.name != "phone" and getattr(facts, each.name) != _ordinary(each.name)
    }
    if facts.phone:
        kept["area_code"] = facts.phone[AREA_CODE]
    if facts.birth_date:
        kept["birth_date"] = facts.birth_date.isoformat()
    if facts.suppressions:
        kept["suppressions"] = sorted(facts.suppressions)
    return kept


def _ordinary(name: str) -> Any:
    return getattr(Facts(), name)


def replay(kept: GateDecision) -> Decision:
    """Ask the gate again what it was asked then, under today's edition of the rules (see `rules_version`).

    Exact for US numbers; of a foreign one the digits that tell its zone are not kept.
    """
    known = {each.name for each in fields(Facts)}
    given = {name: value for name, value in kept.facts.items() if name in known}
    if "area_code" in kept.facts:
        given["phone"] = kept.facts["area_code"] + ANY_LINE
    if "birth_date" in given:
        given["birth_date"] = date.fromisoformat(given["birth_date"])
    if "suppressions" in given:
        given["suppressions"] = frozenset(given["suppressions"])
    return gate.decide(Facts(**given), kept.at)
