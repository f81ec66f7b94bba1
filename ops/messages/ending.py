"""Messages that wait and are not wanted any more: they end with a reason, and none is lost without one."""

import sqlalchemy as sa

from ops.db import db
from ops.messages.events import move
from ops.messages.models import Message, MessageState


def cancel_waiting(patient_id: int, reason_keys: str, why: str, actor: str) -> int:
    """Cancel the patient's messages that wait under reason keys which begin so; how many. One that a worker has taken
    already asks again before it leaves."""
    waiting = sa.select(Message.id).where(
        Message.patient_id == patient_id,
        Message.state == MessageState.QUEUED,
        Message.reason_key.startswith(reason_keys, autoescape=True),
    )
    found = db.session.scalars(waiting).all()
    return sum(move(each, MessageState.QUEUED, MessageState.CANCELLED, actor=actor, note=why) for each in found)
