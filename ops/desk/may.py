"""Whether they may be called, texted and emailed, and when: what the card says of it before anything is pressed."""

from datetime import datetime

from ops import clock
from ops.config import settings
from ops.contact import asking, gate
from ops.contact.facts import Decision, Reason
from ops.contact.words import reasons_words as gate_words
from ops.crypto import contact_key
from ops.db import db
from ops.desk import facts as desk_facts
from ops.desk import notes, sendable
from ops.desk.facts import CardFacts
from ops.desk.notes import Note
from ops.messages.models import MessageChannel
from ops.messages.permission import published_text
from ops.practices.models import Patient, Practice
from ops.queue import wording
from ops.queue.models import Task
from ops.queue.people import person_of
from ops.queue.promises import Possible, possible
from ops.scripts.models import Medium
from ops.scripts.said import unknown_in
from ops.work.effects import Do
from ops.work.kinds import Kind
from ops.work.outcomes import rules_for

CHANNEL_WORDS = {"call": "Calls", "sms": "Texts", "email": "Emails"}


def person_on(facts: CardFacts) -> asking.Described:
    if facts.referral_id:
        return asking.ReferredPerson(phone=facts.friend_phone, email=facts.friend_email, opted_in=True)
    return facts


def may_call(facts: CardFacts, person: asking.Described) -> tuple[Decision, list[str]]:
    """The gate's answer and the suppressions. Any failure on the way is a no."""
    against, unread = list(facts.suppressions or ()), facts.unread
    try:
        if facts.referral_id and facts.friend_phone and facts.friend_email:
            more, unread_there = desk_facts.of_friend(facts, contact_key(facts.friend_email))
            against, unread = against + more, unread or unread_there
        known = asking.Known(
            against or None, facts.attempts, facts.consent, facts.status, facts.baa_on, facts.dealt_on, unread
        )
        now = clock.now()
        # card.sql reads the task that this agent holds, and no other
        asked = asking.facts_from(person, known, "call", now, facts.practice.zone, text=asking.NO_TEXT, lock_held=True)
        return gate.decide(asked, now), against
    except Exception as problem:  # whatever it was, nobody has said yes
        asking.log.error("gate_unanswered", error=type(problem).__name__)
        return Decision(False, (Reason.STORE_UNREADABLE,), (), None, None, "unread"), against


def may_message(facts: CardFacts, person: asking.Described, leaves: datetime) -> dict[str, Decision]:
    """The gate's answer for a text and for an email that may leave then, by "sms" and "email"."""
    if facts.known_later is None:
        task = db.session.get_one(Task, facts.id)
        return {medium.value: sendable.foreseen(task, medium, leaves) for medium in notes.WAYS}
    return {
        channel: asking.decided(
            person, known, channel, leaves, facts.practice.zone, published_text(MessageChannel(channel))
        )
        for channel, known in facts.known_later.items()
    }


def lines(facts: CardFacts, against: list[str], messages: dict[str, Decision]) -> tuple[tuple[str, str], ...]:
    """What stands for or against each channel, and how much of the caps is used, in plain words."""
    limits = settings()
    lines = []
    for channel, label in CHANNEL_WORDS.items():
        why = [code for over, _, code in (each.partition(":") for each in against) if over in (channel, "all")]
        if channel in messages:
            why = list(map(str, messages[channel].reasons))
        no = "not now" if why and gate.PASSING.issuperset(why) else "no"
        lines.append((label, f"{no}: {gate_words(why)}" if why else _agreed(facts, channel)))
    used = f"{facts.attempts} of {limits.attempts_per_day} contacts in 24 hours"
    lines.append(("Counted", f"{used}, {facts.calls_this_month} of {limits.attempts_per_person} calls in 30 days"))
    return tuple(lines)


def _agreed(facts: CardFacts, channel: str) -> str:
    if facts.referral_id:
        return "they agreed to be contacted"
    if channel == "call" and facts.consent is not None:
        return "they agreed" if facts.consent else "no: they took their consent back"
    return "nothing against it"


def callback(facts: CardFacts, decision: Decision) -> Possible | None:
    """Asked only when the call that is going on uses up what they may be called."""
    limits = settings()
    used_up = facts.attempts + 1 >= limits.attempts_per_day or facts.calls_this_month + 1 >= limits.attempts_per_person
    if decision.allow and not used_up:
        return None
    task = db.session.get_one(Task, facts.id)
    practice, patient = db.session.get_one(Practice, task.practice_id), db.session.get_one(Patient, task.patient_id)
    then = possible(task, practice, person_of(task, patient), clock.now(), in_progress=True)
    return then if then.against else None


def email_goes_on(facts: CardFacts, decision: Decision) -> bool:
    return bool(facts.run_id and facts.email) and not gate.FOR_GOOD.intersection(decision.reasons)


def note(facts: CardFacts, kind: Kind, messages: dict[str, Decision], leaves: datetime) -> Note | None:
    """How the note to forward goes; None for kinds that send none."""
    if not any(Do.SEND_NOTE in rule.effects for rule in rules_for(kind)):
        return None
    values = wording.values(facts.practice, facts)
    ways = [
        notes.Way(medium, _unwritten(facts, medium, values), notes.reasons_of(messages[medium.value]))
        for medium in notes.WAYS
    ]
    return notes.choose(ways, lambda medium: _note_opens(facts, medium, leaves))


def _note_opens(facts: CardFacts, medium: Medium, leaves: datetime) -> datetime | None:
    practice, patient = db.session.get_one(Practice, facts.practice_id), db.session.get_one(Patient, facts.patient_id)
    return notes.opens(practice, patient, medium, leaves)


def _unwritten(facts: CardFacts, medium: Medium, values: dict[str, str]) -> str:
    """Why the note cannot be written for this way, as a sentence; "" when it can."""
    written = {note.medium: note for note in facts.notes}
    if not (facts.phone if medium is Medium.SMS else facts.email):
        return f"We have no {'number to text' if medium is Medium.SMS else 'email address'}."
    if medium.value not in written:
        return "Nobody has published a text for it."
    unknown = unknown_in(f"{written[medium.value].subject} {written[medium.value].body}", values)
    return f"Nothing is known for: {', '.join(unknown)}." if unknown else ""
