"""What happened to a task, why it waits and what the gate said, in the words a lead reads. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ops.floor.board import Paced
from ops.phrases import length_words, listed
from ops.queue.models import TaskEvent
from ops.queue.order import Band
from ops.queue.replay import Replayed
from ops.queue.waiting import Wait
from ops.queue.words import reasons_words
from ops.queue.workers import lack_words
from ops.work.outcomes import OUTCOME_WORDS
from ops.work.reasons import Waits
from ops.work.states import EventKind

RANK_WORDS = {"kind": "the kind of work", "moment": "the moment", "age": "its age", "word": "a fresh good word"}


AGE_WORDS = ("Under 1 day", "1 to 3 days", "3 to 7 days", "Over 7 days")
"""Of the classes of `waiting.AGES`."""


Said = Callable[[datetime], str]
"""How a moment is written on this page (in the practice's zone)."""


def turn_words(
    waits: Sequence[Wait], assigned_to: str | None, assigned: bool, promised_at: datetime | None, said: Said
) -> str:
    """When a waiting task of a practice's list comes up, and to whom it is assigned: "first: promised for …"."""
    keeper = f"; assigned to {assigned_to}" if assigned_to else ""
    if waits:
        return _wait_words(waits, said) + keeper
    if assigned_to and assigned:
        return "now, before everything else" + keeper
    return (f"first: promised for {said(promised_at)}" if promised_at else "now, in its turn") + keeper


def _wait_words(waits: Sequence[Wait], said: Said) -> str:
    first = waits[0]
    match first.code:
        case Waits.KIND_PAUSED:
            return "not now: this kind is paused"
        case Waits.WINDOW_SHUT:
            return f"shut; opens {said(first.opens_at)}" if first.opens_at else "shut"
    if first.opens_at:
        return f"{said(first.opens_at)}: {reasons_words([wait.code for wait in waits])}"
    return f"not now: {reasons_words([first.code])}"


def actor_words(actor: str, names: Mapping[str, str]) -> str:
    """Who did it: the person's name, or which part of the product."""
    return names.get(actor, actor)


def event_words(event: TaskEvent, names: Mapping[str, str], said: Said) -> str:
    """What the event says beyond its kind: the reason, the outcome, until when. Empty when there is nothing more."""
    facts, parts = event.facts or {}, []
    if event.kind is EventKind.ASSIGNED:
        parts += _assigned(facts, names)
    if event.kind is EventKind.SENT:
        parts.append(f"{'an email' if facts.get('medium') == 'email' else 'a text'}: {facts.get('template', '')}")
    if outcome := facts.get("outcome"):
        parts.append(OUTCOME_WORDS.get(outcome, str(outcome)))
    if (note := facts.get("note")) and event.kind is EventKind.UNDONE:
        parts.append(f"noted “{note}”")
    elif note:
        parts.append(f"the note {note}: {facts.get('note_why', '')}")
    if event.kind is not EventKind.CLAIMED and (codes := reasons_words(facts.get("reasons"))):
        parts.append(codes)
    parts += [str(facts[name]) for name in ("reason", "why") if facts.get(name) and not facts.get("reasons")]
    if event.kind is EventKind.PROMISE_BROKEN and (promised := _moment(facts.get("promised_at"))):
        parts.append(f"promised for {said(promised)}")
    until = "possible from" if event.kind is EventKind.PROMISE_BROKEN else "until"
    for name, words in (("until", until), ("ready_at", "due")):
        if moment := _moment(facts.get(name)):
            parts.append(f"{words} {said(moment)}")
    if (holder := facts.get("held_by")) is not None:
        parts.append(f"was in progress with {names.get(f'user:{holder}', 'an agent')}")
    return "; ".join(parts)


def _assigned(facts: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """To whom; and, where a lead overrode it, what that agent is not certified for."""
    if facts.get("to") is None:
        return ["to nobody"]
    to = f"user:{facts['to']}"
    parts = [f"to {names.get(to, 'an agent')}"]
    if lacking := lack_words(facts.get("override") or ()):
        parts.append(f"an override: not certified for {lacking}")
    return parts


def why_words(facts: Mapping[str, Any], practices: Mapping[int, str], said: Said) -> list[str]:
    """Why this task and no other was taken then, from the record the claim kept."""
    chosen, second = facts.get("chosen") or {}, facts.get("second") or {}
    lines = [_chosen(chosen, said)] if chosen else []
    if parts := facts.get("rank_parts"):
        made_of = (f"{words} {float(parts[name]):.1f}" for name, words in RANK_WORDS.items() if parts.get(name))
        lines.append(f"Its rank was made of {listed(made_of)}.")
    if second:
        figures = _figures(second, Band.ASSIGNED)
        lines.append(f"Second in this practice came task {second.get('task_id', '?')}{figures}.")
    if following := facts.get("next_practice") or {}:
        lines.append(f"The next practice in turn was {_named(following, practices)}{_figures(following)}.")
    if passed := [practices.get(_number(one), "another practice") for one in facts.get("passed") or ()]:
        lines.append(f"Passed over, because others were taking work for it at that moment: {listed(_once(passed))}.")
    if until := _moment(facts.get("may_call_until")):
        lines.append(f"The law allowed the call until {said(until)} (rules {facts.get('rules', 'unknown')}).")
    return lines


def _chosen(chosen: Mapping[str, Any], said: Said) -> str:
    at = _moment(chosen.get("at"))
    match chosen.get("band"):
        case Band.URGENT:
            return "They wrote of a symptom: that is read before everything else."
        case Band.ASSIGNED:
            since = f", at {said(at)}" if at else ""
            return f"It was assigned to this agent, by a lead or as other work about the same person{since}."
        case Band.PROMISE:
            return f"A promise, and promises come first{f': promised for {said(at)}' if at else ''}."
        case _:
            return f"Its practice was owed most, and it was the best moment there{_figures(chosen)}."


def practices_named(facts: Mapping[str, Any]) -> set[int]:
    """The practices beside its own that the record of a claim speaks of."""
    following = facts.get("next_practice") or {}
    return {_number(one) for one in (following.get("practice_id"), *(facts.get("passed") or ()))} - {0}


def _named(row: Mapping[str, Any], practices: Mapping[int, str]) -> str:
    return practices.get(_number(row.get("practice_id")), "another practice")


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0


def _figures(row: Mapping[str, Any], band: Band = Band.FAIR) -> str:
    """ " (0.32 minutes per contract hour, rank 83.2)": what the order was made of; in its own practice the rank."""
    parts = []
    if band is Band.FAIR and row.get("virtual_time") is not None:
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


def pace_words(one: Paced) -> str:
    """ "2 h 5 min behind", "9 min ahead", "on pace"; "no contract" where nothing was bought this month."""
    if not one.bought_hours:
        return "no contract"
    if one.is_on_pace:
        return "on pace"
    return f"{length_words(float(abs(one.behind_minutes)))} {'behind' if one.is_late else 'ahead'}"


def owed_words(rank: int | None) -> str:
    """ "next", "2nd", "3rd" in turn; nothing to do now: a dash."""
    if rank is None:
        return "–"
    if rank == 1:
        return "next"
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def turn_in_queue_words(rank: int | None, owed_minutes: float | None) -> str:
    """Where a practice stands in the fair order: "It is served next.", "It is 3rd in turn, 40 min after the one that is
    served next."."""
    if rank is None:
        return "Nothing of it can be served now."
    if rank == 1:
        return "It is served next."
    ahead = round(-owed_minutes) if owed_minutes else 0
    return f"It is {owed_words(rank)} in turn" + (
        f", {length_words(ahead)} after the one that is served next." if ahead > 0 else "."
    )


def replay_words(again: Replayed) -> str:
    """What asking a claim again from its record gave."""
    if not again.same_task:
        return "Asked again from this record, another task would come first: the record is damaged."
    if again.gate is None:
        return "Asked again from this record, the same task comes first; the gate's answer is not on record."
    if again.gate.allow:
        return "Asked again from this record: the same task comes first, and the gate allows the call."
    if again.same:
        return "Asked again from this record: the same task comes first, to read what they wrote; no call is allowed."
    change = "" if again.same_rules else " under the rules in force today, which are newer"
    why = reasons_words(list(again.gate.reasons))
    return f"Asked again, the same task comes first, but the gate says no{change}: {why}."
