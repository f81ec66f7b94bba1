"""Work done outside a request. Each job finds its rows itself, claims them, and may run twice."""

import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy.orm.util import identity_key

from ops import clock, one_clock
from ops.db import db, driver_transaction, transaction
from ops.isolated import awake, each
from ops.messages.models import InboundMessage
from ops.practices.models import Milestone, Patient, Practice, PracticeStatus
from ops.queue.actions import claiming, friends, lanes, promises, ranking, replies, shares
from ops.queue.actions.claiming import Claimed, Refusal
from ops.queue.models import Task
from ops.referrals.models import Referral
from ops.work.kinds import Kind
from ops.work.states import TaskState

FITS_AT_ONCE = 10
"""Batches of tasks without a lane that one upkeep finds lanes for."""
AT_ONCE = 500
"""Friends and replies one upkeep looks at."""


def next_for(agent_id: int, actor: str) -> Claimed | None:
    """Claim the next task, in transactions of its own; None when nothing may be done now.

    Before it says so, what came due or opened since the last upkeep is offered. Raises WrongClock.
    """
    one_clock.must_agree()
    claimed = _claim(agent_id, actor)
    if claimed is None:
        with transaction("tick"):
            lanes.refresh()
        claimed = _claim(agent_id, actor)
    if claimed and (known := db.session.identity_map.get(identity_key(Task, claimed.id))):
        db.session.expire(known)
    return claimed


def _claim(agent_id: int, actor: str) -> Claimed | None:
    refused: list[Refusal] = []
    for _ in range(claiming.LOOKS):
        try:
            with driver_transaction() as connection:
                found = claiming.claim_next(connection, agent_id, actor, refused)
        except UniqueViolation:  # somebody took another task of the same person in that moment
            continue
        if not isinstance(found, Refusal):
            return found
        refused.append(found)
        with transaction("gate"):
            claiming.shut(found)
    return None


def upkeep() -> None:
    """Expired leases back, shares honest, friends without a call given one, replies looked at."""
    with transaction("tick"):
        shares.hold_floor()
        claiming.return_expired()
        shares.refresh_shares()
    for _ in range(FITS_AT_ONCE):  # a new edition of the rules has every waiting task find its lane again
        with transaction("tick"):
            if not lanes.fit_waiting():
                break
    with transaction("tick"):
        lanes.refresh()
    friends_moved()
    unhandled = db.session.scalars(_unhandled_replies()).all()
    each("read replies", unhandled, note_reply, owner=InboundMessage.practice_id, limit=AT_ONCE)
    promised = promises.coming_up(AT_ONCE)
    each("look at promises", promised, _look_at_promise, owner=Task.practice_id, limit=AT_ONCE)


def _look_at_promise(task_id: int) -> None:
    with transaction("tick"):
        promises.look_at(task_id)


def friends_moved() -> None:
    """Each friend gets the call that follows from how far they are, and no other."""
    uncalled = db.session.scalars(_friends_without_call()).all()
    each("call friends", uncalled, _call_friend, owner=Referral.practice_id, limit=AT_ONCE)
    slips = db.session.scalars(friends.wrongly_ended().where(awake("call friends again", Task.id)).limit(AT_ONCE)).all()
    each("call friends again", slips, _call_after_all, owner=Task.practice_id, limit=AT_ONCE)
    gone_on = db.session.scalars(_calls_too_late()).all()
    each("end calls to friends", gone_on, _end_call, owner=Task.practice_id, limit=AT_ONCE)


def _friends_without_call() -> sa.Select[int]:
    waits = (Referral.friend_phone.is_not(None), Referral.joined_id.is_(None), awake("call friends", Referral.id))
    return sa.select(Referral.id).where(friends.without_call(), *waits).order_by(Referral.id).limit(AT_ONCE)


def _call_friend(referral_id: int) -> None:
    with transaction("tick") as session:
        friends.open_friend_task(session.get_one(Referral, referral_id), "tick")


def _call_after_all(task_id: int) -> None:
    with transaction("tick") as session:
        friends.call_after_all(session.get_one(Task, task_id, with_for_update=True), "tick")


def _calls_too_late() -> sa.Select[int]:
    waits = (Task.state == TaskState.WAITING, Task.kind == Kind.FRIEND_FOLLOW_UP)
    gone_on = sa.and_(Referral.id == Task.referral_id, Referral.state.in_(friends.NO_CALL))
    too_late = sa.select(Task.id).join(Referral, gone_on).where(*waits, awake("end calls to friends", Task.id))
    return too_late.limit(AT_ONCE)


def _end_call(task_id: int) -> None:
    with transaction("tick") as session:
        friends.end_call(session.get_one(Task, task_id, with_for_update=True), "tick")


def _unhandled_replies() -> sa.Select[int]:
    unhandled = (InboundMessage.handled_at.is_(None), awake("read replies", InboundMessage.id))
    return sa.select(InboundMessage.id).where(*unhandled).limit(AT_ONCE)


def rerank(practice_id: int | None = None) -> None:
    """Weigh the best moments again: of everybody once an hour, of one practice when its facts changed."""
    after: int | None = 0
    while after is not None:
        with transaction("tick"):
            after = ranking.rerank(after, practice_id)


def note_reply(inbound_id: int) -> None:
    """Somebody wrote back."""
    with transaction("tick") as session:
        inbound = session.scalars(
            sa.select(InboundMessage)
            .where(InboundMessage.id == inbound_id, InboundMessage.handled_at.is_(None))
            .with_for_update(skip_locked=True)
        ).first()
        if inbound is None or _begins_first(inbound):
            return
        inbound.handled_at = clock.now()
        patient = session.get(Patient, inbound.patient_id) if inbound.patient_id else None
        if patient:
            replies.note(inbound, patient)


def _begins_first(inbound: InboundMessage) -> bool:
    """Whether something of this patient has yet to begin that what they wrote would end: the tick starts cadences
    before it looks at replies again. What raises there holds up no reply."""
    unseen = sa.exists().where(Milestone.patient_id == inbound.patient_id, Milestone.triggered_at.is_(None))
    going = sa.select(Practice.id).where(
        Practice.id == inbound.practice_id,
        Practice.status != PracticeStatus.ENDED,
        unseen,
        awake("start cadences", Practice.id),
    )
    return db.session.scalar(going) is not None
