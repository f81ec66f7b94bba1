"""They are two people after all: everything as it was, and what came since goes to whom it is about."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ops import clock
from ops.background import Job, ring
from ops.cadences.actions import starting
from ops.cadences.actions.correcting import put_right_again
from ops.cadences.actions.stepping import message_key
from ops.cadences.models import Cadence
from ops.concerns.models import Concern
from ops.contact.lifting import said
from ops.db import db
from ops.errors import Refused
from ops.messages.ending import cancel_waiting, queue_again
from ops.practices.models import Milestone, Patient, Practice
from ops.queue.actions import lanes, moves, tasks
from ops.queue.models import Attempt, CadenceRun, Task
from ops.record.actions.merging import both
from ops.record.actions.open_work import DOUBLE, OpenWork, give, locked
from ops.record.models import RecordMerge
from ops.referrals.models import Ask
from ops.work.kinds import Kind
from ops.work.states import EventKind, TaskState


def unmerge(practice: Practice, merge_id: int, why: str, *, actor: str) -> RecordMerge:
    """Take a merge back. What went over goes back, with what came of it since; what the merged record's milestones
    started since goes to it; what was ended as double goes on, if its days are not over and its visit took place. What
    waits to leave to one of them about a visit of the other does not leave, and of what the gate held back it is asked
    again.

    Raises Refused without a reason, when it is taken back already, and while somebody is on a call with them.
    """
    why = said(why, "Please say why they are two people.")
    starting.hold(practice.id)
    merge = _standing(practice, merge_id)
    kept, merged = both(practice, merge.kept_id, merge.merged_id)
    OpenWork(kept)
    merge.undone_at, merge.undone_by, merge.undone_why = clock.now(), actor, why
    db.session.flush()  # from here on they are two: whom work is about is asked of each
    _give_back(merge, kept, merged, actor)
    ended = merge.changed["ended"] + _not_double_any_more(merge, kept)
    for was in ended:
        _go_on(was, actor)
    put_right_again([was["run"] for was in ended if "run" in was], merge.merged_at)
    for task in [*OpenWork(kept).tasks, *OpenWork(merged).tasks]:
        if task.shut_reasons:  # perhaps because of what was said to, or by, the other
            tasks.ask_again(task)
    ring(Job.PRACTICE_CHANGED, practice.id)
    return merge


def _standing(practice: Practice, merge_id: int) -> RecordMerge:
    asked = sa.select(RecordMerge).where(RecordMerge.practice_id == practice.id, RecordMerge.id == merge_id)
    found: list[RecordMerge] = locked(asked)
    if not found or found[0].undone_at:
        raise Refused("This was taken back already.")
    return found[0]


def _give_back(merge: RecordMerge, kept: Patient, merged: Patient, actor: str) -> None:
    """A cadence is about whose milestone started it; a task about its cadence's patient, or whose it was."""
    theirs = sa.select(Milestone.id).where(Milestone.patient_id == merged.id)
    going = sa.select(CadenceRun).where(CadenceRun.patient_id == kept.id, CadenceRun.milestone_id.in_(theirs))
    runs: list[CadenceRun] = locked(going.order_by(CadenceRun.id))
    run_ids = [run.id for run in runs]
    of_theirs = sa.or_(Task.run_id.in_(run_ids), Task.id.in_(merge.changed["moved"]))
    found: list[Task] = locked(sa.select(Task).where(Task.patient_id == kept.id, of_theirs).order_by(Task.id))
    give(runs, found, merged)
    for run in runs:
        cancel_waiting([kept.id], message_key(run), "addressed to somebody else: they are two people", actor)
    for table, which in (
        (Attempt, Attempt.task_id.in_([task.id for task in found])),
        (Concern, Concern.task_id.in_([task.id for task in found])),
        (Ask, Ask.run_id.in_(run_ids)),
    ):
        change = sa.update(table).where(which).values(patient_id=merged.id)
        db.session.execute(change.execution_options(synchronize_session=False))


def _not_double_any_more(merge: RecordMerge, kept: Patient) -> list[dict[str, Any]]:
    """What a later merge, that stands, ended as double of what has gone back just now: it goes on under the record that
    is kept."""
    later = (RecordMerge.kept_id == kept.id, RecordMerge.undone_at.is_(None), RecordMerge.id > merge.id)
    left = OpenWork(kept)
    going = {left.kind_of(run) for run in left.runs} | {task.kind for task in left.tasks if task.run_id is None}
    freed = []
    for other in db.session.scalars(sa.select(RecordMerge).where(*later).order_by(RecordMerge.id)).all():
        for was in other.changed["ended"]:
            run = _double(was)
            task = db.session.get(Task, was["task"]) if "task" in was else None
            kind = db.session.get_one(Cadence, run.cadence_id).kind if run else Kind.REPLY
            if kind in going or ("run" in was and run is None):
                continue
            going.add(kind)
            give([run] if run else [], [task] if task else [], kept)
            freed.append(was)
    return freed


def _double(was: dict[str, Any]) -> CadenceRun | None:
    """The cadence that was ended as double, locked, if nobody has gone on with it and its days are not over."""
    if not (run_id := was.get("run")):
        return None
    run = db.session.get_one(CadenceRun, run_id, with_for_update=True, populate_existing=True)
    return run if run.ending == DOUBLE and run.closes_at > clock.now() else None


def _go_on(was: dict[str, Any], actor: str) -> None:
    """What was ended as double is as it was, unless its days are over or somebody has gone on with it."""
    if "run" in was:
        run = _double(was)
        if run is None:
            return
        run.next_at = _moment(was["next_at"])
        moves.resume_run(run)
    for message_id in was.get("messages", ()):
        queue_again(UUID(message_id), "not double after all", actor)
    if task_id := was.get("task"):
        task = db.session.get_one(Task, task_id, with_for_update=True, populate_existing=True)
        if task.state is TaskState.CANCELLED:
            task.promised_at = _moment(was["promised_at"])
            moves.move(task, EventKind.UNDONE, actor)
            lanes.fit(task, db.session.get_one(Patient, task.patient_id))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
