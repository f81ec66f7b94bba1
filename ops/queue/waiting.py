"""How many open tasks stand where, and what they wait for: counted once, in the database, for the board and the desk.

With a million open tasks this one statement is the cost of either page, so nothing looks at the tasks a second time:
what lanes, paused kinds and certifications say about a pile is joined here, where there are a few thousand piles.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from ops import clock
from ops.db import db
from ops.practices.models import Practice, PracticeStatus
from ops.queue.models import KindPause, Lane, Task
from ops.queue.workers import Worker
from ops.work.kinds import Kind
from ops.work.reasons import (
    IN_OTHER_HANDS,
    KIND_PAUSED,
    NO_LANE,
    NO_WINDOW,
    NOBODY_MAY,
    PRACTICE_NOT_ACTIVE,
    WINDOW_SHUT,
)
from ops.work.states import OPEN, TaskState

AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""Where the classes of age end; what is older is the last class."""


@dataclass(frozen=True)
class Pile:
    """Open tasks of one practice and kind that stand alike. `codes`: what they wait for before they are due, or None.

    `keeper`: whom they are kept for now; `handed`: by a lead, or as other work about the same person. `opens_at` is the
    earliest moment one of them is due; `ages` counts them by `AGES`.
    """

    practice_id: int
    lane_id: int | None
    kind: Kind
    held: bool
    codes: list[str] | None
    keeper: int | None
    handed: bool
    tasks: int
    opens_at: datetime
    oldest_at: datetime
    promised: int
    overdue: int
    ages: tuple[int, ...]


class Wait(NamedTuple):
    """What a pile waits for (a gate code or a word of ours), and when that is over, where it is known."""

    code: str
    opens_at: datetime | None


Stood = tuple[Pile, list[Wait]]
"""A pile and what it waits for."""


def piles(
    practice: str | None = None, kind: Kind | None = None, practice_ids: Collection[int] | None = None
) -> list[Pile]:
    """One look at the open tasks (of one practice by slug, of one kind, of these practices), however many."""
    now = clock.now()
    one = _each(now).where(Task.state.in_(OPEN))
    if practice:
        one = one.where(Task.practice_id == sa.select(Practice.id).where(Practice.slug == practice).scalar_subquery())
    if practice_ids is not None:
        one = one.where(Task.practice_id.in_(practice_ids))
    if kind:
        one = one.where(Task.kind == kind)
    each = one.subquery().c
    alike = (each.practice_id, each.lane_id, each.kind, each.held, each.codes, each.keeper, each.handed)
    younger = [sa.func.count().filter(each.created_at > now - age) for age in AGES]
    query = sa.select(
        *alike,
        sa.func.count(),
        sa.func.min(each.ready_at),
        sa.func.min(each.created_at),
        sa.func.count(each.promised),
        sa.func.count().filter(each.promised < now),
        *younger,
    ).group_by(*alike)
    return [_pile(row) for row in db.session.execute(query)]


def _each(now: datetime) -> sa.Select:
    held, shut = Task.state == TaskState.CLAIMED, Task.shut_reasons
    code = lambda word: sa.cast([word], JSONB)  # noqa: E731
    codes = sa.case(
        (held, sa.null()),
        (Task.ready_at <= now, sa.case((_called_now(), code(IN_OTHER_HANDS)))),
        (sa.func.jsonb_typeof(shut) == "array", shut),
        (Task.promised_at.is_not(None), code("promised")),
        (Task.tries > 0, code("next_try")),
        (Task.fence > 0, code("put_off")),
        else_=code("not_due"),
    )
    # who spoke to them last is first only once it is due: before that it would tear the piles apart
    kept = sa.and_(~held, Task.owner_until > now, sa.or_(Task.ready_at <= now, Task.handed_at.is_not(None)))
    return sa.select(
        Task.practice_id,
        Task.lane_id,
        Task.kind,
        Task.ready_at,
        Task.created_at,
        held.label("held"),
        codes.label("codes"),
        sa.case((kept, Task.owner_id)).label("keeper"),
        sa.func.coalesce(sa.and_(kept, Task.handed_at.is_not(None)), sa.false()).label("handed"),
        sa.case((held, sa.null()), else_=Task.promised_at).label("promised"),
    )


