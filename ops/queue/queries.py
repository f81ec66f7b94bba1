"""Who has what in progress."""

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


def on_another_call(task: Task) -> Task | None:
    """Another task of this patient, or of whoever has the same number, that somebody has in progress. None: nobody is
    speaking to them."""
    spoken_to = sa.func.spoken_to(task.patient_id, task.person_key).table_valued("task_id")
    same_patient = Task.patient_id == task.patient_id
    return db.session.scalars(
        sa.select(Task)
        .join(spoken_to, spoken_to.c.task_id == Task.id)
        .where(Task.id != task.id)
        .order_by(same_patient.desc())
        .limit(1),
        execution_options={"populate_existing": True},
    ).first()
