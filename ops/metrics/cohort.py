"""The patients of a month and how far each got: SQL brings facts, pandas makes stages of them (rules: `measures`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ops.db import db
from ops.metrics import queries
from ops.metrics.measures import GAP, MEASURES, STAGES, Measure, Owner, Rate, Stage
from ops.metrics.reasons import StageFacts, Why, why_not
from ops.practices.models import Practice
from ops.practices.months import Month
from ops.work.answers import Answer, ReferralState
from ops.work.endings import EndReason
from ops.work.outcomes import Outcome

if TYPE_CHECKING:
    import pandas as pd

Person = dict[Any, Any]
"""A patient of a practice's month: a column per stage, and what tells why they stopped (see `_people`)."""
PERSON = ["practice_id", "month", "human_id"]
ABOUT = ("reachable", "spared", "declined", "running", "end_reason", "end_outcome", "shut_reasons")
"""What is told of the latest cadence when a patient had several."""
FRIEND_STAGES = {
    Stage.BOOKED: ReferralState.BOOKED,
    Stage.SHOWED: ReferralState.SHOWED,
    Stage.TREATED: ReferralState.TREATED,
}
ORDER = (*ReferralState,)


@dataclass(frozen=True)
class Leak:
    """Those who got to the stage before and not to this one: how many, and the reasons, most frequent first."""

    count: int
    reasons: tuple[tuple[Why, int], ...]

    @property
    def open(self) -> int:
        """How many of them are still being worked on."""
        return sum(number for why, number in self.reasons if why.open)

    def of(self, owner: Owner) -> int:
        """How many are this owner's to win back."""
        return sum(number for why, number in self.reasons if why.owner is owner)


@dataclass(frozen=True)
class Step:
    """One stage of the waterfall. `leak` is what was lost on the way to it (empty for the first)."""

    stage: Stage
    count: int
    of_eligible: Rate
    of_before: Rate
    leak: Leak

    @property
    def measure(self) -> Measure:
        return MEASURES[self.stage]


@dataclass(frozen=True)
class Cohort:
    """The waterfall of one practice's month. `unprompted` sent a friend without an ask on record."""

    steps: tuple[Step, ...]
    unprompted: int

    def count(self, stage: Stage) -> int:
        return self.steps[STAGES.index(stage)].count

    @property
    def referral_rate(self) -> Rate:
        return Rate(self.count(Stage.REFERRED), self.count(Stage.ELIGIBLE))

    @property
    def willingness(self) -> Rate:
        return Rate(self.count(Stage.WILLING), self.count(Stage.REACHED))

    @property
    def widest(self) -> Step | None:
        """The step between eligible and friend sent on the way to which most got lost; None when nobody did."""
        gap = [step for step in self.steps if step.stage in GAP and step.leak.count]
        return max(gap, key=lambda step: step.leak.count, default=None)


def frame(query: sa.Select) -> pd.DataFrame:
    """The rows of a SELECT, read on the session's own connection (and so behind its wall between practices)."""
    import pandas as pd

    return pd.read_sql(query, db.session.connection())


def cohorts(
    practices: Sequence[Practice], first: Month, last: Month, as_of: datetime
) -> dict[tuple[int, Month], Cohort]:
    """The waterfall of every (practice id, month) from `first` to `last` in which a result began to show by `as_of`."""
    scope = ([practice.id for practice in practices], first.first, last.last, as_of)
    opened = frame(queries.opened(*scope))
    opened = opened[_by_today(opened, practices, as_of)]
    if opened.empty:
        return {}
    groups: dict[tuple[int, str], list[Person]] = {}
    for person in _people(opened, scope).to_dict("records"):
        groups.setdefault((person["practice_id"], person["month"]), []).append(person)
    return {
        (int(practice), Month.of(date.fromisoformat(f"{month}-01"))): _cohort(people)
        for (practice, month), people in groups.items()
    }


NOBODY = Cohort(tuple(Step(stage, 0, Rate(0, 0), Rate(0, 0), Leak(0, ())) for stage in STAGES), 0)


def _by_today(opened: pd.DataFrame, practices: Sequence[Practice], as_of: datetime) -> pd.Series:
    """Which results had begun to show by the day `as_of` is in their practice's zone."""
    import pandas as pd

    today = {practice.id: as_of.astimezone(ZoneInfo(practice.zone)).date() for practice in practices}
    shown = [day <= today[practice] for day, practice in zip(opened.opens_on, opened.practice_id, strict=True)]
    return pd.Series(shown, index=opened.index, dtype=bool)


