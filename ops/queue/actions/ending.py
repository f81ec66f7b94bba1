"""What is going on with somebody ends altogether: they said so, wrote back, or may not be contacted any more."""

import sqlalchemy as sa

from ops.db import db
from ops.messages.models import Message, MessageState
from ops.practices.humans import ever_under
from ops.queue.actions import moves, tasks
from ops.queue.models import CadenceRun, Task
from ops.work.endings import SENT_ALL, Ending
from ops.work.kinds import Kind
from ops.work.states import RunState, TaskState


def cancel_work_for(
    patient_id: int,
    actor: str,
    why: Ending,
    *,
    except_task: int | None = None,
    promises: bool = True,
    kind: Kind | None = None,
) -> int:
    """End every cadence of a patient and cancel their waiting tasks, of the kinds that `why` ends; how many tasks.
    `promises` False keeps the calls that were agreed with them: who writes "thank you" still expects the call at three.
    `kind`: of this kind alone.
    """
    kinds = [each for each in Kind if why.ends(each) and kind in (None, each)]
    waiting = db.session.scalars(
        sa.select(Task)
        .where(
            Task.patient_id == patient_id,
            Task.referral_id.is_(None),
            Task.state == TaskState.WAITING,
            Task.kind.in_(kinds),
            Task.id != (except_task or 0),
            sa.true() if promises else Task.promised_at.is_(None),
        )
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    for task in waiting:
        tasks.cancel(task, actor, str(why))
    _end_cadences(patient_id, why, kinds)
    db.session.flush()
    return len(waiting)


def _end_cadences(patient_id: int, why: Ending, kinds: list[Kind]) -> None:
    """Those that go on, and those whose last text has not left."""
    cadences = sa.table("cadences", sa.column("id"), sa.column("kind"))
    for run in db.session.scalars(
        sa.select(CadenceRun)
        .where(
            CadenceRun.patient_id == patient_id,
            sa.or_(CadenceRun.state == RunState.RUNNING, _still_to_send()),
            CadenceRun.cadence_id.in_(sa.select(cadences.c.id).where(cadences.c.kind.in_(kinds))),
        )
        .with_for_update(),
        execution_options={"populate_existing": True},
    ):
        if run.state is RunState.RUNNING:
            moves.end_run(run, why)
        else:
            moves.end_otherwise(run, why)


def _still_to_send() -> sa.ColumnElement[bool]:
    """Cadences (CadenceRun) that have taken all their steps, and whose last text or email has not left."""
    under = sa.select(ever_under(CadenceRun.patient_id).c.patient_id)
    waits = (Message.patient_id.in_(under), Message.reason_key.like(CadenceRun.message_keys()))
    not_left = Message.state.in_((MessageState.QUEUED, MessageState.CLAIMED))
    return sa.and_(CadenceRun.end_reason.in_(SENT_ALL), sa.exists().where(*waits, not_left))
