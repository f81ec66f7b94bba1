"""Dates in the forms practice systems write them. American order (month first), unless the whole column says otherwise
(`ops.imports.reading.orders`); never a guess.

A date that could be two days is refused with a reason: a birthday read wrongly makes a minor contactable.
"""

import re
from calendar import monthrange
from datetime import UTC, date, time, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from ops.imports.reading.records import Unclear, halfwidth
from ops.practices.age import is_minor

_TIME = r"(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?"
_YEAR_FIRST = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})" + _TIME)
_MONTH_FIRST = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})" + _TIME)
_DAY_MON = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})\.?[ ,-]+(\d{4}|\d{2})" + _TIME)
_MON_DAY = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})" + _TIME)
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_PART = re.compile(r"((?:19|20)\d{2})(?:-(0[1-9]|1[0-2]))?")
_SERIAL = re.compile(r"\d{1,5}(?:\.\d+)?")
_MONTHS = {"janfebmaraprmayjunjulaugsepoctnovdec"[at * 3 : at * 3 + 3]: at + 1 for at in range(12)}
_UNKNOWN_YEARS = {0, 1, 1753, 1800, 1899, 9999}
"""Years by which databases say "no date": the zero dates of MySQL, .NET, SQL Server and Excel, and the end of time."""
EXCEL_EPOCH = date(1899, 12, 30)
OLDEST = 115
"""Years nobody has to exceed for a two-digit birth year to be read as this century."""


class Order(StrEnum):
    """How a column writes 3/4/1990."""

    MONTH_FIRST = "month first"
    DAY_FIRST = "day first"
    UNCLEAR = "now so, now so"


class Stamp(NamedTuple):
    """A moment as written: `clock` and `offset` only where the text has them. `century` False: two-digit year."""

    day: date
    clock: time | None
    offset: timezone | None
    century: bool = True


@lru_cache(maxsize=1 << 14)
def read_stamp(text: str, excel: bool = False, order: Order = Order.MONTH_FIRST) -> Stamp | None:
    """The date in `text`; None for an empty cell or a sentinel for "unknown". `excel`: plain numbers are serial days;
    where the `order` is not clear, Excel may have taken a day for a month in its own dates too.

    Raises Unclear with the reason. Two-digit years come back as 20yy with `century` False.
    """
    text = halfwidth(text.strip())
    if len(text) == 10 and text[4] == "-" == text[7] and (text[:4] + text[5:7] + text[8:]).isdecimal():
        if excel and order is Order.UNCLEAR:
            _refuse_two_readings(text, text[5:7], text[8:])
        return _stamp(text, text[:4], text[5:7], text[8:], ())
    if not text or text.lower() in ("null", "none", "n/a", "na", "unknown", "-"):
        return None
    if found := _YEAR_FIRST.fullmatch(text):
        return _stamp(text, found[1], found[2], found[3], found.groups()[3:])
    if found := _MONTH_FIRST.fullmatch(text):
        if order is Order.UNCLEAR:
            _refuse_two_readings(text, found[1], found[2])
        month, day = (found[2], found[1]) if order is Order.DAY_FIRST else (found[1], found[2])
        return _stamp(text, found[3], month, day, found.groups()[3:], order)
    return _in_words(text) or _in_digits(text, excel)


def _refuse_two_readings(text: str, one: str, other: str) -> None:
    if one != other and 1 <= int(one) <= 12 and 1 <= int(other) <= 12:
        raise Unclear(
            f"{text!r} could be two days: some dates of this column have the day first, others the month "
            "(write year-month-day)"
        )


def by_itself(text: str, order: Order) -> str:
    """A date of a column as it must stand where nobody knows the column: month first, or marked so that it is no date
    where it could be two."""
    if order is Order.UNCLEAR:
        try:
            read_stamp(text, True, order)
        except Unclear as problem:
            return f"{text} (day or month?)" if "two days" in str(problem) else text
    found = _MONTH_FIRST.fullmatch(text.strip()) if order is Order.DAY_FIRST else None
    return f"{found[2]}/{found[1]}/{text.strip()[found.start(3) :]}" if found else text


def _in_words(text: str) -> Stamp | None:
    if found := _DAY_MON.fullmatch(text):
        day, word, year = found[1], found[2], found[3]
    elif found := _MON_DAY.fullmatch(text):
        word, day, year = found[1], found[2], found[3]
    else:
        return None
    month = _MONTHS.get(word[:3].lower())
    if month is None:
        raise Unclear(f"{text!r} is not a date")
    return _stamp(text, year, str(month), day, found.groups()[3:])


