"""Messages that wait and are not wanted any more: they end with a reason, and none is lost without one."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from ops.db import db
from ops.messages.events import move
from ops.messages.models import Message, MessageState


def cancel_waiting(patient_ids: Collection[int], reason_keys: str, why: str, actor: str) -> list[UUID]:
    """Cancel these patients' messages that wait under reason keys which begin so; which. One that a worker has taken
    already asks again before it leaves."""
    waiting = sa.select(Message.id).where(
        Message.patient_id.in_(patient_ids),
        Message.state == MessageState.QUEUED,
        Message.reason_key.startswith(reason_keys, autoescape=True),
    )
    found = db.session.scalars(waiting).all()
    return [each for each in found if move(each, MessageState.QUEUED, MessageState.CANCELLED, actor=actor, note=why)]


def queue_again(message_id: UUID, why: str, actor: str) -> None:
    """What was cancelled is wanted after all; nothing happens to one that is not cancelled any more."""
    move(message_id, MessageState.CANCELLED, MessageState.QUEUED, actor=actor, note=why, settled_at=None)
