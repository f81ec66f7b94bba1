"""An agent's own day, and why the queue has nothing for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.practices.models import Practice
from ops.queue.board import Block, merged
from ops.queue.board_tables import Window, windows
from ops.queue.models import Attempt, Outcome, Task, TaskState
from ops.queue.outcomes import COMMON
from ops.queue.piles import KEPT, Floor, Pile, Wait, piles, the_floor
from ops.queue.workers import Worker, worker

NOT_REACHED = (Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.BAD_NUMBER, Outcome.WRONG_PERSON)
WINDOWS = 5
assert {each.outcome for each in COMMON if not each.reached} == set(NOT_REACHED)


@dataclass(frozen=True)
class Day:
    """Since midnight UTC twelve hours ago: a working day, whatever zone the agent sits in."""

    done: int
    talked: int
    willing: int
    promises: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True)
class Waiting:
    """What waits for this agent: tasks they can take now, and the others of theirs by what those wait for.

    `blocks` most frequent first; `windows` those of their shut hours that open next, at most `WINDOWS`; `opens_at` the
    next moment anything may be offered; `idle` says that nothing is certified for them at all.
    """

    ready: int
    blocks: tuple[Block, ...]
    windows: tuple[Window, ...]
    opens_at: datetime | None
    idle: bool


def day_of(agent_id: int) -> Day:
    """What the agent did in the last twelve hours, and the calls they promised."""
    since = clock.now() - timedelta(hours=12)
    done, talked, willing = db.session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(Attempt.outcome.not_in(NOT_REACHED)),
            sa.func.count().filter(Attempt.outcome == Outcome.WILLING),
        ).where(Attempt.agent_id == agent_id, Attempt.at >= since)
    ).one()
    promised = db.session.execute(
        sa.select(Task.promised_at, Practice.name)
        .join(Practice, Practice.id == Task.practice_id)
        .where(Task.owner_id == agent_id, Task.state == TaskState.WAITING, Task.promised_at.is_not(None))
        .order_by(Task.promised_at)
        .limit(10)
    )
    return Day(done, talked, willing, tuple((at, name) for at, name in promised))


def waiting(agent_id: int) -> Waiting:
    """Why there is nothing to do for this agent, or how much there is: of the practices, languages and kinds that are
    theirs to work, and what was handed to them."""
    who = worker(agent_id)
    if who is None:
        return Waiting(0, (), (), None, idle=True)
    stands = the_floor([who])
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
