"""What goes on with somebody now: open tasks, cadences and when they come next, friends, concerns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.cadences.models import Cadence
from ops.concerns.models import Concern
from ops.db import db
from ops.practices.models import Patient
from ops.queue.models import CadenceRun, Task
from ops.queue.words import reasons_words
from ops.record.people import Human
from ops.referrals.models import Referral
from ops.work.kinds import KIND_WORDS
from ops.work.states import OPEN, RunState, TaskState


@dataclass(frozen=True)
class Going:
    """One piece of work that is not over. `next_at`: when something happens next; None: it is happening now."""

    what: str
    state: str
    next_at: datetime | None
    task_id: int | None = None
    cadence_id: int | None = None


def going_on(human: Human) -> list[Going]:
    """Open tasks and running cadences, what comes next first."""
    tasks = db.session.execute(
        sa.select(Task, User.name)
        .outerjoin(User, User.id == Task.held_by)
        .where(Task.practice_id == human.practice.id, Task.patient_id.in_(human.ids), Task.state.in_(OPEN))
        .order_by(Task.id)
        .limit(50)
    ).all()
    runs = db.session.execute(
        sa.select(CadenceRun, Cadence)
        .join(Cadence, Cadence.id == CadenceRun.cadence_id)
        .where(
            CadenceRun.practice_id == human.practice.id,
            CadenceRun.patient_id.in_(human.ids),
            CadenceRun.state == RunState.RUNNING,
            CadenceRun.next_at.is_not(None),
        )
        .order_by(CadenceRun.id)
        .limit(50)
    ).all()
    found = [_task(task, holder) for task, holder in tasks]
    found += [
        Going(cadence.name, f"step {run.position + 1} is next", run.next_at, cadence_id=cadence.id)
        for run, cadence in runs
    ]
    now = clock.now()
    return sorted(found, key=lambda each: each.next_at or now)


def _task(task: Task, holder: str | None) -> Going:
    friend = ", to the friend they sent" if task.referral_id else ""
    what = f"{KIND_WORDS[task.kind]}{friend}"
    if task.state is TaskState.CLAIMED:
        return Going(what, f"in progress: {holder}", None, task.id)
    return Going(what, _waits(task), task.promised_at or task.ready_at, task.id)


def _waits(task: Task) -> str:
    if task.promised_at:
        return "promised"
    if task.shut_reasons:
        return f"waits: {reasons_words(task.shut_reasons)}"
    return f"tried {task.tries} of {task.max_tries} times" if task.tries else "waits its turn"


@dataclass(frozen=True)
class Friend:
    """A referral they made, or by which they came; `other` is the friend, or who sent them."""

    referral: Referral
    other: str


def sent(human: Human) -> list[Friend]:
    """The friends they sent, newest first."""
    made = sa.select(Referral).where(Referral.practice_id == human.practice.id, Referral.referrer_id.in_(human.ids))
    rows = db.session.scalars(made.order_by(Referral.received_at.desc()).limit(50))
    return [Friend(referral, referral.friend_name) for referral in rows]


def came_from(human: Human) -> list[Friend]:
    """The referrals of a friend who is them, or has their number or address: by whom they came."""
    by = (
        sa.select(Referral, Patient)
        .join(Patient, sa.and_(Patient.practice_id == Referral.practice_id, Patient.id == Referral.referrer_id))
        .where(
            Referral.practice_id == human.practice.id,
            sa.or_(Referral.contact_key.in_(human.keys), Referral.patient_id.in_(human.ids)),
            Referral.referrer_id.not_in(human.ids),
        )
    )
    rows = db.session.execute(by.order_by(Referral.received_at).limit(20))
    return [Friend(referral, referrer.name) for referral, referrer in rows]


def concerns(human: Human) -> Sequence[Concern]:
    """What they were not happy about, newest first."""
    theirs = sa.select(Concern).where(Concern.practice_id == human.practice.id, Concern.patient_id.in_(human.ids))
    return db.session.scalars(theirs.order_by(Concern.raised_at.desc()).limit(50)).all()
