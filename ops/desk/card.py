"""What the agent sees of a task: the minimum necessary about the patient, and everything about what to say and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ops import clock
from ops.accounts.models import User
from ops.accounts.reads import keep_read
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
from ops.phrases import moment_words
from ops.practices.models import Patient, Practice
from ops.queue import wording
from ops.queue.models import Task
from ops.queue.people import person_of
from ops.queue.promises import Possible, possible
from ops.queue.words import reasons_words
from ops.scripts.models import Medium
from ops.scripts.outline import Part
from ops.scripts.render import ScriptError
from ops.scripts.said import SaidPart, said, unknown_in
from ops.work.effects import Do
from ops.work.kinds import Kind
from ops.work.outcomes import OUTCOME_WORDS, Outcome, Rule, rules_for
from ops.work.reads import ReadOf

CHANNEL_WORDS = {"call": "Calls", "sms": "Texts", "email": "Emails"}
NO_SCRIPT = "Nobody has published a script for this kind of task yet. Please tell your lead."
MAY_STOP_ASKED = "CT"
"""Whom the law has us ask, right after the opening, whether to go on (docs/rules.md A6)."""


@dataclass(frozen=True)
class Before:
    """One line of the history: a call, or a message of ours. `note` and `answers` are a call's."""

    at: datetime
    what: str
    note: str = ""
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """One task as the desk shows it. `task` has its columns; times are aware; `zones` are those of the person's
    possible places."""

    task: CardFacts
    kind: Kind
    practice: desk_facts.Practice
    first_name: str
    is_friend: bool
    zones: tuple[str, ...]
    decision: Decision
    script: tuple[SaidPart, ...]
    missing: str | None
    """Why part of the script could not be said."""
    history: tuple[Before, ...]
    promises: tuple[datetime, ...]
    """Other calls that were promised to this person."""
    consent: tuple[tuple[str, str], ...]
    """(channel, what stands for or against it) in plain words."""
    outcomes: tuple[Rule, ...]
    callback: Possible | None
    """From when on another call can be promised, where today's are used up or the hours are shut; None: from now on."""
    note: Note | None
    """By which way the note to forward goes, for kinds that send one."""
    email_goes_on: bool
    """Whether their cadence goes on by email when the number is not used any more."""
    newer_script: bool
    """Another version of the script was published since the card was opened."""

    @property
    def why(self) -> dict[str, Any]:
        """What decided the claim (`claiming`)."""
        return self.task.why or {}

    @property
    def why_not(self) -> str:
        """Why they may not be called now, in words; "" when they may."""
        return reasons_words(list(self.decision.reasons))

    @property
    def note_words(self) -> str:
        """How the note goes, where it does not go at once by text; "" where it does, or there is none."""
        note = self.note
        if note is None or not note.why:
            return ""
        if note.medium is None:
            return f"The note to forward cannot be sent. {note.why} Do not promise it."
        return f"The note to forward {self._note_goes}. {note.why}"

    @property
    def _note_goes(self) -> str:
        if not (self.note and self.note.at):
            return f"goes by {self.note.by}" if self.note else ""
        return f"leaves by {self.note.by} on {moment_words(self.note.at.astimezone(ZoneInfo(self.zones[0])))}"

    def says(self, rule: Rule) -> str:
        """What this outcome will do, said before it is pressed."""
        sends = Do.SEND_NOTE in rule.effects and self.note
        if (sends and sends.medium is None) or (rule.about_the_number and rule.otherwise and not self.email_goes_on):
            return rule.otherwise
        return f"{rule.says} The note {self._note_goes}." if sends and sends.why else rule.says

    @property
    def no_callback_before(self) -> str:
        """Why no call can be promised before `callback.at`, or at all; "" when one can."""
        return reasons_words(list(self.callback.against)) if self.callback else ""

    @property
    def last_unread(self) -> int:
        """The last reply that this card shows to be read; 0 without one."""
        return max((reply.id for reply in self.task.unread_here), default=0)

    @property
    def promise_label(self) -> str:
        """What the task's promised moment is."""
        if self.kind is Kind.REPLY and not self.task.tries:
            return "Read by"
        return "First call by" if self.is_friend else "Promised for"

    @property
    def may_call_until(self) -> datetime | None:
        return self.decision.window[1] if self.decision.allow and self.decision.window else None

    @property
    def must_ask(self) -> bool:
        """Whether they have to be asked, after the opening, if they want to go on, to end or to be removed."""
        return any(place.state == MAY_STOP_ASKED for place in self.decision.places)

    @property
    def phone(self) -> str:
        return (self.task.friend_phone if self.is_friend else self.task.phone) or ""

    @property
    def email(self) -> str:
        return (self.task.friend_email if self.is_friend else self.task.email) or ""

    def label_of(self, outcome: str) -> str:
        """The label of one of this card's outcomes, for the script's hints."""
        return next((rule.label for rule in self.outcomes if rule.outcome == outcome), outcome.replace("_", " "))

    def parts(self, part: Part | str) -> list[SaidPart]:
        """The parts of the script of this sort."""
        return [each for each in self.script if each.part == part]

    @property
    def body(self) -> list[tuple[SaidPart | None, list[SaidPart]]]:
        """What is said, each with the answers that follow it; answers before anything is said come with None."""
        found: list[tuple[SaidPart | None, list[SaidPart]]] = []
        for each in self.script:
            if each.part is Part.SAY:
                found.append((each, []))
            elif each.part is Part.ANSWER:
                if not found:
                    found.append((None, []))
                found[-1][1].append(each)
        return found


