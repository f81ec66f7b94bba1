"""Asks, friends, and the word back to the referrer."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.contact.actions import record_consent
from ops.crypto import contact_key
from ops.db import db, rows_changed
from ops.errors import Refused
from ops.messages.actions import queue_message
from ops.practices.models import Patient, Practice
from ops.referrals import states
from ops.referrals.models import Ask, Referral, ReferralEvent
from ops.scripts import queries as scripts
from ops.scripts.models import Medium
from ops.scripts.render import ScriptError, render
from ops.scripts.values import of_practice
from ops.work.answers import Answer, OptIn, ReferralState


class NewFriend(NamedTuple):
    """A friend who agreed themself to be contacted; phone in E.164, at least one of phone and email."""

    name: str
    phone: str | None
    email: str | None
    opt_in: OptIn


def record_ask(practice_id: int, patient_id: int, run_id: int, answer: Answer) -> Ask:
    """Note that this run asked the patient, and the answer. A later answer replaces "no answer", never the other
    way."""
    now = clock.now()
    answered = None if answer is Answer.NO_ANSWER else now
    db.session.execute(
        insert(Ask)
        .values(
            practice_id=practice_id,
            patient_id=patient_id,
            run_id=run_id,
            asked_at=now,
            answer=answer,
            answered_at=answered,
        )
        .on_conflict_do_update(
            index_elements=["run_id"],
            set_={"answer": answer, "answered_at": answered},
            where=sa.literal(answer is not Answer.NO_ANSWER),
        )
    )
    return db.session.scalars(
        sa.select(Ask).where(Ask.run_id == run_id), execution_options={"populate_existing": True}
    ).one()


def receive_referral(
    practice: Practice,
    referrer: Patient,
    friend: NewFriend,
    *,
    actor: str,
    ask: Ask | None,
    send_after: datetime | None = None,
) -> Referral:
    """A friend agreed to be contacted. The same friend of the same referrer again is the referral we have.

    Writes the friend's consent, the first event (told to the referrer at once, at the level that says nothing about the
    friend) and queues that thank-you, to leave not before `send_after`. Raises Refused without a way to reach the
    friend or when the friend is the referrer.
    """
    key = _friend_key(friend, referrer)
    known = db.session.scalars(
        sa.select(Referral).where(
            Referral.practice_id == practice.id, Referral.referrer_id == referrer.id, Referral.contact_key == key
        )
    ).first()
    if known:
        return known
    referral = Referral(
        practice_id=practice.id,
        referrer_id=referrer.id,
        ask_id=ask.id if ask else None,
        friend_name=friend.name.strip(),
        friend_phone=friend.phone,
        friend_email=friend.email,
        contact_key=key,
        opt_in=friend.opt_in,
        state=ReferralState.RECEIVED,
        received_at=clock.now(),
        received_by=actor,
    )
    db.session.add(referral)
    db.session.flush()
    _note_consent(referral, actor)
    event = _add_event(referral, ReferralState.RECEIVED, actor, tell=True)
    close_loop(practice, referrer, event, send_after=send_after)
    return referral


def _friend_key(friend: NewFriend, referrer: Patient) -> bytes:
    if not friend.name.strip():
        raise Refused("Please give the friend's first name.")
    address = friend.phone or friend.email
    if not address:
        raise Refused("Please give the friend's phone number or email address.")
    key = contact_key(address)
    if key in (referrer.phone_key, referrer.email_key):
        raise Refused("That is the patient's own number or address, not the friend's.")
    return key


def _note_consent(referral: Referral, actor: str) -> None:
    for channel, address in (("call", referral.friend_phone), ("email", referral.friend_email)):
        if address:
            record_consent(
                practice_id=referral.practice_id,
                contact_key=contact_key(address),
                person=f"referral:{referral.id}",
                channel=channel,
                purpose="to be contacted by the practice about a first visit",
                given=True,
                how=referral.opt_in,
                words="The friend agreed, themself, to be contacted by the practice.",
                actor=actor,
            )


def move_referral(referral: Referral, becomes: ReferralState, *, actor: str) -> ReferralEvent:
    """Take a referral one step further. Raises Refused for a step that cannot follow.

    What happens to the friend after we have their name is the friend's own affair: the referrer is not told
    (docs/rules.md decision 7).
    """
    if not states.may_follow(referral.state, becomes):
        raise Refused(f"A referral that is {referral.state} cannot become {becomes}.")
    referral.state = becomes
    return _add_event(referral, becomes, actor, tell=False)


def _add_event(referral: Referral, state: ReferralState, actor: str, *, tell: bool) -> ReferralEvent:
    event = ReferralEvent(
        practice_id=referral.practice_id,
        referral_id=referral.id,
        state=state,
        at=clock.now(),
        actor=actor,
        tell=tell,
    )
    db.session.add(event)
    db.session.flush()
    return event


def close_loop(
    practice: Practice, referrer: Patient, event: ReferralEvent, *, send_after: datetime | None = None
) -> bool:
    """Queue the thank-you that tells the referrer "it reached us", once per event; False when there is no way to send
    it."""
    values = of_practice(practice) | {"patient_first_name": referrer.first_name}
    for medium, address in ((Medium.SMS, referrer.phone), (Medium.EMAIL, referrer.email)):
        version = scripts.published(practice.id, "loop_closing", medium, referrer.id)
        if not address or not version:
            continue
        try:
            subject, body = (render(version.subject, values) if version.subject else ""), render(version.body, values)
            queue_message(
                practice,
                referrer,
                channel=medium.value,
                kind="loop_closing",
                reason_key=f"loop:{event.id}",
                to_address=address,
                subject=subject,
                body=body,
                script_version_id=version.id,
                send_after=send_after,
            )
        except (ScriptError, Refused):  # a friend is not lost because the thank-you cannot be written
            continue
        return True
    return False


def note_told(message_reason_key: str) -> bool:
    """The thank-you of a referral event was delivered: the debt is paid. False when the key is not of a loop
    message."""
    kind, _, event_id = message_reason_key.partition(":")
    if kind != "loop" or not event_id.isdigit():
        return False
    done = db.session.execute(
        sa.update(ReferralEvent)
        .where(ReferralEvent.id == int(event_id), ReferralEvent.told_at.is_(None))
        .values(told_at=clock.now())
    )
    return bool(rows_changed(done))
