"""Small questions about the queue."""

import sqlalchemy as sa

from ops.db import db
from ops.queue.models import Task, TaskState


def has_task_in_hand(user_id: int) -> bool:
    """Whether this person holds a task."""
    held = sa.exists().where(Task.held_by == user_id, Task.state == TaskState.CLAIMED)
    return bool(db.session.scalar(sa.select(held)))
