"""How pages write moments, days and shares. One place, so that every page writes them alike."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Flask, g, has_app_context

from ops import clock, phrases, zones
from ops.config import settings
from ops.languages import language_words


def prepare(app: Flask) -> None:
    """Add the filters to Jinja."""
    app.jinja_env.filters.update(
        moment=moment,
        clock_time=clock_time,
        day=day,
        percent_of=percent_of,
        ago=ago,
        phone=phone,
        zone_words=zones.name_of,
        language_words=language_words,
    )
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
    return moment(clock.now()) if settings().clock_offset_minutes else None


def own_zone() -> str:
    """The IANA zone of whoever reads this page; of people who are not signed in and who chose none, the agency's."""
    reader = g.get("_login_user") if has_app_context() else None  # where Flask-Login keeps it
    return getattr(reader, "zone", None) or zones.AT_HOME


def moment(value: datetime | None, zone: str | None = None) -> str:
    """ "Mar 3, 2026, 2:05 PM EST", in `zone` (a patient's, a practice's) or the reader's own; a dash for None."""
    return "–" if value is None else phrases.moment_words(_local(value, zone))


def clock_time(value: datetime, zone: str | None = None) -> str:
    """ "2:05 PM EST": an hour of today, in `zone` or the reader's own."""
    return phrases.time_words(_local(value, zone))


def day(value: date | datetime | None, zone: str | None = None) -> str:
    """ "Mar 3, 2026"; a moment is first taken to `zone` or the reader's own. A dash for None."""
    if value is None:
        return "–"
    return phrases.day_words(_local(value, zone).date() if isinstance(value, datetime) else value)


def _local(value: datetime, zone: str | None) -> datetime:
    return value.astimezone(ZoneInfo(zone or own_zone()))


def phone(number: str | None) -> str:
    """ "(619) 555-0142"; an address as it is, a dash for None."""
    return phrases.phone_words(number) if number else "–"


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
