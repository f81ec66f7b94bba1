"""What is known about contacting one person."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ops.contact.models import ConsentEvent, ContactAttempt, SuppressedChannel, Suppression
from ops.db import db

CAP_SPAN = timedelta(hours=24)


def suppressions_for(
    practice_id: int, phone_key: bytes | None, email_key: bytes | None
) -> set[tuple[SuppressedChannel, str]]:
    """What stands against this practice contacting whoever has this number or address: (channel, reason code).

    Includes what holds for the whole agency. An empty set is an answer; a failed read raises.
    """
    rows = db.session.execute(
        sa.select(Suppression.channel, Suppression.reason).where(*suppressing(practice_id, phone_key, email_key))
    )
    return {(channel, reason) for channel, reason in rows}


def suppressing(practice_id: int, phone_key: bytes | None, email_key: bytes | None) -> tuple[sa.ColumnElement, ...]:
    """The conditions under which a suppression concerns this practice and this person."""
    keys = [key for key in (phone_key, email_key) if key is not None]
    return (
        Suppression.contact_key.in_(keys),
        sa.or_(Suppression.practice_id == practice_id, Suppression.practice_id.is_(None)),
    )


def attempts_24h(contact_key: bytes, at: datetime) -> int:
    """Calls and texts to this number in the 24 hours up to `at`, for whichever practice."""
    return db.session.scalar(sa.select(sa.func.count()).where(*recent_attempts(contact_key, at))) or 0


def recent_attempts(contact_key: bytes, at: datetime) -> tuple[sa.ColumnElement, ...]:
    """The conditions under which an attempt counts against the cap of this number at `at`."""
    return (
        ContactAttempt.contact_key == contact_key,
        ContactAttempt.at > at - CAP_SPAN,
        ContactAttempt.at <= at,
    )


def consenting(practice_id: int, contact_key: bytes, channel: str) -> tuple[sa.ColumnElement, ...]:
    """The conditions under which a consent, or its withdrawal, is about this practice, person and channel."""
    return (
        ConsentEvent.contact_key == contact_key,
        ConsentEvent.practice_id == practice_id,
        ConsentEvent.channel.in_((channel, "all")),
    )


def has_agreed(practice_id: int, contact_key: bytes) -> bool:
    """Whether whoever has this number or address last said yes, themself, to being contacted by this practice."""
    last = (
        sa.select(ConsentEvent.given)
        .where(ConsentEvent.practice_id == practice_id, ConsentEvent.contact_key == contact_key)
        .order_by(ConsentEvent.id.desc())
        .limit(1)
    )
    return db.session.scalar(last) is True
