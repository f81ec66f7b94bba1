"""When the next try is made, and how good a moment it is. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from ops.queue.models import Kind

TIMES_OF_DAY = (time(10, 30), time(14, 0), time(17, 30))
"""Tries vary the time of day: who does not answer in the morning may in the evening."""
KIND_VALUE = {
    Kind.FRIEND_FOLLOW_UP: 90.0,
    Kind.REPLY: 80.0,
    Kind.ASK: 50.0,
    Kind.LOOP_CLOSING: 45.0,
    Kind.FOLLOW_UP: 40.0,
    Kind.REVIEW_REQUEST: 30.0,
    Kind.RECALL: 25.0,
    Kind.PARTNER_TOUCH: 20.0,
}
ESTIMATE_MINUTES = {
    Kind.ASK: 6.0,
    Kind.FOLLOW_UP: 5.0,
    Kind.REVIEW_REQUEST: 3.0,
    Kind.LOOP_CLOSING: 3.0,
    Kind.FRIEND_FOLLOW_UP: 8.0,
    Kind.REPLY: 4.0,
    Kind.RECALL: 4.0,
    Kind.PARTNER_TOUCH: 6.0,
}
"""What a task of each kind is charged at the claim, corrected at the outcome."""


def next_try(now: datetime, zone: str, tries: int) -> datetime:
    """When to try again after `tries` tries: the next day or later, at the time of day after this one. Aware, UTC."""
    local = now.astimezone(ZoneInfo(zone))
    after = [moment for moment in TIMES_OF_DAY if moment > local.time()]
    slot = after[0] if after else TIMES_OF_DAY[0]
    day = local.date() + timedelta(days=1 + (tries > 1))
    return datetime.combine(day, slot, ZoneInfo(zone)).astimezone(now.tzinfo)


def closeness(at: datetime, opens: datetime, peaks: datetime, closes: datetime) -> float:
    """How close `at` is to the best moment: 0 outside, rising from opening to 1 at the peak and falling to closing."""
    if at < opens or at >= closes:
        return 0.0
    if at <= peaks:
        return 0.5 + 0.5 * _share(at, opens, peaks)
    return max(0.05, 1.0 - _share(at, peaks, closes))


def _share(at: datetime, start: datetime, end: datetime) -> float:
    whole = (end - start).total_seconds()
    return (at - start).total_seconds() / whole if whole > 0 else 1.0


def rank(kind: Kind, at: datetime, curve: tuple[datetime, datetime, datetime] | None) -> float:
    """How good a moment it is for a task inside its practice; higher first. `curve` is (opens, peaks, closes)."""
    moment = closeness(at, *curve) if curve else 0.5
    return round(KIND_VALUE[kind] + 40.0 * moment, 3)
