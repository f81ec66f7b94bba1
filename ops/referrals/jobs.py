"""Periodic work about referrals."""

import sqlalchemy as sa

from ops.db import db, transaction
from ops.isolated import awake, each
from ops.messages.models import Message, MessageState
from ops.practices.models import Patient, Practice
from ops.referrals.actions import close_loop, matching, note_told
from ops.referrals.models import Referral, ReferralEvent

AT_ONCE = 500


def match_friends(practice_id: int | None = None) -> None:
    """Find the friends who have become patients (of this practice, or all), and move on those whose visits we know."""
    found = {group[0].referral_id: group for group in matching.candidates(practice_id)}
    owner = Referral.practice_id
    each("find friends", [*found], lambda referral_id: _look_at(found[referral_id]), owner=owner, limit=AT_ONCE)
    moved = db.session.scalars(matching.to_follow(practice_id)).all()
    each("follow friends", moved, _follow, owner=owner, limit=AT_ONCE)


def _look_at(found: list[matching.Candidate]) -> None:
    with transaction("tick"):
        matching.look_at(found)


def _follow(referral_id: int) -> None:
    with transaction("tick"):
        matching.follow([referral_id])


def settle_loop() -> int:
    """Pay loop debts whose message arrived, and queue the thank-yous that were never queued; how many were paid."""
    arrived, never_queued = db.session.scalars(_arrived()).all(), db.session.scalars(_never_queued()).all()
    owner = ReferralEvent.practice_id
    paid = each("note who was told", arrived, _note_told, owner=owner, limit=AT_ONCE)
    each("queue thank-yous", never_queued, _thank, owner=owner, limit=AT_ONCE)
    return sum(paid)


def _note_told(event_id: int) -> bool:
    with transaction("tick"):
        return note_told(f"loop:{event_id}")


def _thank(event_id: int) -> None:
    with transaction("tick") as session:
        event = session.get_one(ReferralEvent, event_id)
        referral = session.get_one(Referral, event.referral_id)
        practice = session.get_one(Practice, referral.practice_id)
        close_loop(practice, session.get_one(Patient, referral.referrer_id), event)


def _debts() -> sa.ColumnElement[bool]:
    return sa.and_(ReferralEvent.tell, ReferralEvent.told_at.is_(None))


def _key() -> sa.ColumnElement[str]:
    return sa.func.concat("loop:", sa.cast(ReferralEvent.id, sa.Text))


def _arrived() -> sa.Select[int]:
    # an email server says no more than that it accepted
    left = Message.state.in_((MessageState.ACCEPTED, MessageState.DELIVERED))
    arrived = sa.and_(Message.reason_key == _key(), left)
    due = (_debts(), awake("note who was told", ReferralEvent.id))
    return sa.select(ReferralEvent.id).join(Message, arrived).where(*due).limit(AT_ONCE)


def _never_queued() -> sa.Select[int]:
    queued = sa.exists().where(Message.reason_key == _key())
    return (
        sa.select(ReferralEvent.id).where(_debts(), ~queued, awake("queue thank-yous", ReferralEvent.id)).limit(AT_ONCE)
    )
