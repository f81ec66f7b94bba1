"""Not to be contacted, as somebody told us; taking back what was entered by mistake; a new yes of their own."""

from collections.abc import Collection
from enum import StrEnum

import sqlalchemy as sa

from ops.contact.actions import OPT_OUT_REASONS, NewSuppression, hold_number, record_consent, suppress_many
from ops.contact.lifting import lift_agreed, lift_mistake, said
from ops.contact.models import SuppressedChannel
from ops.db import db
from ops.errors import Refused
from ops.messages.actions import block_waiting
from ops.messages.models import MessageChannel
from ops.practices.refusals import keys_of, reached_by
from ops.queue.actions import ending
from ops.queue.models import Task
from ops.record.contact import against
from ops.record.people import Human
from ops.work.endings import Ending, EndReason
from ops.work.states import TaskState


class Source(StrEnum):
    """How we heard."""

    CALLED = "called"
    WROTE = "wrote"
    IN_PERSON = "in_person"
    PRACTICE_SAID = "practice_said"


SOURCE_WORDS = {
    Source.CALLED: "they called",
    Source.WROTE: "they wrote",
    Source.IN_PERSON: "they said so in person",
    Source.PRACTICE_SAID: "the practice said so",
}
SINGLE = (SuppressedChannel.CALL, SuppressedChannel.SMS, SuppressedChannel.EMAIL)
MESSAGES = {SuppressedChannel.SMS: MessageChannel.SMS, SuppressedChannel.EMAIL: MessageChannel.EMAIL}


def do_not_contact(
    human: Human, channels: Collection[SuppressedChannel], source: Source, words: str, *, once: str, actor: str
) -> bool:
    """Nobody of this practice contacts them over these channels any more, under any record, number or address of
    theirs; whether that was new. `once` names the occasion: the same form sent twice is one.

    A text that is on its way goes first; what waits is blocked. Without any channel left all work about them ends.
    Raises Refused without a channel or the person's words.
    """
    if not channels:
        raise Refused("Please say which ways they do not want.")
    words = said(words, "Please write down what they said.")
    everything = SuppressedChannel.ALL in channels or set(channels) >= set(SINGLE)
    over = [SuppressedChannel.ALL] if everything else [each for each in SINGLE if each in channels]
    _lock(human)
    new = suppress_many(_rows(human, over, SOURCE_WORDS[source], f"record:{once}", words), actor)
    for each in MESSAGES if everything else [each for each in over if each in MESSAGES]:
        reason = OPT_OUT_REASONS[SuppressedChannel.ALL if everything else each]
        block_waiting(human.practice.id, human.keys, [MESSAGES[each]], reason, SOURCE_WORDS[source], actor=actor)
    if everything:
        for patient_id in human.ids:
            ending.cancel_work_for(patient_id, actor, Ending(EndReason.OPTED_OUT))
    return new > 0


def _lock(human: Human) -> None:
    """The tasks, then the numbers: in the order in which everybody takes them (docs/architecture.md)."""
    waiting = sa.select(Task.id).where(Task.patient_id.in_(human.ids), Task.state == TaskState.WAITING)
    db.session.execute(waiting.order_by(Task.id).with_for_update())
    for key in sorted(human.keys):
        hold_number(key)


def _rows(human: Human, over: list[SuppressedChannel], source: str, occasion: str, words: str) -> list[NewSuppression]:
    pairs = [keys_of(each.practice_id, each.external_id, each.phone_key, each.email_key) for each in human.records]
    return [
        NewSuppression(key, channel, OPT_OUT_REASONS[channel], source, human.practice.id, occasion, words)
        for channel in over
        for key in sorted({key for phone, email in pairs for key in reached_by(channel, phone, email)})
    ]


def lift(human: Human, occasion: str, why: str, *, actor: str) -> None:
    """What one of us entered about them on this occasion was a mistake. Raises Refused without a reason, and when it
    does not stand (any more)."""
    if occasion not in {each.occasion for each in against(human) if each.may_be_a_mistake}:
        raise Refused("This does not stand any more, or they said it themself.")
    lift_mistake(human.practice.id, occasion, why, actor)


def agree(human: Human, channels: Collection[SuppressedChannel], source: Source, words: str, *, actor: str) -> None:
    """They have said, themself, that they may be contacted over these channels again: kept word for word as their
    consent, and what they refused of it before does not stand any more.

    Raises Refused without a channel or their words, when it was not they who said it, and when they have no number or
    address for it.
    """
    if source is Source.PRACTICE_SAID:
        raise Refused("Only they can agree to be contacted again: ask them, or have them write.")
    chosen = [each for each in SINGLE if each in channels or SuppressedChannel.ALL in channels]
    if not chosen:
        raise Refused("Please say which ways they agreed to.")
    words = said(words, "Please write down what they said.")
    keys = {channel: _own_key(human, channel) for channel in chosen}
    for channel, key in keys.items():
        record_consent(
            key,
            human.practice.id,
            person=f"patient:{human.patient.id}",
            channel=channel,
            purpose="to be contacted again",
            given=True,
            how=SOURCE_WORDS[source],
            words=words,
            actor=actor,
        )
    lift_agreed(human.practice.id, human.keys, chosen, words, actor)


def _own_key(human: Human, channel: SuppressedChannel) -> bytes:
    by_email = channel is SuppressedChannel.EMAIL
    key = human.patient.email_key if by_email else human.patient.phone_key
    if key is None:
        raise Refused(f"We have no {'email address' if by_email else 'number'} they could agree to: enter it first.")
    return key
