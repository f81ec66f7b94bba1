"""An ask and its answer, and the friend who came of it."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.contact.actions import hold_number, record_consent
from ops.contact.models import ConsentEvent
from ops.crypto import contact_key
from ops.db import db
from ops.errors import Refused
from ops.practices.humans import ids_of
from ops.practices.models import Patient, Practice
from ops.referrals.actions.closing import close_loop
from ops.referrals.actions.moving import add_event
from ops.referrals.models import Ask, Referral
from ops.work.answers import Answer, OptIn, ReferralState, Source


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
    """A friend agreed to be contacted. The same friend of the same referrer again is the referral we have; of another
    referrer it is one more, joined to that one: the friend is one human, and is called once.

    Writes the friend's consent, the first event (told to the referrer at once, at the level that says nothing about the
    friend) and queues that thank-you, to leave not before `send_after`. Raises Refused without a way to reach the
    friend or when the friend is the referrer.
    """
    key = _friend_key(friend, referrer)
    keys = sorted(contact_key(address) for address in (friend.phone, friend.email) if address)
    for each in keys:  # two agents may hear of one friend in the same moment
        hold_number(each)
    if known := _of_referrer(referrer, key):
        return known
    referral = _keep(referrer, friend, key, _known_friend(practice.id, keys, called=friend.phone is not None), actor)
    referral.ask_id = ask.id if ask else None
    _note_consent(referral, actor)
    event = add_event(referral, ReferralState.RECEIVED, actor, Source.CALL, tell=True)
    close_loop(practice, referrer, event, send_after=send_after)
    return referral


def _of_referrer(referrer: Patient, key: bytes) -> Referral | None:
    theirs = ids_of(referrer.practice_id, referrer.id)  # under whichever record they sent them
    own = (Referral.practice_id == referrer.practice_id, Referral.referrer_id.in_(theirs))
    return db.session.scalars(sa.select(Referral).where(*own, Referral.contact_key == key)).first()


def _keep(referrer: Patient, friend: NewFriend, key: bytes, joined_id: int | None, actor: str) -> Referral:
    referral = Referral(
        practice_id=referrer.practice_id,
        referrer_id=referrer.id,
        friend_name=friend.name.strip(),
        friend_phone=friend.phone,
        friend_email=friend.email,
        contact_key=key,
        email_key=contact_key(friend.email) if friend.email else None,
        joined_id=joined_id,
        opt_in=friend.opt_in,
        state=ReferralState.RECEIVED,
        received_at=clock.now(),
        received_by=actor,
    )
    db.session.add(referral)
    db.session.flush()
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


def _known_friend(practice_id: int, keys: list[bytes], *, called: bool) -> int | None:
    """The referral of a friend with one of these numbers and addresses that is not over; the first of several. One of
    which we have no number is not joined by one that can be `called`."""
    agreed = sa.select(ConsentEvent.person).where(
        ConsentEvent.practice_id == practice_id,
        ConsentEvent.contact_key.in_(keys),
        ConsentEvent.themself(),
        ConsentEvent.person.startswith("referral:"),
    )
    return db.session.scalar(
        sa.select(Referral.id)
        .where(
            Referral.practice_id == practice_id,
            Referral.joined_id.is_(None),
            sa.true() if not called else Referral.friend_phone.is_not(None),
            Referral.state.not_in((ReferralState.LOST, ReferralState.TREATED)),
            sa.or_(
                Referral.contact_key.in_(keys),
                sa.func.concat("referral:", sa.cast(Referral.id, sa.Text)).in_(agreed),
            ),
        )
        .order_by(Referral.id)
        .limit(1)
    )


def add_email(referral: Referral, address: str, actor: str) -> None:
    """The friend gave their own address on the phone and may be emailed; one that we have already stays."""
    if referral.friend_email is None:
        referral.friend_email, referral.email_key = address, contact_key(address)
        db.session.flush()
        _agreed(referral, "email", address, OptIn.ON_THE_CALL, actor)


def _note_consent(referral: Referral, actor: str) -> None:
    for channel, address in (("call", referral.friend_phone), ("email", referral.friend_email)):
        if address:
            _agreed(referral, channel, address, referral.opt_in, actor)


def _agreed(referral: Referral, channel: str, address: str, how: OptIn, actor: str) -> None:
    record_consent(
        practice_id=referral.practice_id,
        contact_key=contact_key(address),
        person=f"referral:{referral.id}",
        channel=channel,
        purpose="to be contacted by the practice about a first visit",
        given=True,
        how=how,
        words="The friend agreed, themself, to be contacted by the practice.",
        actor=actor,
    )
