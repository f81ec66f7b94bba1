"""An agent's own day, and why the queue has nothing for them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.phrases import age_words
from ops.queue.blocks import Block, merged
from ops.queue.hours import Window, windows
from ops.queue.models import Task
from ops.queue.presence import HERE
from ops.queue.waiting import lanes_by_id, piles, waits
from ops.queue.workers import Worker, worker
from ops.rhythm.day_start import STARTS, asked
from ops.rhythm.models import BreakKind
from ops.rhythm.queries import BREAK_WORDS, Callback, callbacks
from ops.work.outcomes import COMMON, Outcome
from ops.work.states import TaskState

NOT_REACHED = (Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.BAD_NUMBER, Outcome.WRONG_PERSON)
WINDOWS = 5
ENOUGH = 100
"""More tasks than this are not counted: it is enough for the day."""
assert {each.outcome for each in COMMON if not each.reached} == set(NOT_REACHED)


@dataclass(frozen=True)
class Day:
    """An agent's own day so far (see `day_start`). `on_break`: the break they are on, also when done for the day."""

    since: datetime
    done: int
    talked: int
    willing: int
    promises: tuple[Callback, ...]
    on_break: "OnBreak | None"


@dataclass(frozen=True)
class OnBreak:
    """A break somebody is on."""

    kind: BreakKind
    since: datetime

    @property
    def words(self) -> str:
        return BREAK_WORDS[self.kind]

    @property
    def length(self) -> str:
        """ "14 min", "3 h"."""
        return age_words(self.since, clock.now())

    @property
    def done(self) -> bool:
        return self.kind is BreakKind.DONE


@dataclass(frozen=True)
class MyQueue:
    """What waits for this agent. `ready`: tasks they can take now, counted up to `ENOUGH`; where there is none, what
    else is theirs to work and what it waits for.

    `blocks` most frequent first; `windows` those of their shut hours that open next, at most `WINDOWS`; `opens_at` the
    next moment anything may be offered; `idle` says that nothing is certified for them at all.
    """

    ready: int
    blocks: tuple[Block, ...] = ()
    windows: tuple[Window, ...] = ()
    opens_at: datetime | None = None
    idle: bool = False


TODAY = sa.text(
    f"""
    WITH {STARTS}
    SELECT s.since,
           count(a.id) AS done,
           count(a.id) FILTER (WHERE NOT a.outcome = ANY (:not_reached)) AS talked,
           count(a.id) FILTER (WHERE a.outcome = 'willing') AS willing,
           (SELECT b.kind FROM breaks b WHERE b.user_id = s.user_id AND b.ended_at IS NULL) AS on_break,
           (SELECT b.started_at FROM breaks b WHERE b.user_id = s.user_id AND b.ended_at IS NULL) AS break_since
    FROM starts s LEFT JOIN attempts a ON a.agent_id = s.user_id AND a.at >= s.since
    GROUP BY s.user_id, s.since
    """  # noqa: S608 (our own words)
)


def day_of(agent_id: int) -> Day:
    """What the agent did since their day began, the calls they promised, and whether they are on a break. Two
    statements."""
    given = asked([agent_id]) | {"not_reached": [str(each) for each in NOT_REACHED]}
    since, done, talked, willing, kind, break_since = db.session.execute(TODAY, given).one()
    on_break = OnBreak(BreakKind(kind), break_since) if kind else None
    return Day(since, done, talked, willing, tuple(callbacks(agent_id)), on_break)


