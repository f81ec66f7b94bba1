"""Periodic work about referrals."""

import sqlalchemy as sa

from ops.db import db, transaction
from ops.messages.models import Message, MessageState
from ops.practices.models import Patient, Practice
from ops.referrals.actions import close_loop, note_told
from ops.referrals.models import Referral, ReferralEvent

AT_ONCE = 500


def settle_loop() -> int:
    """Pay loop debts whose message arrived, and queue the thank-yous that were never queued; how many were paid."""
    paid = 0
    with transaction("tick"):
        for key in db.session.scalars(_arrived()).all():
            paid += note_told(key)
        for event, referral in db.session.execute(_never_queued()).all():
            practice, referrer = (
                db.session.get_one(Practice, referral.practice_id),
                db.session.get_one(Patient, referral.referrer_id),
            )
            close_loop(practice, referrer, event)
    return paid


def _debts() -> sa.ColumnElement[bool]:
    return sa.and_(ReferralEvent.tell, ReferralEvent.told_at.is_(None))


def _key() -> sa.ColumnElement[str]:
    return sa.func.concat("loop:", sa.cast(ReferralEvent.id, sa.Text))


def _arrived() -> sa.Select[tuple[str]]:
    # a mail server says no more than that it accepted
    left = Message.state.in_((MessageState.ACCEPTED, MessageState.DELIVERED))
    arrived = sa.and_(Message.reason_key == _key(), left)
    return sa.select(Message.reason_key).join(ReferralEvent, arrived).where(_debts()).limit(AT_ONCE)


def _never_queued() -> sa.Select[tuple[ReferralEvent, Referral]]:
    queued = sa.exists().where(Message.reason_key == _key())
    return (
        sa.select(ReferralEvent, Referral)
        .join(Referral, Referral.id == ReferralEvent.referral_id)
        .where(_debts(), ~queued)
        .limit(AT_ONCE)
    )
