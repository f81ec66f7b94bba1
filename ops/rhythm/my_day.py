"""An agent's own day, and why the queue has nothing for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.phrases import age_words
from ops.queue.blocks import Block, merged
from ops.queue.hours import Window, windows
from ops.queue.models import Task
from ops.queue.waiting import Floor, Pile, Wait, piles, the_floor
from ops.queue.workers import Worker, worker
from ops.rhythm.day_start import STARTS, asked
from ops.rhythm.models import BreakKind
from ops.rhythm.queries import BREAK_WORDS, Callback, callbacks
from ops.work.outcomes import COMMON, Outcome
from ops.work.reasons import KEPT
from ops.work.states import TaskState

NOT_REACHED = (Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.BAD_NUMBER, Outcome.WRONG_PERSON)
WINDOWS = 5
ENOUGH = 100
"""More tasks than this are not counted: it is enough for the day."""
assert {each.outcome for each in COMMON if not each.reached} == set(NOT_REACHED)


@dataclass(frozen=True)
class Day:
    """An agent's own day so far (see `day_start`). `rest`: the break they are on, also when done for the day."""

    since: datetime
    done: int
    talked: int
    willing: int
    promises: tuple[Callback, ...]
    rest: "Rest | None"


@dataclass(frozen=True)
class Rest:
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
class Waiting:
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

    @property
    def many(self) -> bool:
        return self.ready >= ENOUGH


TODAY = sa.text(
    f"""
    WITH {STARTS}
    SELECT s.since,
           count(a.id) AS done,
           count(a.id) FILTER (WHERE NOT a.outcome = ANY (:not_reached)) AS talked,
           count(a.id) FILTER (WHERE a.outcome = 'willing') AS willing,
           (SELECT b.kind FROM breaks b WHERE b.user_id = s.user_id AND b.ended_at IS NULL) AS rests,
           (SELECT b.started_at FROM breaks b WHERE b.user_id = s.user_id AND b.ended_at IS NULL) AS rests_since
    FROM starts s LEFT JOIN attempts a ON a.agent_id = s.user_id AND a.at >= s.since
    GROUP BY s.user_id, s.since
    """  # noqa: S608 (our own words)
)


def day_of(agent_id: int) -> Day:
    """What the agent did since their day began, the calls they promised, and whether they are on a break. Two
    statements."""
    given = asked([agent_id]) | {"not_reached": [str(each) for each in NOT_REACHED]}
    since, done, talked, willing, rests, rests_since = db.session.execute(TODAY, given).one()
    rest = Rest(BreakKind(rests), rests_since) if rests else None
    return Day(since, done, talked, willing, tuple(callbacks(agent_id)), rest)


ANYBODYS = """
    w.state = 'waiting' AND w.offered
    AND (w.owner_id IS NULL OR w.owner_until <= :now OR w.owner_id = :agent AND w.handed_at IS NULL)
    AND NOT EXISTS (SELECT FROM tasks h WHERE h.patient_id = w.patient_id AND h.state = 'claimed')
    AND NOT EXISTS (SELECT FROM tasks h WHERE h.person_key = w.person_key AND h.state = 'claimed')
"""
READY = sa.text(
    f"""
    WITH open AS (
        SELECT l.id, l.language = ANY (:speaks) AND (:every_kind OR l.kind = ANY (:kinds)) AS theirs
        FROM lanes l WHERE l.opens_at <= :now AND :now < l.closes_at
    ), handed AS (
        SELECT w.practice_id, w.kind FROM tasks w JOIN open l ON l.id = w.lane_id
        WHERE w.owner_id = :agent AND w.handed_at IS NOT NULL AND w.owner_until > :now AND w.state = 'waiting'
          AND w.offered
          AND NOT EXISTS (SELECT FROM tasks h WHERE h.patient_id = w.patient_id AND h.state = 'claimed')
          AND NOT EXISTS (SELECT FROM tasks h WHERE h.person_key = w.person_key AND h.state = 'claimed')
    ), promised AS (
        SELECT w.practice_id, w.kind FROM tasks w JOIN open l ON l.id = w.lane_id AND l.theirs
        WHERE w.promised_at IS NOT NULL AND (:everywhere OR w.practice_id = ANY (:practices)) AND {ANYBODYS}
        LIMIT :enough
    ), in_turn AS (
        SELECT t.practice_id, t.kind FROM shares s CROSS JOIN open l CROSS JOIN LATERAL (
            SELECT w.practice_id, w.kind FROM tasks w
            WHERE w.practice_id = s.practice_id AND w.lane_id = l.id AND w.promised_at IS NULL AND {ANYBODYS}
            LIMIT :enough
        ) t
        WHERE s.has_open AND l.theirs AND l.id = ANY (s.open_lanes)
          AND (:everywhere OR s.practice_id = ANY (:practices))
        LIMIT :enough
    ), free AS (TABLE handed UNION ALL TABLE promised UNION ALL TABLE in_turn)
    SELECT count(*) FROM free JOIN practices p ON p.id = free.practice_id AND p.status = 'active'
    WHERE NOT EXISTS (SELECT FROM kind_pauses k WHERE k.practice_id = free.practice_id AND k.kind = free.kind)
    """  # noqa: S608 (our own words)
).bindparams(*(sa.bindparam(name, type_=sa.ARRAY(sa.Text)) for name in ("speaks", "kinds")))
"""Tasks that this agent could take, up to so many: of what is in turn only the heads of open lanes are looked at."""


