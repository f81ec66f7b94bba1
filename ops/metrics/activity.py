"""What happened in a practice's month, whichever month the patients belong to: friends, loop, hours, attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ops.db import db
from ops.metrics import queries
from ops.metrics.cohort import frame
from ops.metrics.measures import Rate
from ops.practices.models import Practice
from ops.practices.months import Month, hours_bought
from ops.referrals.words import STATE_WORDS
from ops.work.answers import ReferralState
from ops.work.outcomes import Outcome

OUTCOME_WORDS = {
    Outcome.WILLING: "Willing to refer",
    Outcome.THINKING: "Has to think about it",
    Outcome.NOT_NOW: "Not now",
    Outcome.ALREADY_TOLD: "Has told a friend already",
    Outcome.NEVER: "Does not want to be asked",
    Outcome.ALL_WELL: "All is well after the treatment",
    Outcome.TOLD: "Thanked for sending a friend",
    Outcome.FRIEND_BOOKED: "Friend booked a visit",
    Outcome.FRIEND_CONNECTED: "Talked to the friend",
    Outcome.FRIEND_DECLINED: "Friend not interested",
    Outcome.ANSWERED: "Question answered",
    Outcome.REVIEW_PROMISED: "Will leave a review",
    Outcome.CALLBACK: "Callback",
    Outcome.NO_ANSWER: "No answer",
    Outcome.VOICEMAIL: "Voicemail left",
    Outcome.BAD_NUMBER: "Number does not work",
    Outcome.WRONG_PERSON: "Wrong person",
    Outcome.NOT_HAPPY: "Was not happy",
    Outcome.DO_NOT_CONTACT: "Asked not to be contacted",
}


@dataclass(frozen=True)
class FriendSent:
    """A friend as the practice sees them: first name only."""

    first_name: str
    referrer_id: int
    referrer: str
    received_at: datetime
    hours_to_contact: float | None
    state: ReferralState
    visit_on: date | None

    @property
    def state_words(self) -> str:
        return STATE_WORDS[self.state]


@dataclass(frozen=True)
class Friends:
    """The friends received in the month and how far they are by now; hours are elapsed hours."""

    people: tuple[FriendSent, ...]
    booked: int
    showed: int
    treated: int
    value: Decimal
    """What those who were treated paid, in dollars, as far as the practice said."""
    median_hours: float | None
    within_48_hours: Rate
    """Of those contacted, or not contacted though 48 hours are over."""

    @property
    def received(self) -> int:
        return len(self.people)

    @property
    def contacted(self) -> int:
        return sum(friend.hours_to_contact is not None for friend in self.people)

    @property
    def waiting(self) -> int:
        """Not contacted yet, and not lost."""
        return sum(friend.state is ReferralState.RECEIVED for friend in self.people)


@dataclass(frozen=True)
class Loop:
    """Steps of friends the referrer may hear of: those of the month and how many were told; everything owed by now."""

    told: Rate
    owed: int
    owed_since: datetime | None


@dataclass(frozen=True)
class Work:
    """Hours bought and delivered, and what came of the attempts: (outcome in words, number), most frequent first."""

    hours_bought: float
    hours_delivered: float
    attempts: tuple[tuple[str, int], ...]

    @property
    def tries(self) -> int:
        return sum(number for _, number in self.attempts)


def friends(practice: Practice, month: Month, as_of: datetime) -> Friends:
    """The friends received in the month, in the practice's zone, as known at `as_of`."""
    import pandas as pd

    rows = frame(queries.friends_received(practice.id, *month.bounds(practice.zone), as_of))
    # a column without a single moment comes back untyped
    came, contacted = (pd.to_datetime(column, utc=True) for column in (rows.received_at, rows.contacted_at))
    rows = rows.assign(hours=(contacted - came).dt.total_seconds() / 3600)
    known = rows.hours.dropna()
    overdue = sum((as_of - moment).total_seconds() > 48 * 3600 for moment in came[rows.hours.isna()])
    return Friends(
        people=tuple(_friend(row) for row in rows.itertuples()),
        booked=_got_to(rows.steps, ReferralState.BOOKED, ReferralState.SHOWED, ReferralState.TREATED),
        showed=_got_to(rows.steps, ReferralState.SHOWED, ReferralState.TREATED),
        treated=_got_to(rows.steps, ReferralState.TREATED),
        value=sum(map(Decimal, rows.value.dropna()), Decimal(0)),
        median_hours=round(float(known.median()), 1) if len(known) else None,
        within_48_hours=Rate(int((known <= 48).sum()), len(known) + overdue),
    )


def _got_to(steps: Sequence[list[str] | None], *states: ReferralState) -> int:
    """How many went through one of the states: a later step proves the earlier ones."""
    return sum(bool(set(each or ()) & set(states)) for each in steps)


def _friend(row: Any) -> FriendSent:
    initial = f" {row.referrer_last[0]}." if row.referrer_last else ""
    return FriendSent(
        first_name=row.friend_name.split()[0] if row.friend_name.split() else "–",
        referrer_id=int(row.referrer_id),
        referrer=f"{row.referrer_first}{initial}",
        received_at=row.received_at.to_pydatetime(),
        hours_to_contact=None if row.hours != row.hours else round(float(row.hours), 1),
        state=ReferralState(row.steps[-1]) if row.steps else ReferralState.RECEIVED,
        visit_on=row.visit_on if isinstance(row.visit_on, date) else None,
    )


def loop(practice: Practice, month: Month, as_of: datetime) -> Loop:
    """What referrers were told, and what they are owed."""
    row = db.session.execute(queries.loop(practice.id, *month.bounds(practice.zone), as_of)).one()
    return Loop(Rate(row.told, row.steps), row.owed, row.owed_since)


def work(practice: Practice, month: Month, as_of: datetime) -> Work:
    """Hours and attempts of the month."""
    rows = db.session.execute(queries.attempts(practice.id, *month.bounds(practice.zone), as_of)).all()
    bought = [
        (row.hours_per_month, row.starts_on, row.ends_on) for row in db.session.execute(queries.contracts(practice.id))
    ]
    return Work(
        hours_bought=float(round(hours_bought(month, bought), 2)),
        hours_delivered=round(float(sum(row.minutes for row in rows)) / 60, 2),
        attempts=tuple((OUTCOME_WORDS[Outcome(row.outcome)], row.number) for row in rows),
    )
