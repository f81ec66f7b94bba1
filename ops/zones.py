"""Time zones: which a practice or a person can be in, in which order a list shows them, how one is called. Pure."""

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

AT_HOME = "America/New_York"
"""Whose time stands for a reader who has said no zone of their own."""
US = {
    "America/Puerto_Rico": "Atlantic time",
    "America/New_York": "Eastern time",
    "America/Chicago": "Central time",
    "America/Denver": "Mountain time",
    "America/Phoenix": "Arizona time",
    "America/Los_Angeles": "Pacific time",
    "America/Anchorage": "Alaska time",
    "America/Adak": "Aleutian time",
    "Pacific/Honolulu": "Hawaii time",
}
"""One for each clock of the states and the Caribbean territories, from east to west, as Americans call it."""
_HOURS = (
    "AST -4 ADT -3 EST -5 EDT -4 CST -6 CDT -5 MST -7 MDT -6 PST -8 PDT -7 "
    "AKST -9 AKDT -8 HST -10 HDT -9 SST -11 ChST 10"
)
_AMERICAN = dict(zip(_HOURS.split()[::2], map(int, _HOURS.split()[1::2]), strict=True))
"""What Americans call an hour, and how far it is from UTC: PST is said in Manila as well, where it is another time."""


@cache
def places() -> frozenset[str]:
    """The IANA zones somebody can be in: named places, without "Etc/GMT+5", "UTC", "EST" and the like."""
    return frozenset(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
    )


@cache
def choices() -> dict[str, str]:
    """Each zone's words, for a list: the usual US zones first, then all others by name."""
    rest = sorted(places() - set(US))
    usual = {zone: f"{name} ({_city(zone)})" for zone, name in US.items()}
    return usual | {zone: zone.replace("_", " ") for zone in rest}


def name_of(zone: str) -> str:
    """What people call an IANA zone: "Eastern time"; "Manila time" where no American clock is meant."""
    return US.get(zone) or f"{_city(zone)} time"


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def day_in(zone: str, moment: datetime) -> date:
    """The calendar day it is at an aware `moment` in `zone`."""
    return moment.astimezone(ZoneInfo(zone)).date()


def called(moment: datetime) -> str:
    """How the zone of an aware `moment` is named beside its hour: "EST"; "Manila time" where no American says it."""
    short = f"{moment:%Z}"
    if short in _AMERICAN and moment.utcoffset() == timedelta(hours=_AMERICAN[short]):
        return short
    where = _city(str(getattr(moment.tzinfo, "key", "")))
    return f"{where} time" if where and where != short else short
