"""The practice's month as one object. Page, CSV and JSON show it; none of them counts anything itself.

A month is a cohort in the practice's own zone (see `measures`), read as it stood at `as_of`: facts that came later are
left out, so the running month ends today and an old month can be read as it was. Two things are not dated and so are
always today's: a patient's death or birth date, and the treatment types' days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ops import clock
from ops.db import db
from ops.metrics import activity, cohort, queries, sentences
from ops.metrics.cohort import Cohort, cohorts
from ops.metrics.measures import Rate
from ops.practices.models import Practice
from ops.practices.months import Month

COMING_DAYS = 14


@dataclass(frozen=True)
class Coming:
    """Patients whose result begins to show from the day after `as_of` on: the asks to come."""

    until: date
    first_week: int
    second_week: int

    @property
    def total(self) -> int:
        return self.first_week + self.second_week


@dataclass(frozen=True)
class MonthReport:
    """Everything the report of one practice's month says."""

    practice: str
    practice_name: str
    zone: str
    month: Month
    as_of: datetime
    running: bool
    """The month is not over: what is still to come is missing."""
    started: Month | None
    """The month in which the practice's first result began to show; None before that."""
    cohort: Cohort
    friends: activity.Friends
    loop: activity.Loop
    work: activity.Work
    reviews: int
    coming: Coming
    sentences: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Nothing to tell: nobody became eligible and nothing happened."""
        return not (self.cohort.steps[0].count or self.friends.received or self.work.tries or self.reviews)


def month_report(practice: Practice, month: Month, as_of: datetime | None = None) -> MonthReport:
    """The report of the month as known at `as_of` (aware; now). Raises ValueError for a month that lies ahead of it."""
    as_of = as_of or clock.now()
    today = as_of.astimezone(ZoneInfo(practice.zone)).date()
    if month > Month.of(today):
        raise ValueError(f"{month} has not begun")
    people = cohorts([practice], month, month, as_of).get((practice.id, month), cohort.NOBODY)
    friends = activity.friends(practice, month, as_of)
    running = month == Month.of(today)
    first = db.session.scalar(queries.first_opening(practice.id))
    return MonthReport(
        practice=practice.slug,
        practice_name=practice.name,
        zone=practice.zone,
        month=month,
        as_of=as_of,
        running=running,
        started=Month.of(first) if first and first <= today else None,
        cohort=people,
        friends=friends,
        loop=activity.loop(practice, month, as_of),
        work=activity.work(practice, month, as_of),
        reviews=db.session.scalar(queries.reviews(practice.id, month.first, month.last, as_of)) or 0,
        coming=_coming(practice, today, as_of),
        sentences=sentences.of(month, running, people),
    )


def _coming(practice: Practice, today: date, as_of: datetime) -> Coming:
    week, end = today + timedelta(days=7), today + timedelta(days=COMING_DAYS)
    first = cohort.due(practice, today + timedelta(days=1), week, as_of)
    both = cohort.due(practice, today + timedelta(days=1), end, as_of)
    return Coming(end, first, both - first)


@dataclass(frozen=True)
class MonthSoFar:
    """One practice in the overview: this month so far beside the last."""

    practice: Practice
    month: Month
    this: Cohort
    last: Cohort

    @property
    def leak(self) -> Rate:
        """What the widest leak of the last month took, of those eligible; the running month's leaks are still open."""
        widest = self.last.widest
        return Rate(widest.leak.count if widest else 0, self.last.steps[0].count)


def overview(practices: Sequence[Practice], as_of: datetime | None = None) -> list[MonthSoFar]:
    """One line per practice, in the order given; each in its own zone's month."""
    as_of = as_of or clock.now()
    months = {practice.id: Month.of(as_of.astimezone(ZoneInfo(practice.zone)).date()) for practice in practices}
    if not months:
        return []
    found = cohorts(practices, min(months.values()).before, max(months.values()), as_of)
    return [
        MonthSoFar(
            practice,
            month,
            found.get((practice.id, month), cohort.NOBODY),
            found.get((practice.id, month.before), cohort.NOBODY),
        )
        for practice in practices
        if (month := months[practice.id])
    ]


def by_leak(lines: Sequence[MonthSoFar]) -> list[MonthSoFar]:
    """The widest leak first. Who has too few to rank comes after all the others, in the order given."""
    ranked = [line for line in lines if line.leak.rankable]
    return sorted(ranked, key=lambda line: -line.leak.n / line.leak.of) + [
        line for line in lines if not line.leak.rankable
    ]
