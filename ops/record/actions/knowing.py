"""An agent said when they skipped a card that they know this human personally; a lead says that it is not so."""

from collections.abc import Sequence

import sqlalchemy as sa

from ops.accounts.models import User
from ops.db import db
from ops.errors import Refused
from ops.queue.models import NotOffered
from ops.record.people import Human


def _said_of(human: Human) -> sa.ColumnElement[bool]:
    numbers = [record.phone_key for record in human.records if record.phone_key]
    return sa.and_(
        NotOffered.practice_id == human.practice.id,
        sa.or_(NotOffered.patient_id.in_(human.ids), NotOffered.person_key.in_(numbers)),
    )


def known_by(human: Human) -> Sequence[User]:
    """Who is never offered anything about them, on any record, because they know them; by name."""
    who = sa.select(NotOffered.user_id).where(_said_of(human))
    return db.session.scalars(sa.select(User).where(User.id.in_(who)).order_by(User.name, User.id)).all()


def knows_them_not(human: Human, email: str) -> User:
    """This agent is offered them again, as anybody. The audit log keeps what was taken back. Raises Refused when they
    have not said that they know them, or it was taken back already."""
    user = next((each for each in known_by(human) if each.email == email), None)
    if user is None:
        raise Refused("They have not said that they know them, or it was taken back already.")
    db.session.execute(sa.delete(NotOffered).where(_said_of(human), NotOffered.user_id == user.id))
    return user
