"""Cadences that ended because a step could not be taken: they go on when what stood in the way is gone.

Something was missing (a text, an address), or the gate said no for good. Such a no ends with what it rested on: an
opt-out is lifted, somebody agrees anew, a number or a birthday is corrected. What is known to have changed is tried at
once; all the others are asked about again with each change of the practice's rules, which includes every few hours.
"""

import sqlalchemy as sa

from ops import clock
from ops.cadences import ways
from ops.cadences.actions import correcting, stepping
from ops.cadences.models import Cadence, CadenceStep
from ops.contact.models import ConsentEvent, Suppression
from ops.db import db
from ops.practices.models import Patient
from ops.queue.actions import moves
from ops.queue.models import CadenceRun
from ops.work.endings import EndReason
from ops.work.kinds import Kind, StepMode

NOT_TAKEN = (EndReason.NOT_SENT, EndReason.MAY_NOT)
"""Ends of a cadence whose steps could not be taken any more."""


def not_taken(practice_id: int | None = None, *, anew: bool = True) -> sa.Select[int]:
    """Cadences (of a practice, or all) that ended so, whose days are not over and whose patient can be reached:
    everyone, or not `anew` those of whose patient something was put right since."""
    there = sa.or_(Patient.phone_key.is_not(None), Patient.email_key.is_not(None))
    which = [CadenceRun.end_reason.in_(NOT_TAKEN), CadenceRun.closes_at > clock.now(), there]
    which += [CadenceRun.practice_id == practice_id] if practice_id else []
    which += [] if anew else [_put_right_since()]
    return sa.select(CadenceRun.id).join(Patient, Patient.id == CadenceRun.patient_id).where(*which)


def _put_right_since() -> sa.ColumnElement[bool]:
    since, keys = CadenceRun.ended_at, (Patient.phone_key, Patient.email_key)
    lifted = sa.exists().where(Suppression.contact_key.in_(keys), Suppression.lifted_at >= since)
    agreed = sa.exists().where(ConsentEvent.contact_key.in_(keys), ConsentEvent.given, ConsentEvent.at >= since)
    may_not = CadenceRun.end_reason == EndReason.MAY_NOT
    return sa.or_(Patient.updated_at >= since, sa.and_(may_not, sa.or_(lifted, agreed)))


def try_again(run_id: int) -> None:
    """What was missing may be there now: the step that could not be taken is due once more. Of a no of the gate that
    nothing is known to have ended the gate is asked first."""
    run = db.session.get_one(CadenceRun, run_id, with_for_update=True, populate_existing=True)
    if run.end_reason not in NOT_TAKEN or correcting.another(run) or _came_back(run):
        return
    put_right = sa.select(sa.exists(not_taken(anew=False).where(CadenceRun.id == run_id)))
    if run.end_reason is EndReason.MAY_NOT and not db.session.scalar(put_right) and not _may_again(run):
        return
    run.next_at = max(clock.now(), run.opens_at)
    moves.resume_run(run)


def _may_again(run: CadenceRun) -> bool:
    """Whether the gate lets a step through that is left, or the text that is sent instead of calls."""
    which = (CadenceStep.cadence_id == run.cadence_id, CadenceStep.position >= run.position)
    modes = set(db.session.scalars(sa.select(CadenceStep.mode).where(*which)))
    patient = db.session.get_one(Patient, run.patient_id)
    for mode in StepMode if modes == {StepMode.CALL} else modes:
        try:
            ways.must_be_allowed(patient, mode)
        except ways.NotAllowed:
            continue
        return True
    return False


def _came_back(run: CadenceRun) -> bool:
    recall = db.session.get_one(Cadence, run.cadence_id).kind is Kind.RECALL
    return recall and stepping.here_again(run) is not None
