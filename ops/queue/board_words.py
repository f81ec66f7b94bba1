"""What happened to a task, why it waits and what the gate said, in the words a lead reads. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ops.contact.words import REASON_WORDS as GATE_WORDS
from ops.queue.models import EventKind, Outcome, TaskEvent

REASON_WORDS: dict[str, str] = {
    **GATE_WORDS,
    # why a task waits although the gate was not asked
    "practice_not_active": "the practice is paused or has ended",
    "promised": "promised for a later moment",
    "next_try": "no answer so far, waiting for the next try",
    "put_off": "put off by an agent",
    "not_due": "not due yet",
    "in_other_hands": "somebody with the same number is being called just now",
    "unread_reply": "wrote something that may mean stop, which a lead has to read first",
}
ACTORS = {
    "tick": "the clock",
    "cadence": "the cadence",
    "gate": "the contact gate",
    "reply": "an answer of the patient",
}
EVENT_WORDS = {
    EventKind.OPENED: "Opened",
    EventKind.CLAIMED: "Taken",
    EventKind.SKIPPED: "Skipped",
    EventKind.SNOOZED: "Put off",
    EventKind.RETRY: "To be tried again",
    EventKind.RETURNED: "Given back",
    EventKind.LEASE_EXPIRED: "Came back: the time in hand ran out",
    EventKind.SHUT: "Not offered: may not be contacted then",
    EventKind.DONE: "Done",
    EventKind.UNDONE: "Taken back: not done after all",
    EventKind.CANCELLED: "Cancelled",
    EventKind.PULLED_BACK: "Pulled back",
}
OUTCOME_WORDS: dict[str, str] = {
    **{outcome: outcome.replace("_", " ").capitalize() for outcome in Outcome},
    Outcome.NOT_HAPPY: "Was not happy",
    Outcome.REMOVE_ME: "Asked to be removed",
    Outcome.BAD_NUMBER: "Number does not work",
    Outcome.VOICEMAIL: "Voicemail left",
    Outcome.CALLBACK: "Call back agreed",
}
Said = Callable[[datetime], str]
"""How a moment is written on this page (in the practice's zone)."""


def reason_words(code: str) -> str:
    """One reason code in words; a code nobody wrote words for is shown as it is."""
    return REASON_WORDS.get(code, code.replace("_", " ").lower())


def reasons_words(codes: object) -> str:
    """A list of codes as one phrase; empty for none."""
    return ", ".join(dict.fromkeys(reason_words(str(code)) for code in codes)) if isinstance(codes, list) else ""


def actor_words(actor: str, names: Mapping[str, str]) -> str:
    """Who did it: the person's name, or which part of the product."""
    return names.get(actor) or ACTORS.get(actor.partition(":")[0], actor)


def event_words(event: TaskEvent, names: Mapping[str, str], said: Said) -> str:
    """What the event says beyond its kind: the reason, the outcome, until when. Empty when there is nothing more."""
    facts, parts = event.facts or {}, []
    if outcome := facts.get("outcome"):
        parts.append(OUTCOME_WORDS.get(outcome, str(outcome)))
    if event.kind is not EventKind.CLAIMED and (codes := reasons_words(facts.get("reasons"))):
        parts.append(codes)
    parts += [str(facts[name]) for name in ("reason", "why") if facts.get(name) and not facts.get("reasons")]
    for name, words in (("until", "until"), ("ready_at", "from")):
        if moment := _moment(facts.get(name)):
            parts.append(f"{words} {said(moment)}")
    if (holder := facts.get("held_by")) is not None:
        parts.append(f"was in the hands of {names.get(f'user:{holder}', 'an agent')}")
    return "; ".join(parts)


def end_words(reason: str) -> str:
    """Why a cadence ended: "answered: Was not happy" for an outcome, other reasons as they are kept."""
    how, _, outcome = reason.partition(": ")
    return f"{how}: {OUTCOME_WORDS[outcome]}" if outcome in OUTCOME_WORDS else reason


def why_words(facts: Mapping[str, Any], practices: Mapping[int, str], said: Said) -> list[str]:
    """Why this task and no other was taken then, from the record the claim kept."""
    chosen, second = facts.get("chosen") or {}, facts.get("second") or {}
    lines = []
    if str(chosen.get("band")) == "0":
        promised = _moment(chosen.get("promised_at"))
        lines.append(f"A promise, and promises come first{f': promised for {said(promised)}' if promised else ''}.")
    elif chosen:
        lines.append(f"Its practice was owed most, and it was the best moment there{_figures(chosen)}.")
    if chosen.get("waited"):
        lines.append("Others were taking the first candidates at the same time.")
    if second:
        lines.append(_second(second, practices))
    if until := _moment(facts.get("may_call_until")):
        lines.append(f"The law allowed the call until {said(until)} (rules {facts.get('rules', 'unknown')}).")
    return lines


def _second(second: Mapping[str, Any], practices: Mapping[int, str]) -> str:
    whose = practices.get(_number(second.get("practice_id")), "another practice")
    return f"Second came task {second.get('task_id', '?')} of {whose}{_figures(second)}."


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0


def _figures(row: Mapping[str, Any]) -> str:
    """ " (0.32 minutes per contract hour, rank 83.2)": what the order was made of."""
    parts = []
    if str(row.get("band")) != "0" and row.get("virtual_time") is not None:
        parts.append(f"{float(row['virtual_time']):.2f} minutes per contract hour")
    if row.get("rank") is not None:
        parts.append(f"rank {float(row['rank']):.1f}")
    return f" ({', '.join(parts)})" if parts else ""


def _moment(value: object) -> datetime | None:
    """A moment as a fact keeps it (ISO text); None for anything else, and for one without a zone."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def age_words(since: datetime, now: datetime) -> str:
    """How long ago, as short as a table wants it: "12 min", "3 h", "5 days"."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def owed_words(rank: int | None) -> str:
    """ "owed most", "2nd", "3rd"; nothing waits: a dash."""
    if rank is None:
        return "–"
    if rank == 1:
        return "owed most"
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def length_words(minutes: float) -> str:
    """A length of work in hours and minutes: "5 h 12", "0 h 05"; takes minutes."""
    whole = round(minutes)
    return f"{whole // 60} h {whole % 60:02}"