def _in_digits(text: str, excel: bool) -> Stamp | None:
    if found := _COMPACT.fullmatch(text):
        return _stamp(text, found[1], found[2], found[3], ())
    if _PART.fullmatch(text):
        raise Unclear(f"{text!r} is a year or a month without its day")
    if excel and _SERIAL.fullmatch(text):
        day = EXCEL_EPOCH + timedelta(days=int(float(text)))
        return None if day.year <= 1900 else Stamp(day, None, None)
    raise Unclear(f"{text!r} is not a date")


def _stamp(
    text: str, year: str, month: str, day: str, clock: tuple[str | None, ...], order: Order = Order.MONTH_FIRST
) -> Stamp | None:
    whole = len(year) == 4
    if whole and (int(year) in _UNKNOWN_YEARS or int(month) == 0):
        return None
    try:
        stated = date(int(year) if whole else 2000 + int(year), int(month), int(day))
        at, offset = _clock(*clock) if clock and clock[0] else (None, None)
    except ValueError:
        read = "day/month/year" if order is Order.DAY_FIRST else "month/day/year"
        raise Unclear(f"{text!r} is not a date that exists ({read} is read)") from None
    return Stamp(stated, at, offset, whole)


def _clock(
    hour: str | None, minute: str | None, second: str | None, half: str | None, zone: str | None
) -> tuple[time, timezone | None]:
    number = int(hour or 0)
    if half:
        if not 1 <= number <= 12:
            raise ValueError(hour)
        number = number % 12 + (12 if half[0] in "pP" else 0)
    return time(number, int(minute or 0), int(second or 0)), _offset(zone)


def _offset(zone: str | None) -> timezone | None:
    if not zone:
        return None
    if zone in ("Z", "UTC"):
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if zone[0] == "-" else shift)


@lru_cache(maxsize=1 << 14)
def birth_date(text: str, today: date, excel: bool = False, order: Order = Order.MONTH_FIRST) -> date | None:
    """A birthday; None when unknown. Raises Unclear: in the future, before 1900, a two-digit year that could be two.

    A year alone, or with its month, is an unknown day; while it could be a minor's, its last day, so that a minor by
    any reading stays one.
    """
    if part := _PART.fullmatch(halfwidth(text.strip())):
        return _born_in(int(part[1]), int(part[2] or 0), today)
    stamp = read_stamp(text, excel, order)
    if stamp is None or (stamp.day == date(1900, 1, 1) and stamp.century):
        return None
    born = stamp.day if stamp.century else _birth_century(stamp.day, today, text)
    if born > today:
        raise Unclear(f"born in the future ({text})")
    if born.year < 1900:
        raise Unclear(f"born before 1900 ({text})")
    return born


def _born_in(year: int, month: int, today: date) -> date | None:
    if date(year, month or 1, 1) > today:
        raise Unclear(f"born in the future ({year})")
    last = min(date(year, month or 12, monthrange(year, month or 12)[1]), today)
    return last if is_minor(last, today) else None


def _birth_century(this_century: date, today: date, text: str) -> date:
    last_century = century_earlier(this_century)
    if this_century > today:
        return last_century
    if today.year - last_century.year >= OLDEST:
        return this_century
    raise Unclear(f"the year in {text!r} could be {last_century.year} or {this_century.year}")


def century_earlier(day: date) -> date:
    """The same day a hundred years before."""
    leap = (day.month, day.day) == (2, 29)  # 1900 had none
    return date(day.year - 100, day.month, 28 if leap else day.day)


@lru_cache(maxsize=1 << 14)
def past_date(text: str, today: date, what: str, excel: bool = False, order: Order = Order.MONTH_FIRST) -> date | None:
    """A day that has been, such as a death; None when unknown. Raises Unclear: in the future, or before 1900."""
    stamp = read_stamp(text, excel, order)
    if stamp is None:
        return None
    day = stamp.day if stamp.century or stamp.day <= today else century_earlier(stamp.day)
    if day > today:
        raise Unclear(f"{what} in the future ({text})")
    if day.year < 1900:
        raise Unclear(f"{what} before 1900 ({text})")
    return day
