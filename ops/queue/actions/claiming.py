"""Taking the next task: promises first, then the practice that is owed most, then its best moment; and the law last and
always.

`next_task` (ops/queue/claim.sql) finds and locks it in one round trip, with all the gate asks about; the gate answers
here, inside the transaction; a second round trip gives the task to the agent, charges its practice and writes
down why. With BEGIN and COMMIT that makes four. What the gate refuses is shut until its opening, and the next one is
looked at.
"""

import json
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa

from ops import clock
from ops.config import settings
from ops.contact import asking, gate
from ops.contact.facts import Decision, Reason
from ops.crypto import contact_key
from ops.db import db
from ops.isolated import each_within
from ops.queue import rank as queue_rank
from ops.queue.actions import moves, promises, shares, tasks
from ops.queue.models import Task
from ops.queue.order import Band
from ops.work.kinds import Kind
from ops.work.reasons import Waits
from ops.work.states import EventKind, TaskState

LOOKS = 500
"""How many candidates the gate refuses before one claim says "nothing now": more than a practice whose BAA ran out has
waiting, or nobody would get at the work behind them."""


BY_ADDRESS = """
SELECT suppressions, unread FROM contact_known(%(practice)s, NULL, %(key)s, 'call', %(at)s, NULL)
"""
"""What stands against calling a friend that is known by their address alone."""


CLAIMS = 7034100
"""The first half of the advisory lock of an agent's claims; the second is the agent (claim.sql)."""


Connection = psycopg.Connection[tuple[Any, ...]]


NEXT = """
SELECT next_task(%(agent)s, %(at)s, %(actor)s, %(refused)s::bigint[])
WHERE NOT EXISTS (SELECT FROM breaks b WHERE b.user_id = %(agent)s AND b.ended_at IS NULL)
"""
"""Nothing for who is on a break. No round trip of its own: it is asked on the way."""


TAKE = f"""
WITH taken AS ({moves.TAKEN}), told AS ({moves.TOLD}), charged AS (
    UPDATE shares SET minutes_charged = minutes_charged + %(estimate)s,
        virtual_time = virtual_time + %(estimate)s / greatest((hours * weight)::float, {shares.NO_CONTRACT_HOURS}),
        served_at = CASE WHEN %(band)s = {Band.FAIR} THEN %(at)s ELSE served_at END
    WHERE practice_id = (SELECT practice_id FROM taken)
)
INSERT INTO gate_decisions (at, practice_id, subject, allow, reasons, facts, rules_version)
SELECT %(at)s, practice_id, 'task:' || id, %(allow)s, %(reasons)s::jsonb, %(facts)s::jsonb, %(rules)s FROM taken
"""  # noqa: S608 (our own words)


class Claimed(NamedTuple):
    """A task an agent has in progress, as much as the caller needs to go on."""

    id: int
    practice_id: int
    patient_id: int
    fence: int
    lease_until: datetime


class Refusal(NamedTuple):
    """The one that came next may not be called now: the gate's answer with its facts, or what the queue has against
    it."""

    task_id: int
    at: datetime
    decision: Decision
    facts: dict[str, Any]
    why_not: str | None


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


def claim_next(connection: Connection, agent_id: int, actor: str, refused: list[Refusal]) -> Claimed | Refusal | None:
    """The task that is right for this agent now, given to them; the one they already hold; None when there is
    nothing.

    A `Refusal` when the gate, or the queue, said no to the one that came next: nothing was changed, the caller puts it
    off (`shut`) and asks again with it among `refused`. Everything is true when the transaction of `connection`
    ends, and that holds nothing before this: it may wait for somebody else's claim. Edges use `jobs.next_for`.
    """
    now = clock.now()
    asked = {"agent": agent_id, "at": now, "actor": actor, "refused": [each.task_id for each in refused]}
    (answer,) = connection.execute(NEXT, asked).fetchone() or (None,)
    if answer is None:
        return None
    if "in_progress" in answer:
        return Claimed(
            answer["in_progress"],
            answer["practice_id"],
            answer["patient_id"],
            answer["fence"],
            datetime.fromisoformat(answer["lease_until"]),
        )
    return _take(connection, Found(**answer.pop("about"), **answer), agent_id, actor, now)


def one_at_a_time(agent_id: int) -> None:
    """Until the end of the transaction nothing else is given to this agent (the lock of `next_task`)."""
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(CLAIMS, agent_id)))


