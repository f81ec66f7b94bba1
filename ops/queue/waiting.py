"""How many open tasks stand where, and why they are not offered: counted once, in the database, for the board, the desk
and the story of a task.

With a million open tasks this one statement is the cost of either page, so nothing looks at the tasks a second time:
what lanes, paused kinds and certifications say about a pile is asked (by the rules of offered.sql, which the claim asks
too) where there are a few thousand piles.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.accounts.roles import AT_WORK
from ops.db import db
from ops.queue.models import Lane, Task
from ops.queue.presence import HERE, is_present
from ops.work.kinds import Kind
from ops.work.reasons import Waits

AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""Where the classes of age end; what is older is the last class."""


@dataclass(frozen=True)
class Pile:
    """Open tasks of one practice and kind that stand alike; one task (`task_id`) where single tasks were asked for.

    `codes`: what they wait for before they are due, or that somebody speaks to them; None: nothing. `keeper`: whom they
    are assigned to now, and who is present; `assigned`: by a lead, or as other work about the same person. `opens_at`
    is the earliest moment one of them is due; `ages` counts them by `AGES`. `shut`: why nothing in their lane is
    offered, `shut_until` when it opens; a window that is over was not looked at since, and the next upkeep says when
    the next one is.
    `paused`: why nothing of the practice or kind is offered; `somebody` may work it of those that were asked about.
    """

    task_id: int | None
    practice_id: int
    lane_id: int | None
    kind: Kind
    held: bool
    codes: list[str] | None
    keeper: int | None
    assigned: bool
    tasks: int
    opens_at: datetime
    oldest_at: datetime
    promised: int
    overdue: int
    ages: tuple[int, ...]
    shut: str | None
    shut_until: datetime | None
    paused: list[str]
    somebody: bool


class Wait(NamedTuple):
    """What a pile waits for (a gate code or one of `Waits`), and when that is over, where it is known."""

    code: str
    opens_at: datetime | None


Stood = tuple[Pile, list[Wait]]
"""A pile and what it counts as waiting for."""


PILES = """
WITH staff AS MATERIALIZED (
    SELECT s.* FROM skills s JOIN users u ON u.id = s.user_id AND u.active AND u.role = ANY (:at_work)
    WHERE CAST(:agent AS bigint) IS NULL OR s.user_id = :agent
), here AS MATERIALIZED ({here}), shunned AS MATERIALIZED (
    SELECT n.task_id, array_agg(n.user_id ORDER BY n.user_id) AS by FROM not_for n GROUP BY n.task_id
), each AS (
    SELECT {task} AS task_id, t.practice_id, t.lane_id, t.kind, t.state = 'claimed' AS held, t.ready_at, t.created_at,
           CASE WHEN t.state = 'claimed' THEN NULL
                -- spoken_to (offered.sql) the other way round: two looks at the few in progress, not two for each task
                WHEN t.ready_at <= :now THEN CASE WHEN
                    t.patient_id IN (SELECT h.patient_id FROM tasks h WHERE h.state = 'claimed')
                    OR t.person_key IN (SELECT h.person_key FROM tasks h
                                        WHERE h.state = 'claimed' AND h.person_key IS NOT NULL)
                    THEN jsonb_build_array('on_another_call')
                    -- and so with unread_of: the rule itself for the few who wrote
                    WHEN t.person_key IN (SELECT u.key FROM unread_keys u)
                         AND EXISTS (SELECT FROM unread_of(t.kind, t.practice_id, t.person_key))
                    THEN jsonb_build_array('UNREAD_REPLY') END
                WHEN jsonb_typeof(t.shut_reasons) = 'array' THEN t.shut_reasons
                WHEN t.promised_at IS NOT NULL THEN jsonb_build_array('promised')
                WHEN t.tries > 0 THEN jsonb_build_array('next_try')
                WHEN t.fence > 0 THEN jsonb_build_array('snoozed')
                ELSE jsonb_build_array('not_due') END AS codes,
           -- who spoke to them last is first only once it is due: before that it would tear the piles apart
           CASE WHEN t.state = 'waiting' AND (t.ready_at <= :now OR t.handed_at IS NOT NULL)
                     AND t.owner_id IN (SELECT h.user_id FROM here h)
                THEN keeper(t.owner_id, t.owner_until, :now) END AS keeper,
           t.handed_at, CASE WHEN t.state = 'waiting' THEN t.promised_at END AS promised, x.by AS shunned
    FROM tasks t LEFT JOIN shunned x ON x.task_id = t.id WHERE t.state IN ('waiting', 'claimed') AND {which}
), piles AS (
    SELECT e.task_id, e.practice_id, e.lane_id, e.kind, e.held, e.codes, e.keeper,
           e.keeper IS NOT NULL AND e.handed_at IS NOT NULL AS assigned,
           count(*) AS tasks, min(e.ready_at) AS opens_at, min(e.created_at) AS oldest_at,
           count(e.promised) AS promised, count(*) FILTER (WHERE e.promised < :now) AS overdue,
           count(*) FILTER (WHERE e.created_at > :first) AS first,
           count(*) FILTER (WHERE e.created_at > :second) AS second,
           count(*) FILTER (WHERE e.created_at > :third) AS third, e.shunned
    FROM each e GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, e.shunned
)
SELECT p.task_id, p.practice_id, p.lane_id, p.kind, p.held, p.codes, p.keeper, p.assigned,
       p.tasks, p.opens_at, p.oldest_at, p.promised, p.overdue,
       ARRAY[p.first, p.second - p.first, p.third - p.second, p.tasks - p.third] AS ages,
       why_shut(l.id, l.opens_at, l.closes_at, :now) AS shut,
       CASE WHEN l.opens_at > :now THEN l.opens_at END AS shut_until,
       ARRAY(SELECT r.code FROM why_paused(p.practice_id, p.kind) r) AS paused,
       EXISTS (SELECT FROM staff s WHERE may_work(
           p.practice_id, p.kind, l.language, s.speaks, s.does, s.everywhere, s.theirs)
           AND (p.shunned IS NULL OR s.user_id <> ALL (p.shunned))) AS somebody
FROM piles p LEFT JOIN lanes l ON l.id = p.lane_id
"""
NARROWED = {
    "practice": "t.practice_id = (SELECT p.id FROM practices p WHERE p.slug = :practice)",
    "practice_ids": "t.practice_id = ANY (:practice_ids)",
    "kind": "t.kind = :kind",
    "task_ids": "t.id = ANY (:task_ids)",
}


