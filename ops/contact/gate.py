"""May we reach this person now? One pure function over facts; the only way to a person (docs/rules.md decision 1, A14).

Fail closed: what cannot be read, judged or found in the rules is a block. Every check only ever adds a reason, so a
further suppression, or a place beside a known one, cannot turn a block into an allow. The same facts at the same moment
under the same edition of the rules give the same decision, so a stored one can be replayed.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from ops.contact import rules as rulebook
from ops.contact.facts import Channel, Decision, Facts, Reason
from ops.contact.places import Place, places_of, zone_info
from ops.contact.rules import UNKNOWN, Rules, RulesError
from ops.contact.windows import is_open, open_window
from ops.practices.age import age

__all__ = ["Channel", "Decision", "Facts", "Reason", "age", "decide", "months_after"]

ORDER = {reason: place for place, reason in enumerate(Reason)}
PHONE_ONLY = {Reason.DNC_NATIONAL, Reason.REASSIGNED_SUSPECT}
EMAIL_ONLY = {Reason.BOUNCED}
"""Suppressions about one address. All others are about the person: any stop stops every channel (docs/rules.md A4)."""
PASSING = {
    Reason.HOURS_STATE,
    Reason.HOURS_UNKNOWN_PLACE,
    Reason.HOLIDAY,
    Reason.CAP_24H,
    Reason.SCRUB_OLDER_31D,
    Reason.PRACTICE_PAUSED,
    Reason.LOCK_LOST,
    Reason.UNREAD_REPLY,
}
"""Blocks that end without anybody deciding otherwise about the person: the next opening is still worth knowing."""
FOR_GOOD = (
    frozenset(Reason)
    - PASSING
    - {
        # these are about our own house and pass when somebody mends it
        Reason.STORE_UNREADABLE,
        Reason.RULES_EXPIRED,
        Reason.HOLIDAY_TABLE_MISSING,
        Reason.NO_BAA,
    }
)
"""Blocks for which work is given up: whatever else is put right, this person may not be contacted so."""


@dataclass(frozen=True)
class _Case:
    facts: Facts
    channel: Channel
    at: datetime
    rules: Rules
    places: tuple[Place, ...]

    @property
    def by_phone(self) -> bool:
        return self.channel is not Channel.EMAIL

    @cached_property
    def states(self) -> frozenset[str]:
        return frozenset(place.state for place in self.places)

    @cached_property
    def days(self) -> tuple[date, ...]:
        """The calendar day it is at each of the places."""
        return tuple(self.at.astimezone(zone_info(place.zone)).date() for place in self.places)

    @property
    def day(self) -> date:
        """The earliest calendar day it is in any of the places: the strict reading of "on that day"."""
        return min(self.days)


Check = Callable[[_Case], Iterator[Reason]]


def decide(facts: Facts, at: datetime, rules: Rules | None = None) -> Decision:
    """May the person be contacted at `at` (aware)? Never raises: a fault inside is a block (docs/rules.md A14 e)."""
    places: tuple[Place, ...] = ()
    version = "unreadable"
    try:
        rules = rules or rulebook.current()
        version = rules.version
        places = places_of(facts.state, facts.zip, facts.phone, facts.stated_zone, facts.stated_state)
        return _judge(facts, at, rules, places)
    except RulesError:
        return _fault(Reason.RULES_EXPIRED, places, version)
    except Exception:  # whatever it was, nobody has said yes
        return _fault(Reason.STORE_UNREADABLE, places, version)


def _fault(reason: Reason, places: tuple[Place, ...], version: str) -> Decision:
    return Decision(False, (reason,), places, None, None, version)


def _judge(facts: Facts, at: datetime, rules: Rules, places: tuple[Place, ...]) -> Decision:
    if at.tzinfo is None:
        raise ValueError("the moment has no time zone")
    case = _Case(facts, Channel(facts.channel), at, rules, places)
    found = {reason for check in CHECKS for reason in _reasons(check, case)}
    window = open_window(places, case.channel, at, rules) if case.by_phone else None
    opens_at = at if not case.by_phone else max(at, window[0]) if window else None
    return Decision(
        allow=not found,
        reasons=tuple(sorted(found, key=ORDER.__getitem__)),
        places=places,
        window=window,
        opens_at=opens_at.astimezone(UTC) if opens_at and found <= PASSING else None,
        rules_version=rules.version,
    )


def _reasons(check: Check, case: _Case) -> set[Reason]:
    try:
        return set(check(case))
    except RulesError:
        return {Reason.RULES_EXPIRED}
    except Exception:  # one check that fails blocks, and the others still say what they know
        return {Reason.STORE_UNREADABLE}


def _hours(case: _Case) -> Iterator[Reason]:
    if case.by_phone:
        for place, day in zip(case.places, case.days, strict=True):
            yield from _hours_at(case, place, day)


def _hours_at(case: _Case, place: Place, day: date) -> Iterator[Reason]:
    row = case.rules.hours_on(place.state, case.channel, day)
    uncharted = case.rules.calendar_missing(place.state, day)
    if uncharted:
        yield Reason.HOLIDAY_TABLE_MISSING
    if row is None:
        yield Reason.RULES_EXPIRED
    if row is None or uncharted:
        return
    if is_open(place, case.channel, case.at, case.rules):
        return
    shut_by_holiday = case.rules.is_shut_by_holiday(row, day)
    if shut_by_holiday:
        yield Reason.HOLIDAY
    if not shut_by_holiday or row.span(day, holiday=False) is None:
        yield Reason.HOURS_UNKNOWN_PLACE if place.state == UNKNOWN else Reason.HOURS_STATE


def _cap(case: _Case) -> Iterator[Reason]:
    if not case.by_phone:
        return
    if case.facts.attempts_24h is None:
        yield Reason.STORE_UNREADABLE
        return
    if case.facts.attempts_limit is None:
        yield Reason.STORE_UNREADABLE
        return
    limit = min(case.facts.attempts_limit, case.rules.limit("attempts_24h", case.states, case.day))
    if case.facts.attempts_24h >= limit:
        yield Reason.CAP_24H


def _suppressed(case: _Case) -> Iterator[Reason]:
    if case.facts.suppressions is None:
        yield Reason.STORE_UNREADABLE
        return
    other = EMAIL_ONLY if case.by_phone else PHONE_ONLY
    for code in case.facts.suppressions:
        reason = Reason.__members__.get(str(code).strip().upper(), Reason.DNC_INTERNAL)
        if reason not in other:
            yield reason


def _unread(case: _Case) -> Iterator[Reason]:
    if case.facts.unread_reply is not False:
        yield Reason.UNREAD_REPLY


def _scrub(case: _Case) -> Iterator[Reason]:
    """A fresh scrub; without one an invitation in writing, or a visit not long ago: the practice's established business
    relationship (docs/rules.md A5). A friend is called on their own invitation, which `_purpose` asks for."""
    scrubbed = case.facts.scrubbed_on
    if not case.by_phone:
        return
    if scrubbed is None:
        invited = case.facts.consent == "written" or case.facts.friend_opted_in is not None
        if not invited and not _visited_lately(case):
            yield Reason.SCRUB_OLDER_31D
        return
    # The latest day it is anywhere among the places: the list is then at its oldest.
    old = (max(case.days) - scrubbed).days
    # A day ahead may be today in the agency's zone; more than that is not believed.
    if not -1 <= old <= case.rules.limit("scrub_days", case.states, case.day):
        yield Reason.SCRUB_OLDER_31D


def _visited_lately(case: _Case) -> bool:
    seen, last = case.facts.last_visit_on, max(case.days)
    if seen is None or seen > last + timedelta(days=1):
        return False
    return last <= months_after(seen, case.rules.limit("relation_months", case.states, case.day))


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the last of that month where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    length = monthrange(day.year + years, month + 1)[1]
    return date(day.year + years, month + 1, min(day.day, length))


def _person(case: _Case) -> Iterator[Reason]:
    facts = case.facts
    if facts.deceased is None:
        yield Reason.STORE_UNREADABLE
    elif facts.deceased:
        yield Reason.DECEASED
    adult = case.rules.limit("adult_years", case.states, case.day)
    if facts.birth_date and age(facts.birth_date, case.day) < adult:
        yield Reason.MINOR


def _practice(case: _Case) -> Iterator[Reason]:
    if not case.facts.baa:
        yield Reason.NO_BAA
    if case.facts.practice != "active":
        yield Reason.PRACTICE_PAUSED


def _consent(case: _Case) -> Iterator[Reason]:
    match case.facts.consent:
        case None | "written":
            return
        case "verbal":
            if case.by_phone and case.rules.applies("written_consent", case.states, case.day):
                yield Reason.NO_CONSENT_CHANNEL
        case "other_seller":
            yield Reason.CONSENT_OTHER_SELLER
        case _:
            yield Reason.NO_CONSENT_CHANNEL


def _purpose(case: _Case) -> Iterator[Reason]:
    facts = case.facts
    if facts.basis not in ("own_service", "authorization"):
        yield Reason.BASIS_MISSING
    if facts.friend_opted_in is False:
        yield Reason.FRIEND_NOT_OPTED_IN
    if facts.loop_level is None or facts.loop_level > (facts.loop_consent or 0):
        yield Reason.LOOP_CONSENT_MISSING
    if facts.incentive is not False and case.rules.applies("incentive_forbidden", case.states, case.day):
        yield Reason.INCENTIVE_FORBIDDEN_STATE


def _text(case: _Case) -> Iterator[Reason]:
    facts, wordless = case.facts, case.channel is Channel.CALL
    if case.channel is Channel.SMS and not facts.campaign_registered:
        yield Reason.CAMPAIGN_UNREGISTERED
    if facts.text_has_phi or (facts.text_has_phi is None and not wordless):
        yield Reason.TEXT_HAS_PHI
    if facts.text_approved is False or (facts.text_approved is None and not wordless):
        yield Reason.TEXT_NOT_APPROVED


def _lock(case: _Case) -> Iterator[Reason]:
    if not case.facts.lock_held:
        yield Reason.LOCK_LOST


CHECKS: tuple[Check, ...] = (
    _hours,
    _cap,
    _suppressed,
    _unread,
    _scrub,
    _person,
    _practice,
    _consent,
    _purpose,
    _text,
    _lock,
)