def open_card_of(agent: User) -> Card | None:
    """The card of the task this agent holds."""
    facts = desk_facts.in_hand(agent.id)
    return card_of(facts, agent) if facts else None


def card_of(facts: CardFacts, agent: User) -> Card:
    """Everything the desk shows of these facts."""
    kind, person = Kind(facts.kind), _person(facts)
    decision, against = _ask(facts, person)
    leaves = clock.now() + timedelta(seconds=settings().undo_seconds)
    messages = _messages(facts, person, leaves)
    script, missing = _said(facts, agent)
    return Card(
        task=facts,
        kind=kind,
        practice=facts.practice,
        first_name=_first_name(facts),
        is_friend=facts.referral_id is not None,
        zones=tuple(dict.fromkeys(place.zone for place in decision.places)) or (facts.practice.zone,),
        decision=decision,
        script=script,
        missing=missing,
        history=_history(facts),
        promises=tuple(each.at for each in facts.promises),
        consent=_consent(facts, against, messages),
        outcomes=rules_for(kind),
        newer_script=facts.script_in_force is not None and facts.script_in_force != facts.script_version_id,
        callback=_callback(facts, decision),
        note=_note(facts, kind, messages, leaves),
        email_goes_on=_email_goes_on(facts, messages["email"]),
    )


def _callback(facts: CardFacts, decision: Decision) -> Possible | None:
    """Asked only when the call that is going on uses up what they may be called."""
    limits = settings()
    used_up = facts.attempts + 1 >= limits.attempts_per_day or facts.calls_this_month + 1 >= limits.attempts_per_person
    if decision.allow and not used_up:
        return None
    task = db.session.get_one(Task, facts.id)
    practice, patient = db.session.get_one(Practice, task.practice_id), db.session.get_one(Patient, task.patient_id)
    then = possible(task, practice, person_of(task, patient), clock.now(), in_progress=True)
    return then if then.against else None


def _first_name(facts: CardFacts) -> str:
    return facts.friend_name.split(" ")[0] if facts.friend_name else facts.first_name


def _person(facts: CardFacts) -> asking.Described:
    if facts.referral_id:
        return asking.ReferredPerson(phone=facts.friend_phone, email=facts.friend_email, opted_in=True)
    return facts


def _ask(facts: CardFacts, person: asking.Described) -> tuple[Decision, list[str]]:
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


def _said(facts: CardFacts, agent: User) -> tuple[tuple[SaidPart, ...], str | None]:
    """The script's parts; what is not known is shown as a mark to speak around, never as a blank, and named."""
    if facts.script is None:
        return (), NO_SCRIPT
    about = {"friend_name": facts.friend_name, "treatment_category": facts.category}
    values = wording.values(facts.practice, facts, agent=agent, **about)
    try:
        parts, unknown = said(facts.script, values)
    except ScriptError as problem:
        return (), f"The script cannot be said: {problem} Please tell your lead."
    if not unknown:
        return parts, None
    return parts, f"The practice has not told us: {', '.join(name.replace('_', ' ') for name in unknown)}."


def _history(facts: CardFacts) -> tuple[Before, ...]:
    calls = [
        Before(each.at, f"{OUTCOME_WORDS[Outcome(each.outcome)]} ({each.agent})", each.note, tuple(each.answers))
        for each in facts.attempts_made
    ]
    messages = [
        Before(each.at, f"{'Text' if each.channel == 'sms' else 'Email'}, {each.kind.replace('_', ' ')}: {each.state}")
        for each in facts.messages_sent
    ]
    return tuple(sorted((*calls, *messages), key=lambda each: each.at, reverse=True)[:8])


def _messages(facts: CardFacts, person: asking.Described, leaves: datetime) -> dict[str, Decision]:
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


def _consent(facts: CardFacts, against: list[str], messages: dict[str, Decision]) -> tuple[tuple[str, str], ...]:
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
    lines.append(
        ("Counted", f"{used}, {facts.calls_this_month} of {limits.attempts_per_person} calls in 30 days")
    )
    return tuple(lines)


def _agreed(facts: CardFacts, channel: str) -> str:
    if facts.referral_id:
        return "they agreed to be contacted"
    if channel == "call" and facts.consent is not None:
        return "they agreed" if facts.consent else "no: they took their consent back"
    return "nothing against it"


def _email_goes_on(facts: CardFacts, decision: Decision) -> bool:
    return bool(facts.run_id and facts.email) and not gate.FOR_GOOD.intersection(decision.reasons)


def _note(facts: CardFacts, kind: Kind, messages: dict[str, Decision], leaves: datetime) -> Note | None:
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


def log_read(
    agent: User, practice_id: int, patient_id: int, task_id: int, what: ReadOf, shown: str | None = None
) -> None:
    """Note that the agent looked at this of the task (docs/rules.md A12), and which number or address was `shown`."""
    keep_read(agent.id, practice_id, patient_id, what, task_id, shown_key=contact_key(shown) if shown else None)
