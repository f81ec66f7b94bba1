"""How pages write moments, days and shares. One place, so that every page writes them alike."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Flask

from ops import clock, phrases
from ops.config import settings


def prepare(app: Flask) -> None:
    """Add the filters to Jinja."""
    app.jinja_env.filters.update(moment=moment, clock_time=clock_time, day=day, percent_of=percent_of, ago=ago)
    app.jinja_env.globals.update(
        shifted_clock=shifted_clock,
        age_words=phrases.age_words,
        capital=phrases.capital,
        count_of=phrases.count_of,
        length_words=phrases.length_words,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def shifted_clock() -> str | None:
    """The time it is on a shifted clock, for the banner on every page; None when the clock is the real one."""
    return moment(clock.now(), "America/New_York") if settings().clock_offset_minutes else None


def moment(value: datetime | None, zone: str = "UTC") -> str:
    """ "Mar 3, 2026, 2:05 PM EST", in an IANA zone; a dash for None."""
    return "–" if value is None else phrases.moment_words(value.astimezone(ZoneInfo(zone)))


def clock_time(value: datetime, zone: str = "UTC") -> str:
    """ "2:05 PM EST": an hour of today, as people say it on the phone."""
    return phrases.time_words(value.astimezone(ZoneInfo(zone)))


def day(value: date | datetime | None, zone: str = "UTC") -> str:
    """ "Mar 3, 2026"; a moment is first taken to `zone`. A dash for None."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(zone)).date()
    return phrases.day_words(value)


def percent_of(part: int, whole: int) -> str:
    """ "80% (16 of 20)"; "0 of 0" without a percentage, since there is none."""
    if not whole:
        return f"{part} of {whole}"
    return f"{round(100 * part / whole)}% ({part} of {whole})"


def ago(value: datetime | None) -> str:
    """ "just now", "5 minutes ago", "3 hours ago", "2 days ago"; "in 5 minutes" ahead; a dash for None."""
    if value is None:
        return "–"
    seconds = (clock.now() - value).total_seconds()
    words = _length(abs(seconds))
    if words is None:
        return "just now"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _length(seconds: float) -> str | None:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {name}{'s' if number > 1 else ''}"
    return None
