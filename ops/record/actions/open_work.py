"""What is going on under one record, locked, to be given to another record of the same human or ended as double."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from ops.cadences.actions.stepping import message_key
from ops.cadences.models import Cadence
from ops.db import db
from ops.errors import Refused
from ops.messages.ending import cancel_waiting
from ops.practices.models import Patient
from ops.queue.actions import lanes, moves, tasks
from ops.queue.actions.promises import is_promise
from ops.queue.models import CadenceRun, Task
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.states import OPEN, RunState, TaskState

DOUBLE = Ending(EndReason.BY_LEAD, words="double: the same person under another record")
ON_A_CALL = "Somebody is on a call with them just now. Wait until it is over."


class OpenWork:
    """Tasks (but those about a friend) and cadences of one record. Raises Refused while one of the tasks is in
    progress."""

    def __init__(self, patient: Patient) -> None:
        own = (Task.practice_id == patient.practice_id, Task.patient_id == patient.id)
        about_them = sa.select(Task).where(*own, Task.referral_id.is_(None), Task.state.in_(OPEN))
        self.tasks: list[Task] = locked(about_them.order_by(Task.id))
        if any(task.state is TaskState.CLAIMED for task in self.tasks):
            raise Refused(ON_A_CALL)
        going = (CadenceRun.practice_id == patient.practice_id, CadenceRun.patient_id == patient.id)
        runs = sa.select(CadenceRun).where(*going, CadenceRun.state == RunState.RUNNING)
        self.runs: list[CadenceRun] = locked(runs.order_by(CadenceRun.id))
        self._opened_meanwhile(about_them)
        kinds = sa.select(Cadence.id, Cadence.kind).where(Cadence.id.in_([run.cadence_id for run in self.runs]))
        self.kinds: dict[int, Kind] = {row.id: row.kind for row in db.session.execute(kinds)}

    def _opened_meanwhile(self, about_them: sa.Select) -> None:
        """A step that was being taken while we waited for its cadence may have opened a task; nobody waits for that."""
        known = {task.id for task in self.tasks}
        late = set(db.session.scalars(about_them.with_only_columns(Task.id))) - known
        mine = about_them.where(Task.id.in_(late)).with_for_update(skip_locked=True)
        found = db.session.scalars(mine, execution_options={"populate_existing": True}).all() if late else []
        if len(found) < len(late) or any(task.state is TaskState.CLAIMED for task in found):
            raise Refused(ON_A_CALL)
        self.tasks += found

    def kind_of(self, run: CadenceRun) -> Kind:
        return self.kinds[run.cadence_id]

    def promised(self, run: CadenceRun) -> bool:
        """Whether a call was agreed in it."""
        return any(task.run_id == run.id and is_promise(task) for task in self.tasks)

    def end(self, run: CadenceRun, actor: str) -> dict[str, Any]:
        """End this cadence as double, its task with it, and have its messages wait no more; how it was before."""
        was: dict[str, Any] = {"run": run.id, "next_at": run.next_at.isoformat() if run.next_at else None}
        was["messages"] = [str(each) for each in cancel_waiting([run.patient_id], message_key(run), str(DOUBLE), actor)]
        for task in self.tasks:
            if task.run_id == run.id:
                was |= self.end_task(task, actor)
        moves.end_run(run, DOUBLE)
        return was

    def end_task(self, task: Task, actor: str) -> dict[str, Any]:
        """Cancel this task as double; how it was before."""
        was = {"task": task.id, "promised_at": task.promised_at.isoformat() if task.promised_at else None}
        tasks.cancel(task, actor, str(DOUBLE))
        return was


def locked(query: sa.Select) -> list:
    """The rows as they are now; nobody else changes them before the transaction ends."""
    found = db.session.scalars(query.with_for_update(), execution_options={"populate_existing": True})
    return list(found)


def give(runs: Iterable[CadenceRun], of_these: Iterable[Task], patient: Patient) -> None:
    """The record that is contacted about this work from now on. What waits finds its lane and number anew."""
    for run in runs:
        run.patient_id = patient.id
    for task in of_these:
        task.patient_id = patient.id
        if task.state is TaskState.WAITING:
            lanes.fit(task, patient)
    db.session.flush()
