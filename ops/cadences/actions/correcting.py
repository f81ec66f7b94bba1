"""A milestone was moved, became another treatment, was withdrawn or restored: what had followed from it is put right.

What was already said to somebody stays, and so does what was agreed with them: the card tells the agent what the
practice's records say now. What has reached nobody yet ends with its reason, or waits for the new day. Each change is
a row (`MilestoneChange`) until this is done, so it does not matter which doorbell rang.
"""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.cadences.actions import redating, stepping
from ops.cadences.models import Cadence, Trigger
from ops.db import db
from ops.messages.ending import cancel_waiting
from ops.practices.humans import same_human
from ops.practices.models import Milestone, MilestoneChange
from ops.queue.actions import moves, tasks
from ops.queue.models import Attempt, CadenceRun, Task, TaskEvent
from ops.work.endings import TAKEN_BACK, Ending, EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import TALKS
from ops.work.states import BY_A_PERSON, OPEN, EventKind, RunState, TaskState

ACTOR = "records"
"""Who moved it, in events: the practice's records."""


def to_apply() -> sa.Select[int]:
    """The practices with changes nobody has followed up."""
    return sa.select(MilestoneChange.practice_id).where(MilestoneChange.applied_at.is_(None))


def pass_over(practice_id: int) -> None:
    """Nothing has followed from milestones without a cadence, unless others had ended for them: that is most of what a
    corrected export changes."""
    followed = sa.exists().where(CadenceRun.milestone_id == MilestoneChange.milestone_id)
    withdrawn = sa.exists().where(Milestone.id == MilestoneChange.milestone_id, Milestone.withdrawn_at.is_not(None))
    _applied(MilestoneChange.practice_id == practice_id, ~followed, ~withdrawn)


def changed(practice_id: int) -> list[int]:
    """The milestones whose cadences are to be put right."""
    which = (MilestoneChange.practice_id == practice_id, MilestoneChange.applied_at.is_(None))
    return list(db.session.scalars(sa.select(MilestoneChange.milestone_id).where(*which).distinct()))


def put_right_again(run_ids: Collection[int], since: datetime) -> None:
    """These cadences go on after all, as they were at `since`: what was changed of their milestones after that passed
    them over, and holds for them too."""
    if not run_ids:
        return
    which = (CadenceRun.id.in_(run_ids), CadenceRun.milestone_id == MilestoneChange.milestone_id)
    changed_since = sa.select(MilestoneChange.milestone_id).join(CadenceRun, sa.and_(*which))
    changed_since = changed_since.where(MilestoneChange.applied_at >= since)  # what is to be applied yet will find them
    for milestone_id in db.session.scalars(changed_since.distinct()).all():
        put_right(milestone_id)


def put_right(milestone_id: int) -> None:
    """Every cadence that followed from this milestone, by how it stands now. A second time changes nothing."""
    milestone = db.session.get_one(Milestone, milestone_id, populate_existing=True)
    which = (CadenceRun.practice_id == milestone.practice_id, CadenceRun.milestone_id == milestone_id)
    for run_id in db.session.scalars(sa.select(CadenceRun.id).where(*which).order_by(CadenceRun.id)).all():
        task = _open_task(run_id)  # before its run: the order of locks
        run = db.session.get_one(CadenceRun, run_id, with_for_update=True, populate_existing=True)
        if milestone.is_withdrawn:
            _end(run, task, Ending(EndReason.VISIT_WITHDRAWN, words=milestone.withdrawn_why))
        else:
            _follow(run, task, milestone)
    if milestone.is_withdrawn:
        recall_again(milestone)
        records = same_human(milestone.practice_id, milestone.patient_id)  # another of them may have stood back for it
        theirs = (Milestone.patient_id.in_(records), Milestone.id != milestone.id)
        again = sa.update(Milestone).where(*theirs, Milestone.triggered_at.is_not(None)).values(triggered_at=None)
        db.session.execute(again, execution_options={"synchronize_session": False})
    _applied(MilestoneChange.milestone_id == milestone_id)


def look_behind(run_id: int) -> None:
    """They were here again since the visit it is about: a recall ends, and who calls about anything else is told."""
    task = _open_task(run_id)
    run = db.session.get_one(CadenceRun, run_id, with_for_update=True, populate_existing=True)
    if db.session.get_one(Cadence, run.cadence_id).kind is Kind.RECALL:
        _end(run, task, Ending(EndReason.CAME_BACK))
    elif task:
        _tell(run, task)


