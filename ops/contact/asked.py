"""Facts as somebody typed or sent them, checked strictly: a misspelt fact must not pass for an absent one."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from ops.contact import kept
from ops.contact.facts import Channel, Facts, Reason
from ops.contact.places import checked_zone


class BadFacts(Exception):
    """The input is not facts; the text names the fact and what is wrong with it."""


class Question(NamedTuple):
    facts: Facts
    at: datetime


ORDINARY = kept.USUAL
"""What `ops gate` takes for what is not said: the usual contact, of whom the scrub is of the same day."""
ASSUMED = (
    *("suppressions", "unread_reply", "attempts_24h", "deceased", "baa", "practice", "scrubbed_on", "basis"),
    "lock_held",
)
"""The facts a person wants to see named when they were taken for granted."""
ON_THE_LIST = {"wrong_person": Reason.WRONG_PERSON, "litigator": Reason.LITIGATOR}
"""Facts that say one suppression by its name."""


def question(given: dict[str, Any], now: datetime, attempts_limit: int, *, ordinary: bool = False) -> Question:
    """Facts and moment from plain values as in JSON. Absent: `at` is `now`, `channel` a call, `attempts_limit` the one
    given here. Any other fact that is absent, or null, is unknown (`Facts` says which unknown ones block).

    `ordinary`: an absent fact is that of a usual contact instead, with a fresh scrub; null still means unknown where
    something stands or falls with it (suppressions, attempts_24h, baa). Raises BadFacts.
    """
    if strangers := sorted(set(given) - set(READERS) - set(ON_THE_LIST) - {"at"}):
        raise BadFacts(f"unknown fact {strangers[0]!r}")
    at = _read("at", given["at"], _moment) if given.get("at") is not None else now
    said = {name: value for name, value in given.items() if value is not None and name != "at"}
    listed = {code for name, code in ON_THE_LIST.items() if _read(name, said.pop(name, False), _flag)}
    read = _absent(given, at, attempts_limit, ordinary=ordinary)
    read |= {name: _read(name, value, READERS[name]) for name, value in said.items()}
    if listed:
        read["suppressions"] = frozenset({*(read["suppressions"] or ()), *listed})
    return Question(Facts(**read), at)


def _absent(given: dict[str, Any], at: datetime, attempts_limit: int, *, ordinary: bool) -> dict[str, Any]:
    """Every fact as it is when nobody says it."""
    read: dict[str, Any] = {"channel": Channel.CALL, "attempts_limit": attempts_limit}
    if not ordinary:
        return dict.fromkeys(READERS) | read
    texts = {"campaign_registered": True, "text_has_phi": False, "text_approved": True}
    read = {"phone": None, **ORDINARY, **texts, "scrubbed_on": at.date(), **read}
    return read | {name: None for name in ("suppressions", "attempts_24h", "baa") if name in given}


def _read(name: str, value: Any, reader: Callable[[Any], Any]) -> Any:
    try:
        return reader(value)
    except (ValueError, OverflowError) as error:
        raise BadFacts(f"{name}: {error}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not text")
    return value.strip()


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment.astimezone(UTC)


def _day(value: Any) -> date:
    return date.fromisoformat(_text(value))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is not true or false")
    return value


def _dead(value: Any) -> bool:
    return bool(_day(value)) if isinstance(value, str) else _flag(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{_shown(value)} is not a whole number from 0 up")
    return value


def _state(value: Any) -> str | None:
    text = _text(value).upper()
    if text and not re.fullmatch("[A-Z]{2}", text):
        raise ValueError(f"{value!r} is not a state's two letters")
    return text or None


def _zip(value: Any) -> str | None:
    # A spreadsheet makes a number of it and drops the zeros in front.
    text = f"{_count(value):05}" if isinstance(value, int) else _text(value)
    if text and not re.fullmatch(r"\d{5}(-?\d{4})?", text, re.ASCII):
        raise ValueError(f"{value!r} is not a ZIP code")
    return text or None


def _phone(value: Any) -> str | None:
    text = re.sub(r"[\s().-]", "", _text(value))
    if text and not re.fullmatch(r"\+[1-9]\d{6,14}", text, re.ASCII):
        raise ValueError(f"{value!r} is not a number in E.164 (+ and country code)")
    return text or None


def _zone(value: Any) -> str | None:
    text = _text(value)
    return checked_zone(text) if text else None


def _codes(value: Any) -> frozenset[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(code, str) for code in value):
        raise ValueError(f"{_shown(value)} is not a list of codes")
    return frozenset(value)


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{_shown(value)} is not one of {', '.join(words)}")
        return value

    return read


def _shown(value: Any) -> str:
    return repr(value)[:60]


READERS: dict[str, Callable[[Any], Any]] = {
    "channel": _one_of(*Channel),
    "state": _state,
    "zip": _zip,
    "phone": _phone,
    "stated_zone": _zone,
    "stated_state": _state,
    "attempts_24h": _count,
    "attempts_limit": _count,
    "suppressions": _codes,
    "unread_reply": _flag,
    "birth_date": _day,
    "deceased": _dead,
    "baa": _flag,
    "practice": _one_of("active", "paused", "ended"),
    "scrubbed_on": _day,
    "last_visit_on": _day,
    "consent": _one_of("written", "verbal", "none", "other_seller"),
    "basis": _one_of("own_service", "authorization", "blocked"),
    "friend_opted_in": _flag,
    "loop_level": _count,
    "loop_consent": _count,
    "incentive": _flag,
    "campaign_registered": _flag,
    "text_has_phi": _flag,
    "text_approved": _flag,
    "lock_held": _flag,
}
"""Each fact and how it is read. The keys are the fields of `Facts`."""
