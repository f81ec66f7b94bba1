"""When somebody who did not answer is tried again. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

TIMES_OF_DAY = (time(10, 30), time(14, 0), time(17, 30))
"""Tries vary the time of day: who does not answer in the morning may in the evening."""


def next_try(now: datetime, zone: str, tries: int) -> datetime:
    """When to try again after `tries` tries: the next day or later, at the time of day after this one. Aware, UTC."""
    local = now.astimezone(ZoneInfo(zone))
    after = [moment for moment in TIMES_OF_DAY if moment > local.time()]
    slot = after[0] if after else TIMES_OF_DAY[0]
    day = local.date() + timedelta(days=1 + (tries > 1))
    return datetime.combine(day, slot, ZoneInfo(zone)).astimezone(now.tzinfo)


WAITS = (timedelta(hours=2), timedelta(hours=1), timedelta(minutes=30))
"""How long until whoever is owed a call is tried again today, the first that is within their hours."""


def later_today(now: datetime, closes: datetime | None, tries: int) -> datetime | None:
    """When to try again today somebody who wrote and is owed a call: within their hours, and once; None: not today."""
    if closes is None or tries > 1:  # two contacts a day are all there may be
        return None
    return next((now + each for each in WAITS if now + each < closes), None)
