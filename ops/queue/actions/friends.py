"""A friend who agreed to be contacted: the referral, and the call within a day."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ops.db import db
from ops.phrases import day_words
from ops.practices.models import Patient, Practice
from ops.queue.actions import lanes, moves, tasks
from ops.queue.models import Task, TaskEvent
from ops.referrals.actions import NewFriend, receive_referral
from ops.referrals.models import Ask, Referral, ReferralEvent
from ops.referrals.words import STATE_WORDS
from ops.work.answers import ReferralState
from ops.work.kinds import Kind
from ops.work.states import EventKind, TaskState
from ops.zones import day_in

NO_CALL = (ReferralState.BOOKED, ReferralState.SHOWED, ReferralState.TREATED, ReferralState.LOST)
"""How far a friend has come who is not called any more."""
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
    """The call to a fresh friend, promised within a day, or to one who did not come; None when there is one already,
    for this referral or the one it is joined to, or no number."""
    if referral.joined_id is not None or not referral.friend_phone:
        return None
    if not db.session.scalar(sa.select(sa.exists().where(Referral.id == referral.id, without_call()))):
        return None
    fresh = referral.state is ReferralState.RECEIVED
    zone = db.session.get_one(Practice, referral.practice_id).zone
    received = f"A friend who agreed to be called, received {day_words(day_in(zone, referral.received_at))}."
    return tasks.open_task(
        practice_id=referral.practice_id,
        patient_id=referral.referrer_id,
        kind=Kind.FRIEND_FOLLOW_UP,
        reason=received if fresh else f"{received} They did not come to their visit: would another day suit them?",
        actor=actor,
        referral_id=referral.id,
        promised_at=referral.received_at + FRIEND_WITHIN if fresh else None,
    )


def without_call() -> sa.ColumnElement[bool]:
    """Friends (Referral) who are to be called: fresh, or they did not come; and no task of it was ever opened."""
    tasks_of = sa.exists().where(Task.referral_id == Referral.id, Task.kind == Kind.FRIEND_FOLLOW_UP)
    missed_at = (
        sa.select(sa.func.max(ReferralEvent.at))
        .where(ReferralEvent.referral_id == Referral.id, ReferralEvent.state == ReferralState.NO_SHOW)
        .scalar_subquery()
    )
    return sa.or_(
        sa.and_(Referral.state == ReferralState.RECEIVED, ~tasks_of),
        sa.and_(Referral.state == ReferralState.NO_SHOW, ~tasks_of.where(Task.created_at >= missed_at)),
    )


def end_call(task: Task, actor: str) -> None:
    """The practice said that the friend has gone on: a call that still waits makes no sense any more."""
    referral = db.session.get(Referral, task.referral_id)
    if task.state is TaskState.WAITING and referral and referral.state in NO_CALL:
        had = task.promised_at.isoformat() if task.promised_at else None
        why = f"The friend has gone on: {STATE_WORDS[referral.state].lower()}."
        tasks.cancel(task, actor, why, friend=referral.state, had_promised=had)


def wrongly_ended() -> sa.Select[int]:
    """The calls (Task) that ended because the friend had gone on, where the step that said so was taken back since."""
    gone_on = sa.exists().where(
        ReferralEvent.referral_id == Referral.id,
        ReferralEvent.state.in_(NO_CALL),
        ReferralEvent.at >= Task.created_at,
    )
    newer = aliased(Task)
    theirs_too = (newer.patient_id == Task.patient_id, newer.referral_id == Task.referral_id, newer.kind == Task.kind)
    another = sa.exists().where(*theirs_too, newer.id > Task.id)
    ended_so = sa.exists().where(
        TaskEvent.task_id == Task.id, TaskEvent.kind == EventKind.CANCELLED, TaskEvent.facts.has_key("friend")
    )
    ended = (Task.kind == Kind.FRIEND_FOLLOW_UP, Task.state == TaskState.CANCELLED, ended_so, ~gone_on, ~another)
    theirs = (Referral.id == Task.referral_id, Referral.referrer_id == Task.patient_id)
    going = (*theirs, Referral.joined_id.is_(None), Referral.state.not_in(NO_CALL))
    return sa.select(Task.id).join(Referral, sa.and_(*going)).where(*ended)


def call_after_all(task: Task, actor: str) -> None:
    """The step was a slip: the call that ended by it waits again, promised as it was."""
    if task.state is not TaskState.CANCELLED:
        return
    ended = sa.select(TaskEvent).where(TaskEvent.task_id == task.id, TaskEvent.kind == EventKind.CANCELLED)
    last = db.session.scalars(ended.order_by(TaskEvent.id.desc()).limit(1)).one()
    had = last.facts.get("had_promised")
    task.promised_at = datetime.fromisoformat(had) if had else None
    moves.move(task, EventKind.UNDONE, actor)
    lanes.fit(task, db.session.get_one(Patient, task.patient_id))
