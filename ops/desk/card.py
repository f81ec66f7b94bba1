"""What the agent sees of a task: the minimum necessary about the patient, and everything about what to say and why."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ops import clock
from ops.accounts.models import User
from ops.accounts.reads import keep_read
from ops.config import settings
from ops.contact.facts import Decision
from ops.crypto import contact_key
from ops.desk import facts as desk_facts
from ops.desk import may
from ops.desk.facts import CardFacts
from ops.desk.notes import Note
from ops.messages.models import MessageState
from ops.messages.words import KIND_WORDS as MESSAGE_WORDS
from ops.messages.words import STATE_WORDS
from ops.phrases import moment_words
from ops.practices.models import ANY_TREATMENT
from ops.queue import wording
from ops.queue.promises import Possible
from ops.queue.words import promise_label, reasons_words
from ops.scripts.outline import Part
from ops.scripts.render import ScriptError
from ops.scripts.said import SaidPart, said
from ops.work.effects import Do
from ops.work.kinds import Kind
from ops.work.outcomes import OUTCOME_WORDS, Outcome, Rule, rules_for
from ops.work.reads import ReadOf

CALLBACK_HOURS = (time(10), time(16))
"""Of tomorrow, offered for a callback."""
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
    def symptoms(self) -> list[str]:
        """The words of what is to be read here that speak of a symptom, each once."""
        return list(dict.fromkeys(word for reply in self.task.unread_here for word in reply.symptoms or ()))

    @property
    def last_unread(self) -> int:
        """The last reply that this card shows to be read; 0 without one."""
        return max((reply.id for reply in self.task.unread_here), default=0)

    @property
    def promise_label(self) -> str:
        """What the task's promised moment is."""
        return promise_label(self.kind, self.task.tries)

    @property
    def may_call_until(self) -> datetime | None:
        return self.decision.window[1] if self.decision.allow and self.decision.window else None

    @property
    def must_ask(self) -> bool:
        """Whether they have to be asked, after the opening, if they want to go on, to end or to be removed."""
        return any(place.state == MAY_STOP_ASKED for place in self.decision.places)

    @property
    def callback_times(self) -> tuple[tuple[str, str, str], ...]:
        """Offered with one key as the time of a callback, none before it may be: (words, how the script finds it,
        with what), in the time of whom is called."""
        zone = ZoneInfo(self.zones[0])
        now = earliest = clock.now().astimezone(zone)
        first = ("In an hour", "minutes", "60")
        if self.callback:
            if self.callback.at is None:
                return ()
            earliest = self.callback.at.astimezone(zone)
            first = (moment_words(earliest), "at", f"{earliest:%Y-%m-%dT%H:%M}")
        day = now.date() + timedelta(days=1)
        hours = [each for each in CALLBACK_HOURS if datetime.combine(day, each, zone) >= earliest]
        return (first, *((f"Tomorrow, {each:%-I:%M %p}", "tomorrow", f"{each:%H:%M}") for each in hours))

    @property
    def treatment(self) -> str | None:
        """What they were treated with, by its category (minimum necessary); None where no more is known."""
        return None if self.task.category == ANY_TREATMENT else self.task.category

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
    kind, person = Kind(facts.kind), may.person_on(facts)
    decision, against = may.may_call(facts, person)
    leaves = clock.now() + timedelta(seconds=settings().undo_seconds)
    messages = may.may_message(facts, person, leaves)
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
        consent=may.lines(facts, against, messages),
        outcomes=rules_for(kind),
        newer_script=facts.script_in_force is not None and facts.script_in_force != facts.script_version_id,
        callback=may.callback(facts, decision),
        note=may.note(facts, kind, messages, leaves),
        email_goes_on=may.email_goes_on(facts, messages["email"]),
    )


def _first_name(facts: CardFacts) -> str:
    return facts.friend_name.split(" ")[0] if facts.friend_name else facts.first_name


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
        Before(each.at, f"{'Text' if each.channel == 'sms' else 'Email'} ({_message_words(each)})")
        for each in facts.messages_sent
    ]
    return tuple(sorted((*calls, *messages), key=lambda each: each.at, reverse=True)[:8])


def _message_words(sent: desk_facts.Sent) -> str:
    return f"{MESSAGE_WORDS.get(sent.kind, sent.kind).lower()}, {STATE_WORDS[MessageState(sent.state)].lower()}"


def log_read(
    agent: User, practice_id: int, patient_id: int, task_id: int, what: ReadOf, shown: str | None = None
) -> None:
    """Note that the agent looked at this of the task (docs/rules.md A12), and which number or address was `shown`."""
    keep_read(agent.id, practice_id, patient_id, what, task_id, shown_key=contact_key(shown) if shown else None)
