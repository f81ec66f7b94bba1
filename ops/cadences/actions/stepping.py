"""From milestone to work: triggers start cadences, cadences take their steps.

Starting is set-based (an import can bring a million milestones); taking steps is one run at a time, each in its own
claim, so that two ticks at once share the work.

A no to one way of contact is no no of the person: what may not be taken is left out, with the reason on the run, and
the cadence goes on by the way that is open.
"""

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.cadences import ways
from ops.cadences.actions.starting import BATCH, CAME_BACK, OF_EVERYBODY
from ops.cadences.models import Cadence, CadenceStep
from ops.cadences.texts import NoAddress, queue_template
from ops.config import settings
from ops.db import db
from ops.errors import Refused
from ops.isolated import awake, each_within
from ops.practices.models import Milestone, Patient, Practice, PracticeStatus, TreatmentType
from ops.queue import wording
from ops.queue.actions import moves, tasks
from ops.queue.models import CadenceRun, Task
from ops.scripts.models import Medium
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind, StepMode
from ops.work.states import RunState, TaskState

LATE = timedelta(days=1)


def due_runs(limit: int) -> list[int]:
    """Ids of runs whose next step is due. For a practice that is not live yet calls are opened, so that the board shows
    what waits for it; nothing is sent."""
    next_is_call = sa.exists().where(
        CadenceStep.cadence_id == CadenceRun.cadence_id,
        CadenceStep.position == CadenceRun.position,
        CadenceStep.mode == StepMode.CALL,
    )
    of = sa.select(Practice.status).where(Practice.id == CadenceRun.practice_id).scalar_subquery()
    served = sa.or_(of == PracticeStatus.ACTIVE, sa.and_(of == PracticeStatus.SETUP, next_is_call))
    return list(
        db.session.scalars(
            sa.select(CadenceRun.id)
            .where(
                CadenceRun.state == RunState.RUNNING,
                CadenceRun.next_at <= clock.now(),
                served,
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
        moves.end_run(run, Ending(EndReason.DAYS_OVER))
        return True
    patient, steps, first = db.session.get_one(Patient, run.patient_id), _steps(run.cadence_id), run.position
    left_out: list[ways.LeftOut] = []
    for place, step in list(enumerate(steps))[first:]:
        try:
            _do(run, step, patient, place)
        except Refused as problem:  # no way to reach them by this step: on to the next one
            left_out.append(ways.LeftOut(place, step.mode, problem))
        else:
            break
    else:
        sent = _instead_of_a_call(run, patient, steps)
        moves.end_run(run, Ending(EndReason.STEPS_TAKEN) if sent else _never_taken(run, left_out))
    ways.keep_left_out(run, first, left_out)
    return True


def _never_taken(run: CadenceRun, left_out: list[ways.LeftOut]) -> Ending:
    """Why a cadence ended of which no step could be taken any more. Who was contacted before and has no address for the
    rest got all there is; what somebody could put right has to be seen by them."""
    problems = [each.problem for each in left_out]
    if run.position and all(isinstance(problem, NoAddress) for problem in problems):
        return Ending(EndReason.STEPS_TAKEN)
    if problems and all(isinstance(problem, ways.NotAllowed) for problem in problems):
        return Ending(EndReason.MAY_NOT)
    words = " ".join(dict.fromkeys(str(problem) for problem in problems))
    return Ending(EndReason.NOT_SENT, words=words or "The cadence has no steps.")


def _instead_of_a_call(run: CadenceRun, patient: Patient, steps: list[CadenceStep]) -> bool:
    """A cadence of nothing but calls, to somebody who may not be called: what it is about is said once by the way that
    is open, if there is one and somebody has published the words. Whether that was so."""
    if not _calls_only(steps) or not ways.calls_refused(patient):
        return False
    for medium in (Medium.SMS, Medium.EMAIL):
        try:
            ways.must_be_allowed(patient, StepMode(medium.value))
            queue_template(patient, _kind(run), medium, f"run:{run.id}:step:instead")
        except Refused:
            continue
        return True
    return False


def _calls_only(steps: list[CadenceStep]) -> bool:
    return bool(steps) and all(step.mode is StepMode.CALL for step in steps)


def _steps(cadence_id: int) -> list[CadenceStep]:
    return list(
        db.session.scalars(
            sa.select(CadenceStep).where(CadenceStep.cadence_id == cadence_id).order_by(CadenceStep.position)
        )
    )


def _do(run: CadenceRun, step: CadenceStep, patient: Patient, place: int) -> None:
    """Do the step at this place. Raises NotAllowed when they may not be contacted that way, NoAddress when they cannot
    be, Refused when there is nothing to send."""
    ways.must_be_allowed(patient, step.mode)
    if step.mode is StepMode.CALL:
        if not patient.phone:
            raise NoAddress("We have no number to call.")
        run.position, run.next_at = place, None
        _open_call(run, step)
        return
    key = f"{message_key(run)}{step.id}"
    queue_template(patient, _kind(run), Medium(step.mode.value), key, send_after=_not_all_at_once(run))
    run.position = place
    advance(run)


def _not_all_at_once(run: CadenceRun) -> datetime | None:
    """When what is late leaves: after a pause, or the import of a year, over an hour; None: at once."""
    now = clock.now()
    if run.next_at is None or now - run.next_at < LATE:
        return None
    return now + timedelta(seconds=run.id * 61 % 3600)


def _open_call(run: CadenceRun, step: CadenceStep) -> None:
    tasks.open_task(
        practice_id=run.practice_id,
        patient_id=run.patient_id,
        kind=_kind(run),
        reason=reason_of(run),
        actor="cadence",
        run=run,
        max_tries=step.tries,
    )


def message_key(run: CadenceRun) -> str:
    """How the reason keys of the texts and emails of its steps begin."""
    return f"run:{run.id}:step:"


def run_of(reason_key: str) -> int | None:
    """The number of the cadence whose step sent it, None of other messages: the other way round."""
    what, _, rest = reason_key.partition(":")
    number, _, step = rest.partition(":")
    return int(number) if what == "run" and number.isdecimal() and step.startswith("step:") else None


def reason_of(run: CadenceRun) -> str:
    """Why its call is made, by its milestone as it stands now, and by when they were here since."""
    milestone = db.session.get_one(Milestone, run.milestone_id)
    treatment = db.session.get(TreatmentType, milestone.treatment_type_id) if milestone.treatment_type_id else None
    return wording.reason(_kind(run), milestone, treatment, here_again(run))


def here_again(run: CadenceRun) -> date | None:
    """The last day they were here since the visit it is about, over all their records."""
    given = {"practice": run.practice_id, "milestone": run.milestone_id, "of_everybody": list(OF_EVERYBODY)}
    return db.session.scalar(HERE_AGAIN, given)


HERE_AGAIN = sa.text(
    f"SELECT max(l.happened_on) FROM milestones m CROSS JOIN LATERAL ({CAME_BACK}) l WHERE m.id = :milestone"  # noqa: S608
)


def _kind(run: CadenceRun) -> Kind:
    return db.session.get_one(Cadence, run.cadence_id).kind


def advance(run: CadenceRun) -> None:
    """The current step is over without an answer: the next one is due after its gap; after the last the run ends.

    When it was nothing but calls and no call may be made any more, the open way is looked for first (`take_step`), once
    the outcome that says so cannot be taken back any more. A run that was ended while its call was in progress (they
    wrote back, or said stop) stays ended.
    """
    if run.state is RunState.ENDED:
        return
    steps = _steps(run.cadence_id)
    run.position += 1
    if run.position >= len(steps):
        if _calls_only(steps) and ways.calls_refused(db.session.get_one(Patient, run.patient_id)):
            run.next_at = clock.now() + timedelta(seconds=settings().undo_seconds)
        else:
            moves.end_run(run, Ending(EndReason.STEPS_TAKEN))
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
        moves.end_run(db.session.get_one(CadenceRun, task.run_id), over)
