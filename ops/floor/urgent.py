"""What somebody wrote of a symptom and nobody has read: a lead sees it first, at any hour, also where no card is
open for it (no number to call, a stop, who is not known)."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ops.accounts.models import User
from ops.db import db
from ops.floor.board import Asked
from ops.messages.models import InboundMessage
from ops.practices.models import Practice
from ops.queue.models import Task
from ops.work.kinds import Kind
from ops.work.states import OPEN

ROWS = 20


class Urgent(NamedTuple):
    """One of them, without a name. `task_id`: the open card on which it is read, `agent` who has that in progress;
    `answers`: the message whose conversation it stands in."""

    received_at: datetime
    practice: str
    zone: str
    answers: UUID | None
    task_id: int | None
    agent: str | None


def urgent_replies(asked: Asked) -> list[Urgent]:
    """The oldest first, at most 20; of all kinds of work."""
    card = sa.and_(
        Task.patient_id == InboundMessage.patient_id,
        Task.kind == Kind.REPLY,
        Task.state.in_(OPEN),
        Task.urgent,
    )
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            InboundMessage.received_at,
            Practice.name,
            Practice.zone,
            InboundMessage.in_reply_to,
            Task.id,
            User.name,
        )
        .join(Practice, Practice.id == InboundMessage.practice_id)
        .outerjoin(Task, card)
        .outerjoin(User, User.id == Task.held_by)
        .where(InboundMessage.symptoms.is_not(None), InboundMessage.decided_at.is_(None))
        .order_by(InboundMessage.received_at, InboundMessage.id)
        .limit(ROWS)
    )
    if asked.practice:
        query = query.where(Practice.slug == asked.practice)
    return [Urgent(*row) for row in db.session.execute(query)]