def _take(connection: Connection, found: Found, agent_id: int, actor: str, now: datetime) -> Claimed | Refusal:
    """Ask the gate and give the task to the agent."""
    found = _with_address(connection, found, now)
    decision, facts = _ask(found, now)
    # a number that is not there has no visit to rest on: the gate's word about that is not the reason to show
    lacks_number = not found.phone and set(decision.reasons) == {Reason.SCRUB_OLDER_31D}
    # that they had their two contacts today keeps nobody from reading what they wrote; their number stays covered
    to_read = found.is_read and set(decision.reasons) == {Reason.CAP_24H}
    if not decision.allow and not lacks_number and not to_read:
        return Refusal(found.task_id, now, decision, facts, None)
    if why_not := _hindrance(found):
        return Refusal(found.task_id, now, decision, facts, why_not)
    lease_until = now + timedelta(minutes=settings().lease_minutes)
    taken = connection.execute(
        TAKE,
        {
            "agent": agent_id,
            "actor": actor,
            "at": now,
            "lease_until": lease_until,
            "version": found.script_version_id,
            "task": found.task_id,
            "fence": found.fence,
            "estimate": found.estimate_minutes,
            "band": found.band,
            "why": json.dumps(_why(found, decision)),
            "allow": decision.allow,
            "reasons": json.dumps(decision.reasons),
            "facts": json.dumps(facts),
            "rules": decision.rules_version,
        },
    )
    if not taken.rowcount:
        raise tasks.LeaseLost("Somebody has taken this task in the same moment. Please press again.")
    return Claimed(found.task_id, found.practice_id, found.patient_id, found.fence + 1, lease_until)


def shut(refusal: Refusal) -> None:
    """Shut what the gate or the queue refused, and keep the gate's answer; nothing when it was moved meanwhile."""
    task = db.session.get(Task, refusal.task_id, with_for_update=True, populate_existing=True)
    if task is None or task.state is not TaskState.WAITING:
        return
    if refusal.why_not:
        promises.tell_broken(task, [refusal.why_not])
        tasks.wait_until(task, refusal.at + TOMORROW, [refusal.why_not])
    else:
        asking.keep(refusal.decision, refusal.facts, refusal.at, task.practice_id, f"task:{task.id}")
        promises.tell_broken(task, map(str, refusal.decision.reasons))
        tasks.shut(task, refusal.decision)


def _with_address(connection: Connection, found: Found, now: datetime) -> Found:
    """With what is known of a friend by their address too; nothing is asked for anybody else."""
    if not found.friend_email:
        return found
    asked = {"practice": found.practice_id, "key": contact_key(found.friend_email), "at": now}
    against, unread = connection.execute(BY_ADDRESS, asked).fetchone() or (None, False)
    both = [*(found.suppressions or ()), *(against or ())]
    return found._replace(suppressions=both or None, unread=found.unread or unread)


def _ask(found: Found, now: datetime) -> tuple[Decision, dict[str, Any]]:
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


def _hindrance(found: Found) -> str | None:
    """What only the queue knows against this call, beside the gate."""
    if not found.phone:
        return Waits.NO_NUMBER
    if found.person_attempts >= settings().attempts_per_person:
        return Waits.PERSON_LIMIT
    return None


def _why(found: Found, decision: Decision) -> dict[str, Any]:
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


def heartbeat(task_id: int, agent_id: int, fence: int) -> Task:
    """A sign of life from the page: the lease starts again, and never ends earlier for it. Raises LeaseLost."""
    task = tasks.held(task_id, agent_id, fence)
    until = clock.now() + timedelta(minutes=settings().lease_minutes)
    moves.hold_on(task, max(until, task.lease_until or until))  # the clock of this web may be behind another's
    return task


def return_expired() -> int:
    """Give every task whose lease ran out back to the queue, its age kept; how many."""
    expired = db.session.scalars(
        sa.select(Task)
        .where(Task.state == TaskState.CLAIMED, Task.lease_until < clock.now())
        .order_by(Task.practice_id, Task.id)  # ledger rows in one order, as the upkeep takes them
        .with_for_update(skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()
    found = {task.id: task for task in expired}
    return each_within("return expired leases", found, _return, owner=Task.practice_id)


def _return(task: Task) -> None:
    tasks.give_back(task, EventKind.LEASE_EXPIRED, "tick", held_by=task.held_by)


TOMORROW = timedelta(hours=24)
