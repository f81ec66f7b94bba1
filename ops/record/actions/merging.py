"""Two records are one human, and taking that back.

Nothing of the past moves: calls, messages, asks and referrals stay where they were made, and are read together. What
either refused holds for both as long as they are one, because the gate reads both (ops/practices/records.sql). Only
open work goes over to the record that is kept, and what both have going on goes on once. So taking it back is exact:
the work goes back, what was ended as double waits again, and nothing else was changed.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from ops import clock
from ops.background import Job, ring
from ops.cadences.actions import starting
from ops.cadences.models import SPACING_DAYS
from ops.contact.lifting import said
from ops.db import db
from ops.errors import Refused
from ops.practices.models import Patient, Practice
from ops.practices.refusals import keys_of
from ops.queue.actions.promises import is_promise
from ops.queue.models import CadenceRun
from ops.record.actions.open_work import OpenWork, give
from ops.record.models import RecordMerge
from ops.referrals.models import Ask
from ops.work.answers import Answer
from ops.work.kinds import Kind
from ops.work.states import RunState, TaskState


def merge(practice: Practice, kept_id: int, merged_id: int, why: str, *, actor: str) -> RecordMerge:
    """Say that two records are one human; the kept one is contacted from now on.

    Raises Refused without a reason, for records that cannot be one (another birth date, merged already), when the kept
    one has no number and the other has, and while somebody is on a call with them.
    """
    why = said(why, "Please say how you know that they are one person.")
    starting.hold(practice.id)  # what their milestones start is started before, or after for both
    kept, merged = both(practice, kept_id, merged_id)
    _check(kept, merged)
    mine, theirs = OpenWork(kept), OpenWork(merged)
    changed = _one_of_each(kept, merged, mine, theirs, actor)
    waits = [keys_of(each.practice_id, each.external_id, None, None)[0] for each in (kept, merged)]
    new = RecordMerge(
        practice_id=practice.id,
        kept_id=kept.id,
        merged_id=merged.id,
        why=why,
        merged_at=clock.now(),
        merged_by=actor,
        waits=waits,
        changed=changed,
    )
    db.session.add(new)
    db.session.flush()
    ring(Job.PRACTICE_CHANGED, practice.id)
    return new


def both(practice: Practice, *ids: int) -> list[Patient]:
    """The two records, locked, as given; work may still be opened about them: `OpenWork` sees to it."""
    theirs = sa.select(Patient).where(Patient.practice_id == practice.id, Patient.id.in_(ids))
    found = db.session.scalars(
        theirs.order_by(Patient.id).with_for_update(key_share=True), execution_options={"populate_existing": True}
    )
    by_id = {patient.id: patient for patient in found}
    if len(by_id) < 2:
        raise Refused("Please choose another record of this practice.")
    return [by_id[each] for each in ids]


def _check(kept: Patient, merged: Patient) -> None:
    ids = (kept.id, merged.id)
    stands = sa.select(RecordMerge).where(
        RecordMerge.undone_at.is_(None),
        sa.or_(RecordMerge.merged_id.in_(ids), RecordMerge.kept_id == merged.id),
    )
    if db.session.scalars(stands.limit(1)).first():
        raise Refused("One of them is merged already. Open the record that is kept, or take that merge back first.")
    if kept.birth_date and merged.birth_date and kept.birth_date != merged.birth_date:
        raise Refused("They were born on different days, so they are two people. If not, have the practice correct it.")
    if merged.phone and not kept.phone:
        raise Refused("The record to keep has no number, and the other one has: keep that one, or correct it first.")


def _one_of_each(kept: Patient, merged: Patient, mine: OpenWork, theirs: OpenWork, actor: str) -> dict[str, Any]:
    """End what is double, take the rest over; what was done, for taking it back."""
    double = [(theirs, run) for run in theirs.runs if _asked(theirs, run, kept)]
    double += [(mine, run) for run in mine.runs if _asked(mine, run, merged)]
    double += _of_a_kind(mine, theirs, {run.id for _, run in double})
    ended = [work.end(run, actor) for work, run in double]
    cards = [task for task in mine.tasks if task.run_id is None and task.kind is Kind.REPLY]
    if cards:  # one card is enough for all they wrote, but a call that was agreed on another is made
        more = [task for task in theirs.tasks if task.run_id is None and task.kind is Kind.REPLY]
        more = [task for task in more if not is_promise(task)]
        ended += [theirs.end_task(task, actor) for task in more]
    runs = [run for run in theirs.runs if run.state is RunState.RUNNING]
    open_tasks = [task for task in theirs.tasks if task.state is TaskState.WAITING]
    give(runs, open_tasks, kept)
    return {"ended": ended, "moved": [task.id for task in open_tasks]}


def _of_a_kind(mine: OpenWork, theirs: OpenWork, but: set[int]) -> list[tuple[OpenWork, CadenceRun]]:
    """Of two of a kind one is double: the merged record's, unless only there a call was agreed. Where both have one,
    they expect two."""
    double: dict[int, tuple[OpenWork, CadenceRun]] = {}
    for run in theirs.runs:
        same = [each for each in mine.runs if mine.kind_of(each) is theirs.kind_of(run) and each.id not in but]
        if not same or run.id in but:
            continue
        if not theirs.promised(run):
            double[run.id] = theirs, run
        else:
            double |= {each.id: (mine, each) for each in same if not mine.promised(each)}
    return list(double.values())


def _asked(work: OpenWork, run: CadenceRun, other: Patient) -> bool:
    """Whether this would ask whom we have the answer of, under the other record."""
    if work.kind_of(run) is not Kind.ASK:
        return False
    # a call that was agreed is made; who said "never" is not called even so
    lately = sa.false() if work.promised(run) else Ask.asked_at > clock.now() - timedelta(days=SPACING_DAYS)
    answered = sa.select(Ask.id).where(
        Ask.patient_id == other.id,
        Ask.answer != Answer.NO_ANSWER,
        sa.or_(lately, Ask.answer == Answer.NEVER),
    )
    return db.session.scalars(answered.limit(1)).first() is not None