def _called_now() -> sa.ColumnElement[bool]:
    """Somebody speaks to this patient, or to who has this number; two looks at the few tasks in hands."""
    in_hands = aliased(Task)
    patients = sa.select(in_hands.patient_id).where(in_hands.state == TaskState.CLAIMED)
    people = sa.select(in_hands.person_key).where(in_hands.state == TaskState.CLAIMED, in_hands.person_key.is_not(None))
    return sa.or_(Task.patient_id.in_(patients), Task.person_key.in_(people))


def _pile(row: sa.Row) -> Pile:
    *values, first, second, third = row
    tasks = values[7]
    return Pile(*values, (first, second - first, third - second, tasks - third))  # type: ignore[call-arg]


@dataclass(frozen=True)
class Floor:
    """What decides whether a pile is offered: lanes, what rests, and who could take it. `live`: active practices."""

    lanes: dict[int, Lane]
    pauses: frozenset[tuple[int, Kind]]
    live: frozenset[int]
    everywhere: tuple[Worker, ...]
    certified: dict[int, list[Worker]]
    now: datetime

    def waits(self, pile: Pile) -> list[Wait]:
        """What a pile waits for; empty when it is offered now, or in hands."""
        if pile.held:
            return []
        if pile.practice_id not in self.live:
            return [Wait(PRACTICE_NOT_ACTIVE, None)]
        if (pile.practice_id, pile.kind) in self.pauses:
            return [Wait(KIND_PAUSED, None)]
        if not pile.handed and not self.somebody_may(pile.practice_id, pile.lane_id, pile.kind):
            return [Wait(NOBODY_MAY, None)]
        if pile.codes and pile.codes != [IN_OTHER_HANDS]:
            return [Wait(code, pile.opens_at) for code in pile.codes]
        if shut := self.shut(pile.lane_id):
            return [shut]
        return [Wait(code, None) for code in pile.codes or ()]

    def shut(self, lane_id: int | None) -> Wait | None:
        """Why nothing in this lane is offered now; None: it is open."""
        lane = self.lanes.get(lane_id or 0)
        if lane is None:
            return Wait(NO_LANE, None)
        if lane.opens_at is None or lane.closes_at is None:
            return Wait(NO_WINDOW, None)
        return None if lane.opens_at <= self.now < lane.closes_at else Wait(WINDOW_SHUT, _ahead(lane, self.now))

    def somebody_may(self, practice_id: int, lane_id: int | None, kind: Kind) -> bool:
        lane = self.lanes.get(lane_id or 0)
        language = lane.language if lane else None
        staff = chain(self.everywhere, self.certified.get(practice_id, ()))
        return any(who.may(practice_id, kind, language) for who in staff)


def _ahead(lane: Lane, now: datetime) -> datetime | None:
    """When it opens; a window that is over was not looked at since, and the next sweep says when the next one is."""
    return lane.opens_at if lane.opens_at and lane.opens_at > now else None


def the_floor(staff: Iterable[Worker]) -> Floor:
    """How the floor stands now; three small statements, whatever the number of tasks."""
    pauses = db.session.execute(sa.select(KindPause.practice_id, KindPause.kind)).all()
    live = db.session.scalars(sa.select(Practice.id).where(Practice.status == PracticeStatus.ACTIVE)).all()
    staff = list(staff)
    certified: dict[int, list[Worker]] = {}
    for who in staff:
        for practice_id in () if who.everywhere else who.practices:
            certified.setdefault(practice_id, []).append(who)
    return Floor(
        lanes={lane.id: lane for lane in db.session.scalars(sa.select(Lane))},
        pauses=frozenset((practice_id, kind) for practice_id, kind in pauses),
        live=frozenset(live),
        everywhere=tuple(who for who in staff if who.everywhere),
        certified=certified,
        now=clock.now(),
    )
