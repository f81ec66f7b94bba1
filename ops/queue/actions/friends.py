"""A friend who agreed to be contacted: the referral, and the call within a day."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ops.db import db
from ops.phrases import day_words
from ops.practices.models import Patient, Practice
from ops.queue.actions import tasks
from ops.queue.models import Task
from ops.referrals.actions import NewFriend, receive_referral
from ops.referrals.models import Ask, Referral
from ops.work.kinds import Kind
from ops.zones import day_in

FRIEND_WITHIN = timedelta(hours=24)
"""A friend is called the same day, at the latest within this time (docs/domain.md, the Ease)."""


def receive_friend(
    practice: Practice,
    referrer: Patient,
    friend: NewFriend,
    actor: str,
    ask: Ask | None,
    *,
    send_after: datetime | None = None,
) -> Referral:
    """A friend agreed to be contacted: the referral, the thank-you to the referrer (not before `send_after`), and a
    call to the friend today."""
    referral = receive_referral(practice, referrer, friend, actor=actor, ask=ask, send_after=send_after)
    open_friend_task(referral, actor)
    return referral


def open_friend_task(referral: Referral, actor: str) -> Task | None:
    """The follow-up call to a fresh friend, promised within a day; None when there is one already, for this referral or
    the one it is joined to, or no number."""
    if referral.joined_id is not None:
        return None
    there = db.session.scalar(
        sa.select(sa.exists().where(Task.referral_id == referral.id, Task.kind == Kind.FRIEND_FOLLOW_UP))
    )
    if there or not referral.friend_phone:
        return None
    zone = db.session.get_one(Practice, referral.practice_id).zone
    return tasks.open_task(
        practice_id=referral.practice_id,
        patient_id=referral.referrer_id,
        kind=Kind.FRIEND_FOLLOW_UP,
        reason=f"A friend who agreed to be called, received {day_words(day_in(zone, referral.received_at))}.",
        actor=actor,
        referral_id=referral.id,
        promised_at=referral.received_at + FRIEND_WITHIN,
    )
