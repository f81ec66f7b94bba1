"""Who has what in hands."""

import sqlalchemy as sa

from ops.db import db
from ops.queue.models import Task
from ops.work.states import TaskState


def has_task_in_hand(user_id: int) -> bool:
    """Whether this person holds a task."""
    held = sa.exists().where(Task.held_by == user_id, Task.state == TaskState.CLAIMED)
    return bool(db.session.scalar(sa.select(held)))


def task_of(agent_id: int) -> Task | None:
    """The task this agent holds."""
    return db.session.scalars(
        sa.select(Task).where(Task.held_by == agent_id, Task.state == TaskState.CLAIMED),
        execution_options={"populate_existing": True},
    ).first()


def in_other_hands(task: Task) -> Task | None:
    """Another task of this patient, or of whoever has the same number, that somebody has in hands (`spoken_to` in
    offered.sql). None: nobody is speaking to them."""
    spoken = sa.func.spoken_to(task.patient_id, sa.cast(task.person_key, sa.LargeBinary))
    calls = spoken.table_valued(sa.column("task_id", sa.BigInteger), name="spoken")
    return db.session.scalars(
        sa.select(Task)
        .join(calls, calls.c.task_id == Task.id)
        .where(Task.id != task.id)
        .order_by((Task.patient_id == task.patient_id).desc())
        .limit(1),
        execution_options={"populate_existing": True},
    ).first()
