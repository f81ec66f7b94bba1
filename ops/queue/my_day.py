"""An agent's own day, and why the queue has nothing for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.practices.models import Practice, PracticeStatus
from ops.queue.models import Attempt, Outcome, Task, TaskState
from ops.queue.outcomes import COMMON

NOT_REACHED = (Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.BAD_NUMBER, Outcome.WRONG_PERSON)
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
    """What waits, and for what: counts of tasks; `opens_at` is the next moment anything may be offered."""

    ready: int
    shut: int
    later: int
    paused: int
    opens_at: datetime | None


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


def waiting() -> Waiting:
    """Why there is nothing to do, or how much there is."""
    now = clock.now()
    active = Practice.status == PracticeStatus.ACTIVE
    row = db.session.execute(
        sa.select(
            sa.func.count().filter(active, Task.ready_at <= now),
            sa.func.count().filter(active, Task.ready_at > now, Task.shut_reasons.is_not(None)),
            sa.func.count().filter(active, Task.ready_at > now, Task.shut_reasons.is_(None)),
            sa.func.count().filter(~active),
            sa.func.min(Task.ready_at).filter(active, Task.ready_at > now),
        )
        .select_from(Task)
        .join(Practice, Practice.id == Task.practice_id)
        .where(Task.state == TaskState.WAITING)
    ).one()
    return Waiting(*row)
