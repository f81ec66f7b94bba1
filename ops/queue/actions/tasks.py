"""The verbs of a task: open, shut, give back, try again, finish, cancel. `moves` writes the state and its event."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.accounts.reads import last_shown
from ops.contact.actions import record_contact
from ops.contact.facts import Decision
from ops.contact.gate import FOR_GOOD
from ops.db import db
from ops.errors import Refused
from ops.practices.humans import ids_of, records_of
from ops.practices.models import Patient
from ops.queue import keeping, presence, queries, rank
from ops.queue.actions import lanes, moves, shares
from ops.queue.actions.moves import LeaseLost
from ops.queue.models import Attempt, CadenceRun, NotOffered, Task
from ops.work.kinds import Kind
from ops.work.outcomes import TALKS
from ops.work.skips import Skip, meant
from ops.work.states import EventKind, RunState, TaskState

LOOK_AGAIN = timedelta(hours=1)
"""When a block has no opening of its own (a cap), the gate is asked again after this long."""
SKIPPED_FOR = timedelta(minutes=30)
URGENT_SKIPPED_FOR = timedelta(minutes=2)
LONGEST_SNOOZE = timedelta(days=30)


def open_task(
    *,
    practice_id: int,
    patient_id: int,
    kind: Kind,
    reason: str,
    actor: str,
    run: CadenceRun | None = None,
    referral_id: int | None = None,
    ready_at: datetime | None = None,
    promised_at: datetime | None = None,
    max_tries: int = 3,
    urgent: bool = False,
) -> Task:
    """Put a piece of human work into the queue: it may be offered from `ready_at` (now) on."""
    now = clock.now()
    curve = (run.opens_at, run.peaks_at, run.closes_at) if run else None
    task = moves.new(
        practice_id=practice_id,
        patient_id=patient_id,
        referral_id=referral_id,
        run_id=run.id if run else None,
        kind=kind,
        reason=reason,
        created_at=now,
        ready_at=ready_at or now,
        closes_at=run.closes_at if run else None,
        promised_at=promised_at,
        urgent=urgent,
        rank=rank.rank(kind, now, curve),
        ranked_at=now,
        estimate_minutes=rank.ESTIMATE_MINUTES[kind],
        max_tries=max_tries,
    )
    lanes.place(task, db.session.get_one(Patient, patient_id))
    prefer(task)
    lanes.enter(task, actor)
    return task


def prefer(task: Task, ready_at: datetime | None = None) -> None:
    """Who spoke to the patient last, on any record of theirs, gets the task first, for `keeping.SPOKE_LAST` after it
    is due; then anybody. Who is away gets nothing that is due now."""
    due = ready_at or task.ready_at
    spoke = _spoke_last(task) if task.referral_id is None else None  # the friend is somebody else
    first = spoke if spoke and (due > clock.now() or presence.is_present(spoke)) else None
    task.owner_id, task.owner_until = first, due + keeping.SPOKE_LAST if first else None


def _spoke_last(task: Task) -> int | None:
    records = ids_of(task.practice_id, task.patient_id)
    known = sa.or_(NotOffered.patient_id.in_(records), NotOffered.person_key == task.person_key)
    with db.session.no_autoflush:  # the task itself is written once, when all is set
        return db.session.scalar(
            sa.select(Attempt.agent_id)
            .join(User, User.id == Attempt.agent_id)
            .where(
                Attempt.patient_id.in_(records),
                Attempt.outcome.in_(TALKS),
                Attempt.at > clock.now() - keeping.REMEMBERED,
                User.active,
                ~sa.exists().where(NotOffered.user_id == Attempt.agent_id, known),
            )
            .order_by(Attempt.at.desc(), Attempt.id.desc())
            .limit(1)
        )


def shut(task: Task, decision: Decision) -> None:
    """The gate said no: offer the task again when its window opens, or cancel it when it never will.

    Its cadence is due then: the next step finds out by which other way they may be contacted, if by any. What is
    missing in our own house (a BAA, a table of the law) cancels nothing: it passes when somebody mends it.
    """
    reasons = [str(reason) for reason in decision.reasons]
    if FOR_GOOD.intersection(decision.reasons):
        task.shut_reasons = reasons  # the practice's report tells why, and may not read the events
        cancel(task, "gate", f"May not be contacted: {', '.join(reasons)}", reasons=reasons)
        if task.run_id:
            go_on(db.session.get_one(CadenceRun, task.run_id, with_for_update=True, populate_existing=True))
    else:
        now = clock.now()
        opens = decision.opens_at if decision.opens_at and decision.opens_at > now else now + LOOK_AGAIN
        wait_until(task, opens, reasons)


def go_on(run: CadenceRun) -> None:
    """Its call will not be made: the step it is at is looked at again, which says by which way it goes on."""
    if run.state is RunState.RUNNING:
        run.next_at = clock.now()


def wait_until(task: Task, moment: datetime, reasons: list[str]) -> None:
    """A waiting task is not offered before the moment, for these reasons."""
    task.ready_at, task.shut_reasons, task.offered = moment, reasons, False
    moves.move(task, EventKind.SHUT, "gate", reasons=reasons, until=moment.isoformat())


def ask_again(task: Task) -> None:
    """What the gate said of a waiting task may not stand any more: it is asked again when the task is due next."""
    now = clock.now()
    task.ready_at, task.shut_reasons = max(task.promised_at or now, now), None
    lanes.offer(task)


def held(task_id: int, agent_id: int, fence: int) -> Task:
    """The task, locked, if this agent still holds it under this fencing number. Raises LeaseLost otherwise."""
    task = db.session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if not task or task.state is not TaskState.CLAIMED or task.held_by != agent_id or task.fence != fence:
        raise LeaseLost("This task is not yours any more: its lease ran out, or a lead released it. Nothing was saved.")
    return task


def give_back(task: Task, kind: EventKind, actor: str, *, ready_at: datetime | None = None, **facts: Any) -> None:
    """Into the queue again, with no holder, its age kept. The minutes charged at the claim are credited."""
    _count_if_shown(task)
    task.owner_id = task.owner_until = None  # whoever had it lets it go: it is anybody's
    _let_go(task, ready_at or task.ready_at)
    moves.move(task, kind, actor, **facts)
    shares.charge(task.practice_id, -float(task.estimate_minutes))
    _into_lane(task)


def _count_if_shown(task: Task) -> None:
    """A card left without an outcome: who was shown its number may have called it, so it counts toward the caps."""
    if task.held_by is None or task.claimed_at is None:
        return
    shown = last_shown(task.held_by, task.practice_id, task.patient_id, task.id, task.claimed_at)
    if shown:
        record_contact(shown, task.practice_id, "call")


def _let_go(task: Task, ready_at: datetime) -> None:
    task.handed_at = task.shut_reasons = None
    task.ready_at = ready_at


def _into_lane(task: Task) -> None:
    if task.lane_id is None:  # whom it calls has moved while it was in progress
        lanes.fit(task, db.session.get_one(Patient, task.patient_id))
    else:
        lanes.offer(task)


def release(task_id: int, agent_id: int, fence: int, actor: str) -> None:
    """The agent stops for now; somebody else gets the task. Raises LeaseLost."""
    give_back(held(task_id, agent_id, fence), EventKind.RELEASED, actor)


def leave_card(user_id: int, why: str, actor: str) -> None:
    """Their open card, if any, goes back into the queue: they went and do not finish it."""
    if theirs := queries.task_of(user_id):
        give_back(held(theirs.id, user_id, theirs.fence), EventKind.RELEASED, actor, why=why)


def skip(task_id: int, agent_id: int, fence: int, actor: str, reason: str, means: Skip | None = None) -> None:
    """Not this one, for a reason that lasts as it says (`Skip`); what was only written is read (`skips.meant`).

    Raises Refused without a reason, LeaseLost.
    """
    reason = reason.strip()[:500]
    if not reason and means is None:
        raise Refused("Please say why you skip this task.")
    task, why = held(task_id, agent_id, fence), means or meant(reason)
    if why.for_others:
        never_again(task, agent_id, knows=why is Skip.KNOWS)
    ready_at = None if why.for_others else clock.now() + (URGENT_SKIPPED_FOR if task.urgent else SKIPPED_FOR)
    said = ": ".join(each for each in (why.words, reason) if each)
    give_back(task, EventKind.SKIPPED, actor, ready_at=ready_at, reason=said, means=why)
    if why.for_others:
        mine = "t.owner_id = :user AND t.id IN (SELECT n.task_id FROM not_for n WHERE n.user_id = :user)"
        moves.let_go(mine, why.words, actor, wait=True, user=agent_id)


def never_again(task: Task, agent_id: int, *, knows: bool) -> None:
    """This agent is never offered the task again; `knows`: nor anything else about whom it calls, on any record."""
    row = {"user_id": agent_id, "practice_id": task.practice_id, "task_id": task.id, "at": clock.now()}
    about: list[dict[str, Any]] = [{}]
    if knows:
        about = [{"person_key": task.person_key}]
        if task.referral_id is None:  # else it is the friend whom they know
            theirs = records_of(task.practice_id, task.patient_id)
            about = [{"patient_id": each.patient_id, "person_key": each.phone_key} for each in theirs]
    db.session.add_all(NotOffered(**row, **each) for each in about)
    db.session.flush()


def snooze(task_id: int, agent_id: int, fence: int, actor: str, until: datetime) -> None:
    """Later today or another day. Raises Refused for a moment in the past, after the task's days or more
    than 30 days away, LeaseLost."""
    task = held(task_id, agent_id, fence)
    if until <= clock.now():
        raise Refused("Please choose a moment in the future.")
    if task.closes_at and until >= task.closes_at:
        raise Refused("By then this contact makes no sense any more; choose an earlier day.")
    if until > clock.now() + LONGEST_SNOOZE:
        raise Refused("That is too far away; choose a day within the next 30.")
    give_back(task, EventKind.SNOOZED, actor, ready_at=until, until=until.isoformat())


def retry(task: Task, ready_at: datetime, actor: str, *, promised_at: datetime | None = None, **facts: Any) -> None:
    """Back into the queue after an attempt, to be made again at `ready_at`. The attempt's minutes stay charged."""
    if promised_at is None:
        prefer(task, ready_at)
    _let_go(task, ready_at)
    task.promised_at = promised_at
    moves.move(task, EventKind.RETRY, actor, ready_at=ready_at.isoformat(), **facts)
    _into_lane(task)


def finish(task: Task, actor: str, **facts: Any) -> None:
    """The work is done."""
    task.promised_at = None
    moves.move(task, EventKind.DONE, actor, **facts)


def cancel(task: Task, actor: str, why: str, **facts: Any) -> None:
    """The work makes no sense any more."""
    in_progress = task.state is TaskState.CLAIMED
    if in_progress:
        _count_if_shown(task)
    task.promised_at = None
    moves.move(task, EventKind.CANCELLED, actor, why=why, **facts)
    if in_progress:
        shares.charge(task.practice_id, -float(task.estimate_minutes))
