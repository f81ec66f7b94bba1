"""A promise that cannot be kept ends with a human: it is told in the task's story, and stands on the board's list.

Nothing moves it without that: whoever shuts or cancels a promised call says so here first, and the minute's upkeep
looks at each promise as its time comes near.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.db import Moment, db
from ops.isolated import awake
from ops.practices.models import Patient, Practice
from ops.queue import keeping, waiting
from ops.queue.actions import moves
from ops.queue.models import Task, TaskEvent
from ops.queue.people import person_of
from ops.queue.promises import Possible, possible
from ops.work.kinds import Kind
from ops.work.reasons import Waits
from ops.work.states import EventKind, TaskState

AHEAD = timedelta(hours=2)
"""How long before its time a promise is looked at: while somebody can still tell the person."""
LATE = timedelta(hours=1)
"""After its time a promise that nobody took is one that was not kept."""
NOBODY_OFFERED = (Waits.PRACTICE_NOT_ACTIVE, Waits.KIND_PAUSED, Waits.NOBODY_MAY)


def is_promise(task: Task) -> bool:
    """Whether a call was agreed; that a reply is to be read by then is no promise of a call."""
    return task.promised_at is not None and (task.kind is not Kind.REPLY or task.tries > 0)


def tell_broken(task: Task, why: Iterable[str]) -> None:
    """A waiting promise cannot be kept, for these reasons; with when the call can be made instead, if that is known.
    Told once of each promise; of what is no promise, nothing."""
    if not is_promise(task) or task.state is not TaskState.WAITING or _told(task):
        return
    assert task.promised_at
    until = _possible(task, max(task.promised_at, clock.now())).at
    facts = {"promised_at": task.promised_at.isoformat(), "reasons": list(why)}
    moves.move(task, EventKind.PROMISE_BROKEN, "gate", **facts, until=until.isoformat() if until else None)


def _possible(task: Task, asked: datetime) -> Possible:
    practice, patient = db.session.get_one(Practice, task.practice_id), db.session.get_one(Patient, task.patient_id)
    return possible(task, practice, person_of(task, patient), asked)


PROMISED_AT = sa.cast(TaskEvent.facts["promised_at"].astext, Moment)


def _of_this_promise() -> sa.ColumnElement[bool]:
    broken = (TaskEvent.task_id == Task.id, TaskEvent.kind == EventKind.PROMISE_BROKEN)
    return sa.exists().where(*broken, Task.promised_at == PROMISED_AT)


def _told(task: Task) -> bool:
    db.session.flush()
    return bool(db.session.scalar(sa.select(_of_this_promise()).select_from(Task).where(Task.id == task.id)))


def coming_up(limit: int) -> list[int]:
    """Promises whose time is near or over, and of which nobody was told yet that they cannot be kept."""
    agreed = sa.or_(Task.kind != Kind.REPLY, Task.tries > 0)
    near = (Task.state == TaskState.WAITING, Task.promised_at < clock.now() + AHEAD, agreed)
    query = sa.select(Task.id).where(*near, ~_of_this_promise(), awake("look at promises", Task.id))
    return list(db.session.scalars(query.order_by(Task.promised_at).limit(limit)))


def look_at(task_id: int) -> None:
    """Can this promise be kept? If not, tell it."""
    task = db.session.get(Task, task_id, with_for_update={"skip_locked": True}, populate_existing=True)
    if task is None or task.state is not TaskState.WAITING or task.promised_at is None:
        return
    now = clock.now()
    asked = max(task.promised_at, now)
    then = _possible(task, asked)
    if then.at is None or then.at > asked + keeping.PROMISED_BY:
        tell_broken(task, then.against)
    elif why := _not_offered(task, now - task.promised_at):
        tell_broken(task, why)


def _not_offered(task: Task, late: timedelta) -> list[str]:
    """What keeps it from whoever it is for, beside the gate."""
    codes = [
        wait.code for pile in waiting.piles(task_ids=[task.id]) for each in waiting.hindrances(pile) for wait in each
    ]
    if found := [code for code in codes if code in NOBODY_OFFERED]:
        return found
    if late > LATE:
        return codes or [Waits.LATE]
    return []
