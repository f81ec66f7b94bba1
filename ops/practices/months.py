"""A calendar month as a practice lives it: days on its own calendar, moments in its own zone. Pure."""

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

_WRITTEN = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True)
class Month:
    """One month of one year, 2000-01 to 2099-12."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month a day lies in."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, written: str) -> "Month | None":
        """The month written "2026-03"; None for anything else."""
        match = _WRITTEN.fullmatch(written) if written.isascii() else None
        return cls(int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def name(self) -> str:
        """As a person reads it: "March 2026"."""
        return f"{calendar.month_name[self.number]} {self.year}"

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        return date(self.year, self.number, self.days)

    @property
    def days(self) -> int:
        return calendar.monthrange(self.year, self.number)[1]

    @property
    def after(self) -> "Month":
        return Month.of(self.last + timedelta(days=1))

    @property
    def before(self) -> "Month":
        return Month.of(self.first - timedelta(days=1))

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """The first moment of the month in `zone` (an IANA name) and the first moment of the next, both aware UTC.

        The time between is not days x 24 h in a month in which the clocks change.
        """
        return _midnight(self.first, zone), _midnight(self.after.first, zone)


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def hours_bought(
    month: Month, contracts: Iterable[tuple[Decimal, date, date | None]], passed: Decimal | None = None
) -> Decimal:
    """Hours of (hours per month, first day, first day without it) that fall into the month, prorated by day: what the
    reports and the board call bought. With `passed`, the days of the month that are over (0 to all, with parts), only
    those of them: the pace, by which so many should have been delivered by now."""
    days = Decimal(month.days) if passed is None else passed
    total = Decimal(0)
    for hours, starts_on, ends_on in contracts:
        first = max(Decimal(0), Decimal((starts_on - month.first).days))
        after = min(Decimal(((ends_on or date.max) - month.first).days), days)
        total += hours * max(Decimal(0), after - first) / month.days
    return total


def days_passed(month: Month, at: datetime, zone: str) -> Decimal:
    """How many days of the month are over at `at` (aware), 0 to all of them; the day it is in counts by the hour."""
    start, end = month.bounds(zone)
    if not start <= at < end:
        return Decimal(0) if at < start else Decimal(month.days)
    here = at.astimezone(ZoneInfo(zone))
    return here.day - 1 + Decimal(here.hour * 3600 + here.minute * 60 + here.second) / 86400