FREE = """
    w.state = 'waiting' AND w.offered AND NOT EXISTS (SELECT FROM spoken_to(w.patient_id, w.person_key))
    AND NOT EXISTS (SELECT FROM unread_of(w.kind, w.practice_id, w.person_key))
    AND NOT EXISTS (SELECT FROM why_paused(w.practice_id, w.kind))
    AND w.id <> ALL (ARRAY(SELECT n.task_id FROM not_for n WHERE n.user_id = :agent))
"""
KEPT = """
    (kept_from(:agent, w.owner_id, w.owner_until, :now) AND w.owner_id IN (SELECT h.user_id FROM here h))
"""
READY = sa.text(
    f"""
    WITH me AS MATERIALIZED (SELECT * FROM skills s WHERE s.user_id = :agent),
    here AS MATERIALIZED ({HERE}), assigned AS (
        SELECT w.id FROM tasks w JOIN lanes l ON l.id = w.lane_id
        WHERE w.owner_id = :agent AND w.handed_at IS NOT NULL AND keeper(w.owner_id, w.owner_until, :now) = :agent
          AND window_open(l.opens_at, l.closes_at, :now) AND {FREE}
    ), promised AS (
        SELECT w.id FROM me m CROSS JOIN tasks w JOIN lanes l ON l.id = w.lane_id
        WHERE w.promised_at IS NOT NULL AND window_open(l.opens_at, l.closes_at, :now)
          AND may_work(w.practice_id, l.kind, l.language, m.speaks, m.does, m.everywhere, m.theirs)
          AND NOT {KEPT} AND {FREE}
        LIMIT :enough
    ), in_turn AS (
        SELECT t.id FROM me m CROSS JOIN shares s CROSS JOIN lanes_for(s.open_lanes, :now, m.speaks, m.does) l
        CROSS JOIN LATERAL (
            SELECT w.id FROM tasks w
            WHERE w.practice_id = s.practice_id AND w.lane_id = l.lane_id AND w.promised_at IS NULL
              AND NOT {KEPT} AND {FREE}
            LIMIT :enough
        ) t
        WHERE s.has_open AND may_work(s.practice_id, NULL, NULL, m.speaks, m.does, m.everywhere, m.theirs)
        LIMIT :enough
    )
    SELECT count(*) FROM (TABLE assigned UNION TABLE promised UNION TABLE in_turn) free
    """  # noqa: S608 (our own words)
)
"""Tasks that this agent could take, up to so many: of what is in turn only the heads of open lanes are looked at."""


def waiting(agent_id: int) -> MyQueue:
    """How much there is to do for this agent now, or why there is nothing: of the practices, languages and kinds that
    are theirs to work, and what was assigned to them.

    A look at what is in turn is cheap, however much waits, and all the desk needs on a working day; only where that
    finds nothing are the open tasks counted.
    """
    who = worker(agent_id)
    if who is None:
        return MyQueue(0, idle=True)
    if found := ready(agent_id):
        return MyQueue(found)
    return _counted(who)


def ready(agent_id: int) -> int:
    """How many tasks this agent could take now, counted up to `ENOUGH`; one look at the heads of open lanes."""
    return db.session.scalar(READY, {"now": clock.now(), "agent": agent_id, "enough": ENOUGH}) or 0


OWN_DUE = sa.text(
    f"""
    SELECT count(*) FROM tasks w JOIN lanes l ON l.id = w.lane_id
    WHERE w.owner_id = :agent AND w.promised_at <= :now AND window_open(l.opens_at, l.closes_at, :now) AND {FREE}
    """  # noqa: S608 (our own words)
)


def own_due(agent_id: int) -> int:
    """How many calls this agent promised are due, and can be made now."""
    return db.session.scalar(OWN_DUE, {"now": clock.now(), "agent": agent_id}) or 0


def _counted(who: Worker) -> MyQueue:
    """Everything that is theirs, by what it waits for."""
    agent_id, where = who.user_id, None if who.everywhere else _theirs(who, who.user_id)
    found = [
        (pile, waits(pile, agent_id))
        for pile in piles(practice_ids=where, agent_id=agent_id)
        if not pile.held and (pile.somebody or (pile.assigned and pile.keeper == agent_id))
    ]
    blocks = merged(0, (Block(0, one.code, pile.tasks, one.opens_at) for pile, against in found for one in against))
    shut = [one for one in windows(found, lanes_by_id()) if one.opens_at and one.shut]
    return MyQueue(
        ready=sum(pile.tasks for pile, against in found if not against),
        blocks=tuple(sorted(blocks, key=lambda block: (-block.tasks, block.code))),
        windows=tuple(shut[:WINDOWS]),
        opens_at=min((block.opens_at for block in blocks if block.opens_at), default=None),
        idle=not who.everywhere and not who.practices,
    )


def _theirs(who: Worker, agent_id: int) -> set[int]:
    """Where they are certified, and where something was assigned to them."""
    assigned = sa.select(Task.practice_id).where(
        Task.owner_id == agent_id, Task.state == TaskState.WAITING, Task.handed_at.is_not(None)
    )
    return {*who.practices, *db.session.scalars(assigned)}
