"""Taking the next task: promises first, then the practice that is owed most, then its best moment; and the law last and
always.

`claim_next` walks the practices from the one that is owed most, looks at the head of each, locks only the task it
takes, and asks the gate inside the same transaction. A task the gate refuses is put off to its opening, so it costs
nothing until then.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ops import clock
from ops.config import settings
from ops.contact.asking import may_contact
from ops.db import db
from ops.practices.models import Patient, Practice
from ops.queue.actions import hands, shares, tasks
from ops.queue.models import EventKind, Share, Task, TaskState
from ops.queue.people import person_of
from ops.scripts import queries as scripts
from ops.scripts.models import Medium

LOOKS = 60
"""How many refused or taken candidates one claim looks at before it says "try again"."""
OWNER_FIRST = timedelta(minutes=10)
"""How long a promised call waits for the agent who promised it."""

CANDIDATES = sa.text(
    """
    SELECT task_id, practice_id, band, virtual_time, rank, promised_at FROM (
        (SELECT t.id AS task_id, t.practice_id, 0 AS band, 0::float AS virtual_time, t.rank, t.promised_at
         FROM tasks t JOIN practices p ON p.id = t.practice_id AND p.status = 'active'
         WHERE t.state = 'waiting' AND t.promised_at IS NOT NULL AND t.ready_at <= :now AND t.id <> ALL (:tried)
           AND (t.promise_owner_id IS NULL OR t.promise_owner_id = :agent OR t.promised_at < :own_until)
           AND NOT EXISTS (SELECT FROM tasks h WHERE h.patient_id = t.patient_id AND h.state = 'claimed')
         ORDER BY t.promised_at, t.id LIMIT 2)
        UNION ALL
        (SELECT head.id, s.practice_id, 1, s.virtual_time, head.rank, NULL
         FROM shares s JOIN practices p ON p.id = s.practice_id AND p.status = 'active'
         CROSS JOIN LATERAL (
             SELECT t.id, t.rank FROM tasks t
             WHERE t.practice_id = s.practice_id AND t.state = 'waiting' AND t.promised_at IS NULL
               AND t.ready_at <= :now AND t.id <> ALL (:tried)
               AND NOT EXISTS (SELECT FROM tasks h WHERE h.patient_id = t.patient_id AND h.state = 'claimed')
             ORDER BY t.rank DESC, t.id LIMIT 1) head
         WHERE s.has_work
         ORDER BY s.virtual_time, s.practice_id LIMIT 2)
    ) AS found ORDER BY band, promised_at, virtual_time, practice_id
    """
).bindparams(sa.bindparam("tried", type_=sa.ARRAY(sa.BigInteger)))


def claim_next(agent_id: int, actor: str) -> Task | None:
    """The task that is right for this agent now, in their hands; the one they already hold; None when nothing may be
    done."""
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(7_034_100, agent_id)))
    in_hands = task_of(agent_id)
    if in_hands:
        return in_hands
    tried: list[int] = []
    busy: list[int] = []
    while len(tried) < LOOKS:
        found = _candidates(agent_id, tried)
        if not found:
            # somebody else's lock on the only candidates is not "nothing to do": wait for them once, but never with
            # a refused task in one's own lock, which they may be waiting for
            return _wait_for(busy, agent_id, actor) if len(busy) == len(tried) else None
        task = _lock(found[0]["task_id"])
        tried.append(found[0]["task_id"])
        if task is None:
            busy.append(tried[-1])
        elif _take(task, agent_id, actor, found):
            return task
    return None


def task_of(agent_id: int) -> Task | None:
    """The task this agent holds."""
    return db.session.scalars(sa.select(Task).where(Task.held_by == agent_id, Task.state == TaskState.CLAIMED)).first()


def _candidates(agent_id: int, tried: list[int]) -> list[dict[str, Any]]:
    now = clock.now()
    rows = db.session.execute(
        CANDIDATES, {"now": now, "agent": agent_id, "own_until": now - OWNER_FIRST, "tried": tried}
    )
    return [dict(row) for row in rows.mappings()]


def _lock(task_id: int, *, wait: bool = False) -> Task | None:
    return db.session.scalars(
        sa.select(Task)
        .where(Task.id == task_id, Task.state == TaskState.WAITING, Task.ready_at <= clock.now())
        .with_for_update(skip_locked=not wait),
        execution_options={"populate_existing": True},
    ).first()


def _wait_for(busy: list[int], agent_id: int, actor: str) -> Task | None:
    for task_id in sorted(busy)[:3]:  # all who wait do so in one order
        task = _lock(task_id, wait=True)
        if task:
            why = [{"task_id": task_id, "band": 1, "waited": True}]
            return task if _take(task, agent_id, actor, why) else None
    return None


def _take(task: Task, agent_id: int, actor: str, found: list[dict[str, Any]]) -> bool:
    """Ask the gate and put the task into the agent's hands; False when the gate, or another hand, was in the way."""
    practice = db.session.get_one(Practice, task.practice_id)
    patient = db.session.get_one(Patient, task.patient_id)
    now = clock.now()
    person = person_of(task, patient)
    decision = may_contact(person, practice, "call", now, f"task:{task.id}")
    if not decision.allow:
        tasks.put_off(task, decision)
        return False
    if why_not := hands.hindrance(task, person):
        tasks.wait_until(task, now + hands.LOOK_AGAIN, [why_not])
        return False
    version = scripts.published(practice.id, task.kind, Medium.CALL)
    try:
        with db.session.begin_nested():
            task.state = TaskState.CLAIMED
            task.held_by = agent_id
            task.claimed_at = now
            task.lease_until = now + timedelta(minutes=settings().lease_minutes)
            task.fence += 1
            task.shut_reasons = None
            task.script_version_id = version.id if version else None
    except IntegrityError:  # the patient came into other hands between our look and our claim
        db.session.refresh(task)
        return False
    shares.charge(task.practice_id, float(task.estimate_minutes))
    tasks.add_event(task, EventKind.CLAIMED, actor, **_why(found, decision.window, decision.rules_version))
    return True


def _why(found: list[dict[str, Any]], window: Any, rules_version: str) -> dict[str, Any]:
    """What decided this claim, as it is kept: the band, the virtual time and rank, and what came second."""
    chosen, second = found[0], found[1] if len(found) > 1 else None
    plain = lambda row: {key: str(value) for key, value in row.items() if value is not None}  # noqa: E731
    return {
        "chosen": plain(chosen),
        "second": plain(second) if second else None,
        "may_call_until": window[1].isoformat() if window else None,
        "rules": rules_version,
    }


def heartbeat(task_id: int, agent_id: int, fence: int) -> Task:
    """A sign of life from the page: the lease starts again. Raises LeaseLost."""
    task = tasks.held(task_id, agent_id, fence)
    task.lease_until = clock.now() + timedelta(minutes=settings().lease_minutes)
    return task


def return_expired() -> int:
    """Give every task whose lease ran out back to the queue, its age kept; how many."""
    expired = db.session.scalars(
        sa.select(Task)
        .where(Task.state == TaskState.CLAIMED, Task.lease_until < clock.now())
        .with_for_update(skip_locked=True)
    ).all()
    for task in expired:
        tasks.give_back(task, EventKind.LEASE_EXPIRED, "tick", held_by=task.held_by)
    return len(expired)


def owed_order() -> list[Share]:
    """The practices that have work, the one owed most first."""
    return list(db.session.scalars(sa.select(Share).where(Share.has_work).order_by(Share.virtual_time)))
