"""What a lead changes by hand: a practice's cadences and triggers, and tasks others have in progress.

Steps may change while patients are on their way. A cadence run knows its step by place, so every change of places moves
the runs along in the same transaction: **the step a patient waits for stays the next one they get**, and from there
they follow the new order. Where that step is taken out, the one after it takes its turn; behind the last step a cadence
is finished. The runs are locked by the change, as they are when a step is taken, so that the two never interleave.
"""

from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from ops.background import Job, ring
from ops.cadences.models import Cadence, CadenceStep, Trigger
from ops.cadences.words import CADENCE_KINDS
from ops.db import db
from ops.errors import Refused
from ops.practices.models import MilestoneKind, Practice, TreatmentType
from ops.queue.models import CadenceRun
from ops.work.kinds import Kind, StepMode
from ops.work.states import RunState

MOST_STEPS = 12


LONGEST_GAP_HOURS = 8760


MOST_TRIES = 6


LONGEST_DAYS = 1095


LONGEST_OPEN_DAYS = 365


LONGEST_NAME = 80


class Step(NamedTuple):
    """What a step says: `gap_hours` after the step before it, 0 to 8,760; `tries` of a call, 1 to 6."""

    mode: StepMode
    gap_hours: int
    tries: int = 1


class Start(NamedTuple):
    """What a trigger says. `delay_days` None: when the result opens; `treatment_type_id` None: any treatment.

    `open_days`, 1 to 365: after a delay in days, how long the contact makes sense.
    """

    milestone_kind: MilestoneKind
    treatment_type_id: int | None
    delay_days: int | None
    spacing_days: int
    open_days: int = 14
    active: bool = True


def add_cadence(practice: Practice, name: str, kind: Kind) -> Cadence:
    """A new cadence, off until it has a step. Raises Refused for a name taken or a kind that no milestone starts."""
    if kind not in CADENCE_KINDS:
        raise Refused("Work of this kind does not come from milestones.")
    cadence = Cadence(practice_id=practice.id, name=_free_name(practice.id, name), kind=kind, active=False)
    db.session.add(cadence)
    db.session.flush()
    return cadence


def rename_cadence(cadence: Cadence, name: str) -> None:
    """Raises Refused for a name another cadence of the practice has."""
    _lock(cadence)
    cadence.name = _free_name(cadence.practice_id, name, but=cadence.id)
    db.session.flush()


def _free_name(practice_id: int, name: str, but: int = 0) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Refused(f"A cadence needs a name of at most {LONGEST_NAME} characters.")
    # two leads at once: the second waits for the first, then sees its name
    db.session.execute(sa.select(Practice.id).where(Practice.id == practice_id).with_for_update(key_share=True))
    taken = sa.exists().where(Cadence.practice_id == practice_id, Cadence.name == name, Cadence.id != but)
    if db.session.scalar(sa.select(taken)):
        raise Refused(f"There is a cadence called “{name}” already.")
    return name


def activate_cadence(cadence: Cadence) -> None:
    """Its triggers start it again, also for what happened while it was off. Raises Refused without a step."""
    _lock(cadence)
    if not cadence.steps:
        raise Refused("A cadence needs a step before it can be switched on.")
    cadence.active = True
    _triggers_changed(cadence)


def deactivate_cadence(cadence: Cadence) -> None:
    """Nothing starts it any more; patients on their way finish it."""
    _lock(cadence)
    cadence.active = False
    db.session.flush()


def _lock(cadence: Cadence) -> None:
    """One editor at a time, who sees what the one before them did. Starting runs meanwhile is not held up."""
    db.session.scalars(
        sa.select(Cadence)
        .where(Cadence.id == cadence.id)
        .options(selectinload(Cadence.steps))
        .with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).one()


def add_step(cadence: Cadence, step: Step, place: int | None = None) -> CadenceStep:
    """Add a step at `place` (0 is the first), by default the last. Raises Refused out of range or over 12 steps."""
    _lock(cadence)
    if len(cadence.steps) >= MOST_STEPS:
        raise Refused(f"A cadence has at most {MOST_STEPS} steps.")
    last = len(cadence.steps)
    place = last if place is None else min(max(place, 0), last)
    new = CadenceStep(cadence_id=cadence.id, position=place, **_checked(step))
    _renumber(cadence, {old: old + (old >= place) for old in range(last)})
    db.session.add(new)
    db.session.flush()
    db.session.expire(cadence, ["steps"])
    return new


def edit_step(cadence: Cadence, step_id: int, step: Step) -> None:
    """Counts for everybody who has not got this step yet. Raises Refused out of range, or when the step is gone."""
    _lock(cadence)
    mine = _step(cadence, step_id)
    for what, value in _checked(step).items():
        setattr(mine, what, value)
    db.session.flush()


def move_step(cadence: Cadence, step_id: int, by: int) -> None:
    """One place earlier (by=-1) or later (by=1). Raises Refused at the ends, or when the step is gone."""
    _lock(cadence)
    here = cadence.steps.index(_step(cadence, step_id))
    there = here + by
    if by not in (-1, 1) or not 0 <= there < len(cadence.steps):
        raise Refused("The step is at that end already.")
    places = {old: old for old in range(len(cadence.steps))}
    _renumber(cadence, places | {here: there, there: here})
    db.session.expire(cadence, ["steps"])


