"""Small pieces of American English: lists, counts, lengths of time, days and hours. Pure."""

from collections.abc import Iterable
from datetime import date, datetime

from ops import zones


def listed(words: Iterable[str], joined: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    *before, last = list(words) or [""]
    return f"{', '.join(before)} {joined} {last}" if before else last


def count_of(number: int, one: str, many: str | None = None) -> str:
    """ "1 day", "1,200 days"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def capital(words: str) -> str:
    """The same with a capital at its beginning, and no other letter changed."""
    return words[:1].upper() + words[1:]


def day_words(day: date) -> str:
    """ "Oct 29, 2026"."""
    return f"{day:%b} {day.day}, {day.year}"


def time_words(moment: datetime) -> str:
    """ "9:05 AM EST", in the zone of an aware `moment`, which is always named."""
    return f"{moment:%-I:%M %p} {zones.called(moment)}"


def moment_words(moment: datetime) -> str:
    """ "Oct 29, 2026, 9:05 AM EDT", in the zone of an aware `moment`."""
    return f"{day_words(moment)}, {time_words(moment)}"


def phone_words(number: str) -> str:
    """ "(619) 555-0142" for +16195550142, as Americans write it; another number, or an address, as it is."""
    if len(number) == 12 and number.startswith("+1"):
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number


def age_words(since: datetime, now: datetime) -> str:
    """How long ago, as short as a table wants it: "12 min", "3 h", "5 days"."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def length_words(minutes: float) -> str:
    """A length of work: "5 h 12 min", "5 h", "9 min"; takes minutes."""
    hours, rest = divmod(round(minutes), 60)
    return " ".join([*([f"{hours:,} h"] if hours else []), *([f"{rest} min"] if rest or not hours else [])])
