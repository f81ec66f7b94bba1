"""The list of exactly those tasks that a count of the board counted."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ops.accounts.models import User
from ops.db import db
from ops.practices.models import Practice
from ops.queue.counts import Which, is_live, number_of, stands
from ops.queue.models import Task
from ops.queue.waiting import LISTED, Stood, lanes_by_id, piles, waits
from ops.work.kinds import Kind


@dataclass(frozen=True)
class Listed:
    """What a list was asked for: one practice (slug), one kind, one count; of it, what waits for one reason (`why`),
    in one window group, or of one class of age."""

    which: Which
    practice: str | None = None
    kind: Kind | None = None
    why: str | None = None
    group: str | None = None
    age: int | None = None
    """From 0 up to the number of `AGES`."""
    live: bool = False
    """Of practices for which something is done now alone, as in the totals."""

    @property
    def part(self) -> str:
        if self.which in (Which.PROMISED, Which.OVERDUE):
            return self.which.value
        return "all" if self.age is None else f"age {self.age}"


@dataclass(frozen=True)
class Line:
    """One task of a list."""

    task_id: int
    kind: Kind
    practice: str
    zone: str
    reason: str
    created_at: datetime
    ready_at: datetime
    promised_at: datetime | None
    agent: str | None
    """Who holds it."""


def tasks(asked: Listed) -> tuple[int, list[Line]]:
    """How many there are, and the oldest 200 of them."""
    lanes = lanes_by_id() if asked.group else {}
    found, ids = 0, []
    for pile in piles(asked.practice, asked.kind, listed=asked.part):
        lane = lanes.get(pile.lane_id or 0)
        if _is_asked((pile, waits(pile)), asked, lane.window_group if lane else None):
            found += number_of(pile, asked.which, asked.age)
            ids += pile.ids or []
    return found, _lines(ids)


def _is_asked(one: Stood, asked: Listed, group: str | None) -> bool:
    pile, waiting = one
    return (
        stands(one, asked.which)
        and (asked.why is None or asked.why in {wait.code for wait in waiting})
        and (asked.group is None or asked.group == group)
        and (is_live(pile) or not asked.live)
    )


def _lines(ids: list[int]) -> list[Line]:
    query = (
        sa.select(
            Task.id,
            Task.kind,
            Practice.name,
            Practice.zone,
            Task.reason,
            Task.created_at,
            Task.ready_at,
            Task.promised_at,
            User.name,
        )
        .join(Practice, Practice.id == Task.practice_id)
        .outerjoin(User, User.id == Task.held_by)
        .where(Task.id.in_(ids))
        .order_by(Task.created_at, Task.id)
        .limit(LISTED)
    )
    return [Line(*row) for row in db.session.execute(query)]
