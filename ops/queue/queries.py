"""What agents hold now."""

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