def recall_again(milestone: Milestone) -> None:
    """The visit for which a recall ended was withdrawn: it goes on, unless they were here another time."""
    theirs = same_human(milestone.practice_id, milestone.patient_id)
    ended = sa.select(CadenceRun.id).where(
        CadenceRun.patient_id.in_(theirs), CadenceRun.end_reason == EndReason.CAME_BACK
    )
    for run_id in db.session.scalars(ended).all():
        run = db.session.get_one(CadenceRun, run_id, with_for_update=True, populate_existing=True)
        if run.closes_at > clock.now() and not stepping.here_again(run) and not another(run):
            run.next_at = max(clock.now(), run.opens_at)
            moves.resume_run(run)


def _applied(*which: sa.ColumnElement[bool]) -> None:
    now = {"applied_at": clock.now()}
    done = sa.update(MilestoneChange).where(MilestoneChange.applied_at.is_(None), *which).values(now)
    db.session.execute(done, execution_options={"synchronize_session": False})


def _open_task(run_id: int) -> Task | None:
    which = sa.select(Task).where(Task.run_id == run_id, Task.state.in_(OPEN)).with_for_update()
    return db.session.scalars(which, execution_options={"populate_existing": True}).first()


def _end(run: CadenceRun, task: Task | None, why: Ending) -> None:
    """End a cadence that should not have begun, as far as it reached nobody."""
    if run.state is RunState.RUNNING:
        spoken = task is not None and _tried(run, *TALKS)
        if task and (spoken or task.state is TaskState.CLAIMED):
            _tell(run, task)
        elif task:
            tasks.cancel(task, ACTOR, str(why))
        if spoken:  # a call that was agreed is made
            return
        moves.end_run(run, why)
    cancel_waiting(_records(run), stepping.message_key(run), str(why), ACTOR)


def _follow(run: CadenceRun, task: Task | None, milestone: Milestone) -> None:
    """The milestone is another one: its cadence has other days, other words, or no reason any more."""
    days, now = redating.days_of(run.id), clock.now()
    if run.state is RunState.ENDED:
        if run.end_reason is EndReason.VISIT_WITHDRAWN and days and days.closes > now and not another(run):
            run.opens_at, run.peaks_at, run.closes_at = days
            run.next_at = max(now, days.opens)
            moves.resume_run(run)
        return
    untouched = not _decided(run, task)
    if untouched and ((days and days.closes <= now) or _of_another_treatment(run, milestone)):
        _end(run, task, Ending(EndReason.VISIT_CHANGED))
    elif task and untouched and task.state is TaskState.WAITING and days and days.opens > now:
        tasks.cancel(task, ACTOR, f"the visit was moved: due again when its new days begin, {days.opens:%Y-%m-%d}")
        run.next_at = days.opens
    elif task:
        _tell(run, task)


def _tell(run: CadenceRun, task: Task) -> None:
    """The card says what it is about by the practice's records as they are now."""
    was, task.reason = task.reason, stepping.reason_of(run)
    if task.reason != was:
        moves.move(task, EventKind.CORRECTED, ACTOR, was=was, reason=task.reason)


def _decided(run: CadenceRun, task: Task | None) -> bool:
    """Whether somebody has called already, or decided when it is called."""
    by_hand = sa.exists().where(TaskEvent.task_id == (task.id if task else 0), TaskEvent.kind.in_(BY_A_PERSON))
    return _tried(run) or bool(db.session.scalar(sa.select(by_hand)))


def _tried(run: CadenceRun, *outcomes: str) -> bool:
    made = (Attempt.patient_id.in_(_records(run)), Attempt.task_id == Task.id, Task.run_id == run.id)
    which = (Attempt.outcome.in_(outcomes),) if outcomes else ()
    return bool(db.session.scalar(sa.select(sa.exists().where(*made, *which))))


def _records(run: CadenceRun) -> list[int]:
    """Under which records what was done for this cadence may stand: it may have gone over from one to another."""
    return same_human(run.practice_id, run.patient_id)


def another(run: CadenceRun) -> bool:
    """Whether another cadence of the kind has begun for the patient since this one ended."""
    kinds = sa.select(Cadence.id).where(Cadence.kind == db.session.get_one(Cadence, run.cadence_id).kind)
    since = (CadenceRun.started_at >= run.ended_at, CadenceRun.patient_id.in_(_records(run)), CadenceRun.id != run.id)
    made = sa.or_(CadenceRun.end_reason.is_(None), CadenceRun.end_reason.not_in(TAKEN_BACK))
    return bool(db.session.scalar(sa.select(sa.exists().where(*since, made, CadenceRun.cadence_id.in_(kinds)))))


def _of_another_treatment(run: CadenceRun, milestone: Milestone) -> bool:
    trigger = db.session.get(Trigger, run.trigger_id)
    return bool(trigger and trigger.treatment_type_id not in (None, milestone.treatment_type_id))
