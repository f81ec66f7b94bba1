"""Taking the next task: promises first, then the practice that is owed most, then its best moment; and the law last and
always.

`next_task` (ops/queue/claim.sql) finds and locks it in one round trip, with all the gate asks about; the gate answers
here, inside the transaction; a second round trip gives the task to the agent, charges its practice and writes
down why. With BEGIN and COMMIT that makes four. What the gate refuses is shut until its opening, and the next one is
looked at.
"""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.config import settings
from ops.contact import asking
from ops.contact.facts import Decision, Reason
from ops.db import db
from ops.isolated import each_within
from ops.queue import candidate
from ops.queue.actions import moves, promises, shares, tasks
from ops.queue.candidate import Connection, Found
from ops.queue.models import Task
from ops.queue.order import Band
from ops.work.states import EventKind, TaskState

LOOKS = 500
"""How many candidates the gate refuses before one claim says "nothing now": more than a practice whose BAA ran out has
waiting, or nobody would get at the work behind them."""


CLAIMS = 7034100
"""The first half of the advisory lock of an agent's claims; the second is the agent (claim.sql)."""


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
    found = candidate.with_address(connection, found, now)
    decision, facts = candidate.ask(found, now)
    # a number that is not there has no visit to rest on: the gate's word about that is not the reason to show
    lacks_number = not found.phone and set(decision.reasons) == {Reason.SCRUB_OLDER_31D}
    # that they had their two contacts today keeps nobody from reading what they wrote; their number stays covered
    to_read = found.is_read and set(decision.reasons) == {Reason.CAP_24H}
    if not decision.allow and not lacks_number and not to_read:
        return Refusal(found.task_id, now, decision, facts, None)
    if why_not := candidate.hindrance(found):
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
            "why": json.dumps(candidate.why(found, decision)),
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