def piles(
    practice: str | None = None,
    kind: Kind | None = None,
    practice_ids: Collection[int] | None = None,
    task_ids: Collection[int] | None = None,
    agent_id: int | None = None,
) -> list[Pile]:
    """One look at the open tasks (of one practice by slug, of one kind, of these practices; these one by one), however
    many. `somebody` is anybody at work, or this agent."""
    now = clock.now()
    asked = {
        "practice": practice,
        "kind": kind and str(kind),
        "practice_ids": None if practice_ids is None else sorted(practice_ids),
        "task_ids": None if task_ids is None else sorted(task_ids),
    }
    given = {name: value for name, value in asked.items() if value is not None}
    which = " AND ".join(["true", *(NARROWED[name] for name in given)])
    query = PILES.format(here=HERE, which=which, task="CAST(NULL AS bigint)" if task_ids is None else "t.id")
    first, second, third = (now - age for age in AGES)
    moments: dict[str, Any] = {
        "now": now,
        "at_work": [str(role) for role in AT_WORK],
        "agent": agent_id,
        "first": first,
        "second": second,
        "third": third,
    }
    return [_pile(row) for row in db.session.execute(sa.text(query), given | moments)]


def _pile(row: sa.Row) -> Pile:
    found = row._asdict()
    return Pile(**found | {"kind": Kind(found["kind"]), "ages": tuple(found["ages"])})


def hindrances(pile: Pile, agent_id: int | None = None) -> list[list[Wait]]:
    """All that keeps a pile from being offered, to this agent or to anybody at work; what counts first, first.

    The gate's reasons are one hindrance, they end together. Empty: it is offered now, or in progress.
    """
    if pile.held:
        return []
    found = [[Wait(code, None)] for code in (Waits.PRACTICE_NOT_ACTIVE, Waits.KIND_PAUSED) if code in pile.paused]
    theirs = pile.assigned and agent_id in (None, pile.keeper)
    if not theirs and not pile.somebody:
        found.append([Wait(Waits.NOBODY_MAY, None)])
    codes = pile.codes or []
    now = codes in ([Waits.ON_ANOTHER_CALL], [Waits.UNREAD_REPLY])  # it has no time of its own
    if codes and not now:
        found.append([Wait(code, pile.opens_at) for code in codes])
    else:
        found += [[Wait(pile.shut, pile.shut_until)]] if pile.shut else []
        found += [[Wait(code, None) for code in codes]] if codes else []
    if agent_id is not None and pile.keeper not in (None, agent_id):
        found.append([Wait(Waits.KEPT, None)])
    return found


def waits(pile: Pile, agent_id: int | None = None) -> list[Wait]:
    """What a pile counts as waiting for: the first of its hindrances. Empty when it has none."""
    return next(iter(hindrances(pile, agent_id)), [])


def keeper_of(task: Task) -> int | None:
    """For whom a waiting task is kept now; None when it is anybody's, as it is when they are absent."""
    keeper = db.session.scalar(sa.select(sa.func.keeper(task.owner_id, task.owner_until, clock.now())))
    return keeper if keeper and is_present(keeper) else None


def lanes_by_id() -> dict[int, Lane]:
    """Every lane; there are a few hundred, whatever the number of tasks."""
    return {lane.id: lane for lane in db.session.scalars(sa.select(Lane))}
