"""How the demo's people behave: about as docs/domain.md says patients do, different in every practice."""

import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.db import db, transaction
from ops.desk.actions.saved import Saved
from ops.messages.actions import receive
from ops.messages.models import InboundMessage, Message, MessageState
from ops.practices.models import Practice
from ops.queue import jobs as queue
from ops.queue.models import Task
from ops.referrals.actions import NOTHING, NewFriend, Told, move_referral
from ops.referrals.models import Referral
from ops.referrals.queries import day_passed
from ops.work.answers import OptIn, ReferralState, Source
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome

CALLS_A_SHIFT = 4
REACHED = 0.62
"""Share of calls that somebody answers."""
ASK = (
    (Outcome.WILLING, 0.70),
    (Outcome.THINKING, 0.07),
    (Outcome.NOT_NOW, 0.09),
    (Outcome.ALREADY_TOLD, 0.05),
    (Outcome.CALLBACK, 0.03),
    (Outcome.NOT_HAPPY, 0.03),
    (Outcome.NEVER, 0.01),
    (Outcome.DO_NOT_CONTACT, 0.02),
)
FRIEND = ((Outcome.FRIEND_BOOKED, 0.55), (Outcome.FRIEND_CONNECTED, 0.25), (Outcome.FRIEND_DECLINED, 0.2))
MISSED = (
    (Outcome.NO_ANSWER, 0.55),
    (Outcome.VOICEMAIL, 0.38),
    (Outcome.BAD_NUMBER, 0.05),
    (Outcome.WRONG_PERSON, 0.02),
)
OTHERS = {
    Kind.FOLLOW_UP: ((Outcome.ALL_WELL, 0.93), (Outcome.NOT_HAPPY, 0.07)),
    Kind.REPLY: ((Outcome.ANSWERED, 1.0),),
}
GIVES_FRIEND = 0.5
"""Share of the willing who have a friend at hand who agrees at once."""
NOTES = (
    "",
    "",
    "",
    "Very happy, mentioned her sister.",
    "Prefers afternoons.",
    "Asked about parking.",
    "Will think about who.",
)
UNHAPPY = (
    "Result is uneven on the left side and nobody called back.",
    "Waited forty minutes, then felt hurried.",
    "Paid for something that was not agreed.",
)
REPLIES = ("Thank you so much!", "Love it here", "What are your hours on Saturday?", "STOP", "Can someone call me?")
WHY_LOST = ("Wants to think about it until spring.", "Came for the consultation only.", "Moved away.")
COMES_FOR = ("", "", "A first consultation", "What her sister had", "Questions about prices")
FRIEND_NAMES = ("Ines", "Carmen", "June", "Petra", "Yuki", "Nora", "Salome", "Tara", "Wanda", "Bea", "Olga", "Rina")


def outcome_of(task: Task, appeal: float, chance: random.Random) -> tuple[Saved, float]:
    """What comes of this call, and how many minutes it takes."""
    if chance.random() > REACHED + 0.03 * task.tries:
        return Saved(_draw(MISSED, chance)), round(chance.uniform(1.5, 3.5), 1)
    minutes = round(chance.uniform(5.0, 9.5), 1)
    if task.kind is Kind.ASK:
        saved = _asked(_draw(ASK, chance), appeal, chance)
    else:
        chosen = _draw(FRIEND if task.kind is Kind.FRIEND_FOLLOW_UP else OTHERS[task.kind], chance)
        saved = Saved(chosen, note=chance.choice(NOTES), visit=_visit(chosen, chance))
    if saved.outcome is Outcome.NOT_HAPPY:
        saved = replace(saved, note=UNHAPPY[task.id % len(UNHAPPY)])
    return saved, minutes


def _draw(weights: tuple[tuple[Outcome, float], ...], chance: random.Random) -> Outcome:
    outcomes, shares = zip(*weights, strict=True)
    return chance.choices(outcomes, shares)[0]


