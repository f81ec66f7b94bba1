"""Facts as somebody typed or sent them, checked strictly: a misspelt fact must not pass for an absent one."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from ops.contact.facts import Channel, Facts
from ops.contact.places import checked_zone


class BadFacts(Exception):
    """The input is not facts; the text names the fact and what is wrong with it."""


class Question(NamedTuple):
    facts: Facts
    at: datetime


def question(given: dict[str, Any], now: datetime, attempts_limit: int) -> Question:
    """Facts and moment from plain values as in JSON. Absent facts take the defaults of `Facts`, `at` takes `now`.

    null says the same as absent, save where it means "could not be read": suppressions, attempts_24h and baa block.
    Raises BadFacts.
    """
    unknown = sorted(set(given) - set(READERS) - {"at"})
    if unknown:
        raise BadFacts(f"unknown fact {unknown[0]!r}")
    at = _read("at", given["at"], _moment) if given.get("at") is not None else now
    read = {
        name: _read(name, value, READERS[name]) for name, value in given.items() if value is not None and name != "at"
    }
    for name, unreadable in (("suppressions", None), ("attempts_24h", None), ("baa", False)):
        if name in given and given[name] is None:
            read[name] = unreadable
    return Question(Facts(**{"attempts_limit": attempts_limit, **read}), at)


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
    "birth_date": _day,
    "deceased": _dead,
    "wrong_person": _flag,
    "litigator": _flag,
    "baa": _flag,
    "practice": _one_of("active", "paused", "ended"),
    "scrubbed_on": _day,
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
