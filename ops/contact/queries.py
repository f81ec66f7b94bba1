"""What is known about contacting one person."""

import sqlalchemy as sa

from ops.contact.models import ConsentEvent
from ops.db import db


def has_agreed(practice_id: int, contact_key: bytes) -> bool:
    """Whether whoever has this number or address last said yes, themself, to being contacted by this practice."""
    last = (
        sa.select(ConsentEvent.given)
        .where(ConsentEvent.practice_id == practice_id, ConsentEvent.contact_key == contact_key)
        .order_by(ConsentEvent.id.desc())
        .limit(1)
    )
    return db.session.scalar(last) is True