def waiting(agent_id: int) -> Waiting:
    """How much there is to do for this agent now, or why there is nothing: of the practices, languages and kinds that
    are theirs to work, and what was handed to them.

    A look at what is in turn is cheap, however much waits, and all the desk needs on a working day; only where that
    finds nothing are the open tasks counted.
    """
    who = worker(agent_id)
    if who is None:
        return Waiting(0, idle=True)
    if ready := db.session.scalar(READY, _asked(who)):
        return Waiting(ready)
    return _counted(who)


def _asked(who: Worker) -> dict[str, Any]:
    return {
        "now": clock.now(),
        "agent": who.user_id,
        "speaks": list(who.languages),
        "every_kind": who.kinds is None,
        "kinds": sorted(who.kinds or ()),
        "everywhere": who.everywhere,
        "practices": sorted(who.practices),
        "enough": ENOUGH,
    }


def _counted(who: Worker) -> Waiting:
    """Everything that is theirs, by what it waits for."""
    agent_id, stands = who.user_id, the_floor([who])
    found = [
        (pile, _waits(pile, stands, agent_id))
        for pile in piles(practice_ids=None if who.everywhere else _theirs(who, agent_id))
        if not pile.held and _is_theirs(pile, stands, agent_id)
    ]
    blocks = merged(0, (Block(0, wait.code, pile.tasks, wait.opens_at) for pile, waits in found for wait in waits))
    shut = [one for one in windows(found, stands) if one.opens_at and one.shut]
    return Waiting(
        ready=sum(pile.tasks for pile, waits in found if not waits),
        blocks=tuple(sorted(blocks, key=lambda block: (-block.tasks, block.code))),
        windows=tuple(shut[:WINDOWS]),
        opens_at=min((block.opens_at for block in blocks if block.opens_at), default=None),
        idle=not who.everywhere and not who.practices,
    )


def _theirs(who: Worker, agent_id: int) -> set[int]:
    """Where they are certified, and where something was handed to them."""
    handed = sa.select(Task.practice_id).where(
        Task.owner_id == agent_id, Task.state == TaskState.WAITING, Task.handed_at.is_not(None)
    )
    return {*who.practices, *db.session.scalars(handed)}


def _is_theirs(pile: Pile, stands: Floor, agent_id: int) -> bool:
    handed = pile.handed and pile.keeper == agent_id
    return handed or stands.somebody_may(pile.practice_id, pile.lane_id, pile.kind)


def _waits(pile: Pile, stands: Floor, agent_id: int) -> list[Wait]:
    """What a pile waits for; what is kept for somebody else waits for that alone, where it would be offered now."""
    waits = stands.waits(pile)
    return [Wait(KEPT, None)] if not waits and pile.keeper not in (None, agent_id) else waits
