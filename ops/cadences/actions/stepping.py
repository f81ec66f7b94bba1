"""From milestone to work: triggers start cadences, cadences take their steps.

Starting is set-based (an import can bring a million milestones); taking steps is one run at a time, each in its own
claim, so that two ticks at once share the work.
"""

from datetime import timedelta

import sqlalchemy as sa

from ops import clock
from ops.cadences.actions.starting import BATCH
from ops.cadences.models import Cadence, CadenceStep
from ops.cadences.texts import send_template
from ops.db import db
from ops.isolated import awake, each_within
from ops.practices.models import Milestone, Patient, Practice, TreatmentType
from ops.queue import wording
from ops.queue.actions import tasks
from ops.queue.models import CadenceRun, Task
from ops.scripts.models import Medium
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind, StepMode
from ops.work.states import RunState, TaskState


def due_runs(limit: int) -> list[int]:
    """Ids of runs whose next step is due."""
    active = sa.select(Practice.id).where(Practice.status == "active")
    return list(
        db.session.scalars(
            sa.select(CadenceRun.id)
            .where(
                CadenceRun.state == RunState.RUNNING,
                CadenceRun.next_at <= clock.now(),
                CadenceRun.practice_id.in_(active),
                awake("take steps", CadenceRun.id),
            )
            .order_by(CadenceRun.next_at)
            .limit(limit)
        )
    )


def take_step(run_id: int) -> bool:
    """Take the due step of a run: open its task or queue its message; False when somebody else did."""
    run = db.session.scalars(
        sa.select(CadenceRun)
        .where(CadenceRun.id == run_id, CadenceRun.state == RunState.RUNNING, CadenceRun.next_at <= clock.now())
        .with_for_update(skip_locked=True),
        execution_options={"populate_existing": True},
    ).first()
    if run is None:
        return False
    if clock.now() >= run.closes_at:
        tasks.end_run(run, Ending(EndReason.DAYS_OVER))
        return True
    patient = db.session.get_one(Patient, run.patient_id)
    steps = _steps(run.cadence_id)
    while run.position < len(steps):
        step = steps[run.position]
        if _do(run, step, patient):
            return True
        run.position += 1  # no way to reach them by this step: on to the next one
    tasks.end_run(run, Ending(EndReason.STEPS_TAKEN))
    return True


def _steps(cadence_id: int) -> list[CadenceStep]:
    return list(
        db.session.scalars(
            sa.select(CadenceStep).where(CadenceStep.cadence_id == cadence_id).order_by(CadenceStep.position)
        )
    )


def _do(run: CadenceRun, step: CadenceStep, patient: Patient) -> bool:
    """Do one step; False when this patient cannot be reached that way."""
    if step.mode is StepMode.CALL:
        return _open_call(run, step, patient)
    kind = _kind(run)
    if not send_template(patient, kind, Medium(step.mode.value), f"run:{run.id}:step:{step.id}"):
        return False
    advance(run)
    return True


def _open_call(run: CadenceRun, step: CadenceStep, patient: Patient) -> bool:
    if not patient.phone:
        return False
    run.next_at = None
    tasks.open_task(
        practice_id=run.practice_id,
        patient_id=run.patient_id,
        kind=_kind(run),
        reason=_reason(run),
        actor="cadence",
        run=run,
        max_tries=step.tries,
    )
    return True


def _reason(run: CadenceRun) -> str:
    milestone = db.session.get_one(Milestone, run.milestone_id)
    treatment = db.session.get(TreatmentType, milestone.treatment_type_id) if milestone.treatment_type_id else None
    return wording.reason(_kind(run), milestone, treatment)


def _kind(run: CadenceRun) -> Kind:
    return db.session.get_one(Cadence, run.cadence_id).kind


def advance(run: CadenceRun) -> None:
    """The current step is over without an answer: the next one is due after its gap; after the last the run ends.

    A run that was ended while its call was in progress (they wrote back, or said stop) stays ended.
    """
    if run.state is RunState.ENDED:
        return
    steps = _steps(run.cadence_id)
    run.position += 1
    if run.position >= len(steps):
        tasks.end_run(run, Ending(EndReason.STEPS_TAKEN))
        return
    run.next_at = clock.now() + timedelta(hours=steps[run.position].gap_hours)


def close_stale() -> int:
    """Cancel waiting tasks whose days are over, and end their runs; how many."""
    now = clock.now()
    stale = db.session.scalars(
        sa.select(Task)
        .where(Task.state == TaskState.WAITING, Task.closes_at <= now, awake("close stale work", Task.id))
        .limit(BATCH)
        .with_for_update(skip_locked=True),
        execution_options={"populate_existing": True},
    ).all()
    found = {task.id: task for task in stale}
    return each_within("close stale work", found, _close, owner=Task.practice_id, limit=BATCH)


def _close(task: Task) -> None:
    over = Ending(EndReason.DAYS_OVER)
    tasks.cancel(task, "tick", str(over))
    if task.run_id:
        tasks.end_run(db.session.get_one(CadenceRun, task.run_id), over)
