"""The one writer of what tasks and cadence runs have come to: their state, who holds a task, and when it ended.

`states.MOVES` says which moves are legal. Each is a compare-and-set: the row is written only if it is still as the
caller read it, state and fencing number; and its event is written in the same breath, so the events explain the state.
A move that comes too late, or that is not in the table, is refused. The verbs with their reasons are in `tasks`.
"""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.queue.models import CadenceRun, Task, TaskEvent
from ops.work.endings import Ending
from ops.work.states import MOVES, EventKind, RunState, TaskState

COLUMNS = {
    "tasks": frozenset({"state", "held_by", "claimed_at", "lease_until", "fence", "finished_at"}),
    "cadence_runs": frozenset({"state", "ended_at", "end_reason", "end_outcome", "end_words"}),
}
"""What is written here and nowhere else."""


class LeaseLost(Refused):
    """The task is not held any more by whoever tries to change it."""


class Holder(NamedTuple):
    """Who holds a task that is in progress, and for how long. `claimed_at`: since when its minutes count."""

    agent_id: int
    claimed_at: datetime
    lease_until: datetime


def new(**columns: Any) -> Task:
    """A new task, not in the queue yet; `columns` are all of it but its state."""
    return Task(state=MOVES[EventKind.OPENED].leads[None], **columns)


def put_in(task: Task, actor: str) -> None:
    """This new task waits from now on."""
    db.session.add(task)
    db.session.flush()
    _tell(task, EventKind.OPENED, actor, {"reason": task.reason})


def move(task: Task, event: EventKind, actor: str, /, **facts: Any) -> None:
    """Move the task, with whatever else was set on it before, and append the event.

    Raises Refused when the event cannot happen to a task in this state, and LeaseLost when the row is not any more as
    it was read: somebody else moved it.
    """
    _move(task, event, actor, None, facts)


def move_to_holder(task: Task, event: EventKind, actor: str, holder: Holder, /, **facts: Any) -> None:
    """`move` for an event after which somebody holds the task, under a new fencing number."""
    _move(task, event, actor, holder, facts)


def _move(task: Task, event: EventKind, actor: str, holder: Holder | None, facts: dict[str, Any]) -> None:
    was, becomes = task.state, MOVES[event].leads.get(task.state)
    if becomes is None or (becomes is not was and (becomes is TaskState.CLAIMED) != (holder is not None)):
        raise Refused(f"This task is {was}, so this cannot be done with it now.")
    values = {} if becomes is was else _columns(task, becomes, holder)
    if not _compare_and_set(task, values, Task.state == was, Task.fence == task.fence):
        raise LeaseLost("Somebody has moved this task in the meantime. Nothing was saved.")
    _tell(task, event, actor, facts)


def _columns(task: Task, becomes: TaskState, holder: Holder | None) -> dict[str, Any]:
    """What goes with a state."""
    free = {"state": becomes, "offered": False, "held_by": None, "lease_until": None}
    match becomes:
        case TaskState.WAITING:
            return free | {"claimed_at": None, "finished_at": None}
        case TaskState.CLAIMED:
            assert holder, "a task in progress has a holder"
            theirs = {"held_by": holder.agent_id, "claimed_at": holder.claimed_at, "lease_until": holder.lease_until}
            return free | theirs | {"fence": task.fence + 1, "finished_at": None}
        case TaskState.DONE | TaskState.CANCELLED:
            return free | {"finished_at": clock.now()}


def _compare_and_set(row: Task | CadenceRun, values: dict[str, Any], *still: sa.ColumnElement[bool]) -> bool:
    """Write the values, and what is not written yet of this row, if it is still so; whether it was."""
    model, kept = type(row), instance_state(row)
    values = {each.key: each.value for each in kept.attrs if each.history.has_changes()} | values
    same = sa.and_(model.id == row.id, *still)
    found: sa.Executable = sa.select(model.id).where(same).with_for_update()
    if values:
        found = sa.update(model).where(same).values(values).returning(model.id)
    with db.session.no_autoflush:  # half of a move may be what the table's checks forbid
        if db.session.scalar(found, execution_options={"synchronize_session": False}) is None:
            return False
    for name, value in values.items():
        set_committed_value(row, name, value)
    return True


def _tell(task: Task, event: EventKind, actor: str, facts: dict[str, Any]) -> None:
    told = {"practice_id": task.practice_id, "task_id": task.id, "at": clock.now(), "actor": actor}
    db.session.add(TaskEvent(kind=event, facts=facts, **told))


