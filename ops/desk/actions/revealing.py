"""Showing the number or address of a card: an act of its own, logged, and bounded."""

from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import Role, User
from ops.accounts.roles import STAFF
from ops.db import db
from ops.desk.card import Card, log_read, open_card_of
from ops.desk.models import NumberStop
from ops.desk.revealed import WITHIN, TooMany, refuse_too_many
from ops.errors import Refused
from ops.mail import outbox
from ops.mail.models import MailKind
from ops.queue.actions import tasks
from ops.work.reads import ReadOf


def show(task_id: int, agent: User, fence: int, what: ReadOf) -> Card:
    """The card whose number or address the agent may see from now on. Raises Refused when they do not hold it or may
    not call, TooMany when they were shown enough for this hour."""
    tasks.held(task_id, agent.id, fence)
    card = open_card_of(agent)
    assert card
    if what is ReadOf.NUMBER and card.why_not:
        raise Refused(f"May not be called now: {card.why_not}.")
    refuse_too_many(agent.id, task_id)
    seen = card.email if what is ReadOf.ADDRESS else card.phone
    log_read(agent, card.task.practice_id, card.task.patient_id, card.task.id, what, seen)
    return card


def tell_leads(agent: User, problem: TooMany) -> None:
    """Keep that they were shown no more, and have leads told: once an hour, however often they press."""
    db.session.execute(sa.select(User.id).where(User.id == agent.id).with_for_update(key_share=True))
    now = clock.now()
    if db.session.scalar(sa.select(sa.exists().where(*_since(agent.id, now)))):
        return
    stop = NumberStop(user_id=agent.id, at=now, shown=problem.shown, unused=problem.unused)
    db.session.add(stop)
    db.session.flush()
    for person in to_be_told():
        outbox.queue(MailKind.NUMBERS, stop.id, person.email, person.id)


def _since(user_id: int, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return NumberStop.user_id == user_id, NumberStop.at > now - WITHIN


def to_be_told() -> list[User]:
    """Every lead; the admins where there is none."""
    staff = sa.select(User).where(User.active, User.role.in_(STAFF)).order_by(User.id)
    people = list(db.session.scalars(staff))
    return [person for person in people if person.role is Role.LEAD] or people