def _asked(outcome: Outcome, appeal: float, chance: random.Random) -> Saved:
    note = chance.choice(NOTES)
    if outcome is Outcome.CALLBACK:
        return Saved(outcome, note=note, callback_at=clock.now() + timedelta(hours=chance.choice((1, 24, 48))))
    brings = outcome in (Outcome.WILLING, Outcome.ALREADY_TOLD) and chance.random() < GIVES_FRIEND * appeal
    return Saved(outcome, note=note, friend=_friend(chance) if brings else None)


def _visit(outcome: Outcome, chance: random.Random) -> Told:
    """Most know the day by then; of the others the practice hears the days that suit."""
    if outcome is not Outcome.FRIEND_BOOKED:
        return NOTHING
    if chance.random() < 0.2:
        return Told(visit_days="Tuesday or Thursday afternoon")
    day = clock.today("America/New_York") + timedelta(days=chance.randint(2, 9))
    return Told(visit_on=day, visit_time=time(chance.randint(9, 16), 30), comes_for=chance.choice(COMES_FOR))


def _friend(chance: random.Random) -> NewFriend:
    code = chance.choice(("415", "312", "512", "303", "212", "305"))
    phone = f"+1{code}55501{chance.randint(0, 99):02}"
    return NewFriend(chance.choice(FRIEND_NAMES), phone, None, chance.choice(list(OptIn)))


def patients_answer(chance: random.Random) -> None:
    """A few of those who got a text today write back."""
    since = clock.now() - timedelta(hours=12)
    answered = sa.exists().where(InboundMessage.in_reply_to == Message.id)
    texts = db.session.scalars(
        sa.select(Message)
        .where(
            Message.channel == "sms",
            Message.state == MessageState.DELIVERED,
            Message.settled_at >= since,
            Message.patient_id.is_not(None),
            ~answered,
        )
        .order_by(Message.created_at, Message.reason_key)
    ).all()
    db.session.rollback()
    for text in texts:
        if chance.random() < 0.06:
            _write_back(text, chance)


def _write_back(text: Message, chance: random.Random) -> None:
    with transaction("patient"):
        reply = receive(
            db.session.get_one(Practice, text.practice_id),
            channel="sms",
            from_address=text.to_address,
            body=chance.choice(REPLIES),
            provider_id=f"demo-{uuid.uuid5(uuid.NAMESPACE_OID, text.reason_key)}",
            in_reply_to=text,
        )
        reply_id = reply.id
    queue.note_reply(reply_id)


def practices_report(chance: random.Random, says: Callable[[int], tuple[User, Source]]) -> None:
    """What became of friends who booked: most come, most of those are treated. `says`: who notes it for a practice."""
    passed = sa.or_(day_passed(), Referral.state == ReferralState.SHOWED)
    query = sa.select(Referral.id).join(Practice, Practice.id == Referral.practice_id).where(passed)
    due = db.session.scalars(query.order_by(Referral.id)).all()
    db.session.rollback()
    for referral_id in due:
        if chance.random() < 0.25:
            _move_on(referral_id, chance, says)


def _move_on(referral_id: int, chance: random.Random, says: Callable[[int], tuple[User, Source]]) -> None:
    practice_id = db.session.get_one(Referral, referral_id).practice_id
    db.session.rollback()
    user, source = says(practice_id)
    with transaction(user.actor):
        referral = db.session.get_one(Referral, referral_id)
        becomes, told = _word_of(referral, chance)
        move_referral(referral, becomes, actor=user.actor, source=source, told=told)


def _word_of(referral: Referral, chance: random.Random) -> tuple[ReferralState, Told]:
    goes_on = chance.random() < 0.85
    if referral.state is ReferralState.BOOKED:
        return (
            (ReferralState.SHOWED, Told(happened_on=referral.visit_on)) if goes_on else (ReferralState.NO_SHOW, NOTHING)
        )
    if goes_on:
        return ReferralState.TREATED, Told(value=Decimal(chance.randrange(200, 1400, 50)))
    return ReferralState.LOST, Told(why=chance.choice(WHY_LOST))
