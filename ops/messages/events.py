"""Moving a message from one state to the next, always with an event that says so.

queued -> claimed -> attempting -> accepted -> delivered
             |           |------> failed | unknown -> (somebody asks) -> delivered | queued | failed
             |------> queued (later) | blocked | cancelled -> (wanted after all) -> queued
"""

import uuid
from typing import Any

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.messages.models import Message, MessageEvent, MessageState

MAY_FOLLOW: dict[MessageState, frozenset[MessageState]] = {
    MessageState.QUEUED: frozenset({MessageState.CLAIMED, MessageState.BLOCKED, MessageState.CANCELLED}),
    MessageState.CLAIMED: frozenset(
        {MessageState.ATTEMPTING, MessageState.QUEUED, MessageState.BLOCKED, MessageState.CANCELLED}
    ),
    MessageState.ATTEMPTING: frozenset(
        {MessageState.ACCEPTED, MessageState.FAILED, MessageState.UNKNOWN, MessageState.QUEUED}
    ),
    MessageState.ACCEPTED: frozenset({MessageState.DELIVERED, MessageState.FAILED}),
    MessageState.UNKNOWN: frozenset({MessageState.ACCEPTED, MessageState.FAILED, MessageState.QUEUED}),
    MessageState.DELIVERED: frozenset(),
    MessageState.FAILED: frozenset(),
    MessageState.BLOCKED: frozenset(),
    MessageState.CANCELLED: frozenset({MessageState.QUEUED}),  # it is wanted after all
}
SETTLED = {
    MessageState.DELIVERED,
    MessageState.FAILED,
    MessageState.BLOCKED,
    MessageState.CANCELLED,
    MessageState.ACCEPTED,
}


def move(
    message_id: uuid.UUID, was: MessageState, becomes: MessageState, *, actor: str, note: str = "", **values: Any
) -> bool:
    """Take the message from one state to the next and write the event; False when it is not in `was` any more.

    Of several who try at once, one gets True. Raises ValueError for a step that does not exist.
    """
    if becomes not in MAY_FOLLOW[was]:
        raise ValueError(f"a message that is {was} cannot become {becomes}")
    now = clock.now()
    if becomes in SETTLED:
        values["settled_at"] = now
    moved = db.session.execute(
        sa.update(Message)
        .where(Message.id == message_id, Message.state == was)
        .values(state=becomes, **values)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    if moved:
        note_event(message_id, becomes, actor, note)
    return bool(moved)


def note_event(message_id: uuid.UUID, state: MessageState, actor: str, note: str = "") -> None:
    """Write down that the message is now in `state`."""
    db.session.add(MessageEvent(message_id=message_id, at=clock.now(), state=state, note=note, actor=actor))
    db.session.flush()