def hold_on(task: Task, until: datetime) -> None:
    """Whoever holds the task (`tasks.held`) keeps it until then: no move, and no event."""
    task.lease_until = until


TAKEN = """
    UPDATE tasks SET state = 'claimed', offered = false, held_by = %(agent)s, claimed_at = %(at)s,
        lease_until = %(lease_until)s, fence = fence + 1, shut_reasons = NULL, script_version_id = %(version)s
    WHERE id = %(task)s AND state = 'waiting' AND fence = %(fence)s RETURNING id, practice_id
"""
"""The claim's move, for a statement that has it as `taken`: no row when somebody else has moved the task."""
TOLD = """
    INSERT INTO task_events (practice_id, task_id, kind, at, actor, facts)
    SELECT practice_id, id, 'claimed', %(at)s, %(actor)s, %(why)s::jsonb FROM taken
"""
"""Its event, in the same statement."""


LET_GO = """
    WITH kept AS (
        SELECT t.id, t.practice_id, t.owner_id FROM tasks t
        WHERE t.state = 'waiting' AND t.owner_id IS NOT NULL AND {which}
        ORDER BY t.practice_id, t.id FOR UPDATE OF t {lock}
    ), free AS (
        UPDATE tasks SET owner_id = NULL, owner_until = NULL, handed_at = NULL FROM kept WHERE tasks.id = kept.id
    )
    INSERT INTO task_events (practice_id, task_id, kind, at, actor, facts)
    SELECT practice_id, id, 'handed', :now, :actor,
           jsonb_build_object('from', owner_id, 'to', NULL, 'reason', CAST(:why AS text)) FROM kept
    RETURNING task_id
"""


def let_go(which: str, why: str, actor: str, *, wait: bool, **asked: Any) -> int:
    """Waiting tasks with an owner are anybody's, and their stories say why; how many. `which`: a condition
    on `t`, our own words, about what is `asked` and `now`. What is locked is waited for, or left alone."""
    told = sa.text(LET_GO.format(which=which, lock="" if wait else "SKIP LOCKED"))
    freed = db.session.scalars(told, asked | {"now": clock.now(), "actor": actor, "why": why}).all()
    if freed:
        db.session.expire_all()
    return len(freed)


STARTED = """
    INSERT INTO cadence_runs (practice_id, patient_id, cadence_id, milestone_id, trigger_id, state, position, next_at,
                              opens_at, peaks_at, closes_at, started_at)
    SELECT :practice, patient_id, cadence_id, milestone_id, trigger_id, 'running', 0,
           opens_on::timestamp AT TIME ZONE :zone, opens_on::timestamp AT TIME ZONE :zone,
           peaks_on::timestamp AT TIME ZONE :zone, closes_on::timestamp AT TIME ZONE :zone, :now
    FROM fresh
    ON CONFLICT DO NOTHING RETURNING id
"""
"""The runs that the triggers start, for a statement that has what is to be started as `fresh`."""


def end_run(run: CadenceRun, why: Ending) -> None:
    """The cadence is over; its waiting task, if any, is cancelled by the caller or already done. One that has ended
    stays as it ended first."""
    ended: dict[str, Any] = {
        "state": RunState.ENDED,
        "next_at": None,
        "ended_at": clock.now(),
        "end_reason": why.reason,
    }
    ended |= {"end_outcome": why.outcome, "end_words": why.words}
    if run.state is RunState.RUNNING and not _compare_and_set(run, ended, CadenceRun.state == RunState.RUNNING):
        db.session.refresh(run)


def end_otherwise(run: CadenceRun, why: Ending) -> None:
    """All its steps were taken and its last text still waits: it ended by this, and the text is not wanted (the last
    look reads it here). Taken back, it is as it had ended before. Nothing happens to one that goes on."""
    if run.state is RunState.ENDED:
        ended = {"end_reason": why.reason, "end_outcome": why.outcome, "end_words": why.words}
        _compare_and_set(run, ended, CadenceRun.state == RunState.ENDED)


def resume_run(run: CadenceRun) -> None:
    """The cadence goes on after all, with what was set on it before. Raises Refused when it goes on already."""
    going = {"state": RunState.RUNNING, "ended_at": None, "end_reason": None}
    going |= {"end_outcome": None, "end_words": None}
    if not _compare_and_set(run, going, CadenceRun.state == RunState.ENDED):
        raise Refused("This cadence goes on already.")
