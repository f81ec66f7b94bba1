"""The task that `next_task` (claim.sql) found for an agent: what the gate and the queue have against it, and why it was
this one."""

from datetime import date, datetime
from typing import Any, NamedTuple

import psycopg

from ops.config import settings
from ops.contact import asking, gate
from ops.contact.facts import Decision, Reason
from ops.crypto import contact_key
from ops.queue import rank as queue_rank
from ops.queue.order import Band
from ops.work.kinds import Kind
from ops.work.reasons import Waits

Connection = psycopg.Connection[tuple[Any, ...]]


BY_ADDRESS = """
SELECT suppressions, unread FROM contact_known(%(practice)s, NULL, %(key)s, 'call', %(at)s, NULL)
"""
"""What stands against calling a friend that is known by their address alone."""


class Found(NamedTuple):
    """What `next_task` answers: the candidate, what decided, and what the gate asks. Moments and days are ISO text."""

    task_id: int
    band: int
    practice_id: int
    patient_id: int
    referral_id: int | None
    kind: str
    fence: int
    estimate_minutes: float
    rank: float
    lane_id: int
    decided_at: str | None
    """The promise's deadline, or when it was assigned."""
    passed: list[int]
    created_at: str
    ranked_at: str
    opens_at: str | None
    peaks_at: str | None
    closes_at: str | None
    phone: str | None
    state: str | None
    zip: str | None
    stated_zone: str | None
    birth_date: str | None
    deceased: bool
    suppressions: list[str] | None
    attempts: int
    consent: bool | None
    status: str
    baa_on: str | None
    dealt_on: str | None
    unread: bool
    """Whether they wrote what nobody has read, but for what is read on this very card."""
    is_read: bool
    """Whether there is something of theirs to be read on this card."""
    zone: str
    person_attempts: int
    script_version_id: int | None
    friend_email: str | None
    """Of a friend with a number too: what stands against the address is asked with it."""
    virtual_time: float | None = None
    """How far its practice was; this and the next four only where it was the practice's turn."""
    second_task: int | None = None
    second_rank: float | None = None
    next_practice: int | None = None
    next_virtual_time: float | None = None


class _Caller(NamedTuple):
    """Whom the call would reach, as the gate wants them."""

    phone: str | None
    state: str | None
    zip: str | None
    stated_zone: str | None
    birth_date: date | None
    deceased: bool
    email: str | None = None
    phone_key: bytes | None = None
    email_key: bytes | None = None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def with_address(connection: Connection, found: Found, now: datetime) -> Found:
    """With what is known of a friend by their address too; nothing is asked for anybody else."""
    if not found.friend_email:
        return found
    asked = {"practice": found.practice_id, "key": contact_key(found.friend_email), "at": now}
    against, unread = connection.execute(BY_ADDRESS, asked).fetchone() or (None, False)
    both = [*(found.suppressions or ()), *(against or ())]
    return found._replace(suppressions=both or None, unread=found.unread or unread)


def ask(found: Found, now: datetime) -> tuple[Decision, dict[str, Any]]:
    """The gate's answer about this candidate, and the facts as they are kept. Any failure on the way is a no."""
    try:
        person: asking.Person = (
            asking.ReferredPerson(phone=found.phone, opted_in=True)
            if found.referral_id
            else _Caller(
                found.phone,
                found.state,
                found.zip,
                found.stated_zone,
                _day(found.birth_date),
                found.deceased,
            )
        )
        known = asking.Known(
            found.suppressions,
            found.attempts,
            found.consent,
            found.status,
            _day(found.baa_on),
            _day(found.dealt_on),
            found.unread,
        )
        # `next_task` has locked the row until the end of this transaction
        facts = asking.facts_from(person, known, "call", now, found.zone, text=asking.NO_TEXT, lock_held=True)
        decision = gate.decide(facts, now)
        return decision, asking.kept_facts(facts, decision)
    except Exception as problem:  # whatever it was, nobody has said yes
        asking.log.error("gate_unanswered", error=type(problem).__name__)
        return Decision(False, (Reason.STORE_UNREADABLE,), (), None, None, "unread"), {}


def hindrance(found: Found) -> str | None:
    """What only the queue knows against this call, beside the gate."""
    if not found.phone:
        return Waits.NO_NUMBER
    if found.person_attempts >= settings().attempts_per_person:
        return Waits.PERSON_LIMIT
    return None


def why(found: Found, decision: Decision) -> dict[str, Any]:
    """What decided this claim, as it is kept and replayed: the chosen one, what came second, and who was passed over
    because somebody else was claiming for them."""
    chosen: dict[str, Any] = {
        "band": found.band,
        "task_id": found.task_id,
        "practice_id": found.practice_id,
        "rank": found.rank,
        "lane_id": found.lane_id,
    }
    second: dict[str, Any] | None = None
    if found.band == Band.FAIR:
        chosen["virtual_time"] = found.virtual_time
        if found.second_task:
            second = chosen | {"task_id": found.second_task, "rank": found.second_rank}
    elif found.decided_at:
        chosen["at"] = found.decided_at
    why: dict[str, Any] = {"chosen": chosen, "rules": decision.rules_version}
    why["rank_parts"] = _rank_parts(found)
    if second:
        why["second"] = second
    if found.next_practice:
        why["next_practice"] = {"practice_id": found.next_practice, "virtual_time": found.next_virtual_time}
    if found.passed:
        why["passed"] = found.passed
    if decision.window:
        why["may_call_until"] = decision.window[1].isoformat()
    return why


def _rank_parts(found: Found) -> dict[str, float]:
    """What the rank was made of when it was worked out; a fresh good word is what the other parts leave over."""
    moments = (found.ranked_at, found.created_at, found.opens_at, found.peaks_at, found.closes_at)
    ranked_at, created_at, *curve = (datetime.fromisoformat(text) for text in moments if text)
    days = (curve[0], curve[1], curve[2]) if len(curve) == 3 else None
    parts = queue_rank.rank_parts(Kind(found.kind), ranked_at, days, created_at)
    parts["word"] = round(found.rank - sum(parts.values()), 3)
    return {name: value for name, value in parts.items() if value}