def remove_step(cadence: Cadence, step_id: int) -> None:
    """Raises Refused for the only step of a cadence that is on, or when the step is gone."""
    _lock(cadence)
    gone = _step(cadence, step_id)
    if cadence.active and len(cadence.steps) == 1:
        raise Refused("The only step cannot be removed; switch the cadence off instead.")
    place, count = cadence.steps.index(gone), len(cadence.steps)
    db.session.delete(gone)
    db.session.flush()
    _renumber(cadence, {old: old - (old > place) for old in range(count) if old != place}, gone=place)
    db.session.expire(cadence, ["steps"])


def _step(cadence: Cadence, step_id: int) -> CadenceStep:
    found = next((step for step in cadence.steps if step.id == step_id), None)
    if found is None:
        raise Refused("Somebody else has removed this step.")
    return found


def _checked(step: Step) -> dict[str, object]:
    if not 0 <= step.gap_hours <= LONGEST_GAP_HOURS:
        raise Refused(f"The gap must be 0 to {LONGEST_GAP_HOURS:,} hours.")
    tries = step.tries if step.mode is StepMode.CALL else 1
    if not 1 <= tries <= MOST_TRIES:
        raise Refused(f"A call is tried 1 to {MOST_TRIES} times.")
    return {"mode": step.mode, "gap_hours": step.gap_hours, "tries": tries}


def _renumber(cadence: Cadence, places: Mapping[int, int], gone: int | None = None) -> None:
    """Give steps their new places (old -> new) and move running runs along; `gone`: the place that was taken out."""
    if places:
        # one statement: places are unique when it ends, not in between
        db.session.execute(
            sa.update(CadenceStep)
            .where(CadenceStep.cadence_id == cadence.id)
            .values(position=sa.case(places, value=CadenceStep.position, else_=CadenceStep.position))
            .execution_options(synchronize_session=False)
        )
    _move_runs(cadence, dict(places), gone)


def _move_runs(cadence: Cadence, places: dict[int, int], gone: int | None) -> None:
    if not places and gone is None:
        return
    here = CadenceRun.position
    if gone is None:
        moved: sa.ColumnElement[int] = sa.case(places, value=here, else_=here)
    else:
        # a call in progress for the step taken out: when it is over, the run goes on with the step that followed
        in_work = sa.and_(here == gone, CadenceRun.next_at.is_(None))
        moved = sa.case((in_work, gone - 1), (here > gone, here - 1), else_=here)
    running = sa.and_(CadenceRun.cadence_id == cadence.id, CadenceRun.state == RunState.RUNNING)
    db.session.execute(sa.select(CadenceRun.id).where(running).order_by(CadenceRun.id).with_for_update())
    db.session.execute(
        sa.update(CadenceRun).where(running).values(position=moved).execution_options(synchronize_session=False)
    )


def add_trigger(cadence: Cadence, start: Start) -> Trigger:
    """Something more that starts the cadence, also for what happened in the last year.

    Raises Refused out of range, for a treatment of somebody else and for a second trigger of the same milestone.
    """
    _lock(cadence)
    _check(cadence, start)
    trigger = Trigger(practice_id=cadence.practice_id, cadence_id=cadence.id, **start._asdict())
    db.session.add(trigger)
    _triggers_changed(cadence)
    return trigger


def edit_trigger(cadence: Cadence, trigger: Trigger, start: Start) -> None:
    """Counts for what starts from now on; whom it started before is not started again. Raises as `add_trigger`."""
    _lock(cadence)
    _check(cadence, start, but=trigger.id)
    for what, value in start._asdict().items():
        setattr(trigger, what, value)
    _triggers_changed(cadence)


def remove_trigger(cadence: Cadence, trigger: Trigger) -> None:
    """Nothing is started by it any more; patients on their way finish."""
    _lock(cadence)
    db.session.delete(trigger)
    _triggers_changed(cadence)


def _check(cadence: Cadence, start: Start, but: int = 0) -> None:
    if start.delay_days is not None and not 0 <= start.delay_days <= LONGEST_DAYS:
        raise Refused(f"The delay must be 0 to {LONGEST_DAYS:,} days, or “when the result opens”.")
    # 0 would let a trigger that is removed and added again start the same patient twice
    if not 1 <= start.spacing_days <= LONGEST_DAYS:
        raise Refused(f"The days between two must be 1 to {LONGEST_DAYS:,}.")
    if not 1 <= start.open_days <= LONGEST_OPEN_DAYS:
        raise Refused(f"The days it makes sense must be 1 to {LONGEST_OPEN_DAYS}.")
    if start.treatment_type_id is not None:
        own = sa.exists().where(
            TreatmentType.practice_id == cadence.practice_id, TreatmentType.id == start.treatment_type_id
        )
        if not db.session.scalar(sa.select(own)):
            raise Refused("The practice does not do this treatment.")
    twin = sa.exists().where(
        Trigger.cadence_id == cadence.id,
        Trigger.milestone_kind == start.milestone_kind,
        Trigger.treatment_type_id.is_not_distinct_from(start.treatment_type_id),
        Trigger.id != but,
    )
    if db.session.scalar(sa.select(twin)):
        raise Refused("This milestone starts this cadence already; change that trigger instead.")


def _triggers_changed(cadence: Cadence) -> None:
    db.session.flush()
    ring(Job.PRACTICE_CHANGED, cadence.practice_id)