def _people(opened: pd.DataFrame, scope: tuple) -> pd.DataFrame:
    """One row per practice, month and human: a column per stage, `unprompted`, and what tells why they stopped."""
    rows = opened.assign(month=[str(Month.of(day)) for day in opened.opens_on])
    rows = rows.merge(frame(queries.ask_runs(*scope)), on="milestone_id", how="left")
    rows = rows.merge(_furthest(frame(queries.cohort_friends(*scope))), on="milestone_id", how="left")
    rows = _stages(rows).sort_values(["started_at", "milestone_id"], na_position="first")
    groups: Any = rows.groupby(PERSON)
    people = _proven(groups[list(STAGES)].any())
    told = groups[["answer", "steps"]].last()  # the last there is
    latest = rows.drop_duplicates(PERSON, keep="last").set_index(PERSON)[[*ABOUT]]
    return people.join(told).join(latest).reset_index()


def _furthest(friends: pd.DataFrame) -> pd.DataFrame:
    """Of each milestone's friends the steps of the one who got furthest."""
    steps = [each or [ReferralState.RECEIVED.value] for each in friends.steps]
    rank = [max((ORDER.index(ReferralState(s)) for s in each if s != ReferralState.LOST), default=0) for each in steps]
    return (
        friends.assign(rank=rank, steps=steps)
        .sort_values("rank")
        .groupby("milestone_id", as_index=False)
        .last()[["milestone_id", "steps"]]
    )


def _stages(rows: pd.DataFrame) -> pd.DataFrame:
    """The stages each fact shows by itself."""
    steps = [set(each) if isinstance(each, list) else set() for each in rows.steps]
    shown = {
        Stage.ELIGIBLE: [True] * len(rows),
        Stage.IN_WINDOW: rows.started_at.notna(),
        Stage.ASKED: rows.asked.eq(True),
        Stage.REACHED: rows.answer.notna() & rows.answer.ne(Answer.NO_ANSWER),
        Stage.WILLING: rows.answer.eq(Answer.WILLING),
        Stage.REFERRED: [bool(each) for each in steps],
    } | {stage: [state in each for each in steps] for stage, state in FRIEND_STAGES.items()}
    return rows.assign(**{str(stage): values for stage, values in shown.items()})


def _proven(people: pd.DataFrame) -> pd.DataFrame:
    """A later fact proves the earlier ones."""
    people = people.assign(unprompted=people[Stage.REFERRED] & ~people[Stage.ASKED])
    for before, stage in reversed(list(pairwise(STAGES))):
        people[before] = people[before] | people[stage]
    return people


def _cohort(people: list[Person]) -> Cohort:
    """Counted without pandas: for each practice and month it costs 20 times what counting does."""
    eligible = len(people)
    steps = [Step(Stage.ELIGIBLE, eligible, Rate(eligible, eligible), Rate(eligible, eligible), Leak(0, ()))]
    for before, stage in pairwise(STAGES):
        count, previous = sum(bool(person[stage]) for person in people), steps[-1].count
        lost = [person for person in people if person[before] and not person[stage]]
        steps.append(Step(stage, count, Rate(count, eligible), Rate(count, previous), _leak(stage, lost)))
    return Cohort(tuple(steps), sum(bool(person["unprompted"]) for person in people))


def _leak(missed: Stage, lost: list[Person]) -> Leak:
    reasons = Counter(why_not(missed, _facts(person)) for person in lost)
    return Leak(len(lost), tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0].words))))


def _facts(person: Person) -> StageFacts:
    """What pandas put in where nothing is known (NaN) is nothing."""

    def known(name: str, kind: type) -> Any:
        return person[name] if isinstance(person[name], kind) else None

    return StageFacts(
        reachable=bool(person["reachable"]),
        spared=bool(person["spared"]),
        declined=bool(person["declined"]),
        running=person["running"] is True,
        end_reason=known("end_reason", EndReason),
        end_outcome=known("end_outcome", Outcome),
        shut_reasons=known("shut_reasons", list),
        answer=known("answer", str),
        steps=known("steps", list) or (),
    )


def due(practice: Practice, first: date, last: date, as_of: datetime) -> int:
    """How many eligible patients' results open from `first` to `last`, both included."""
    opened = queries.opened([practice.id], first, last, as_of).subquery()
    return db.session.scalar(sa.select(sa.func.count(sa.distinct(opened.c.human_id)))) or 0
