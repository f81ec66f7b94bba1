"""Breaks and the end of an agent's day, and how leads set the desk.

Whoever goes keeps nothing from the others: the open card goes back into the queue, and who is done for the day lets
go of what is assigned to them and of the calls they promised for today. What somebody promised and will be back for
stays theirs, on a break for `presence.BREAK_COUNTS`.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.accounts.models import User
from ops.db import db
from ops.errors import Refused
from ops.queue import queries
from ops.queue.actions import claiming, leaving, tasks
from ops.rhythm import queries as rhythm_queries
from ops.rhythm.models import Break, BreakKind, DeskSettings, WrapUp

SHORTEST_WRAP_UP, LONGEST_WRAP_UP = 15, 600
SHORTEST_IDLE, LONGEST_IDLE = 30, 900
FEWEST_UNUSED, MOST_UNUSED = 3, 60
FEWEST_AN_HOUR, MOST_AN_HOUR = 10, 300
WHY_LET_GO = "done for the day"


class CardIsOpen(Refused):
    """Somebody goes who has an open card and did not say that it goes back."""


def start_break(user_id: int, kind: BreakKind, actor: str, *, give_back: tuple[int, int] | None = None) -> Break:
    """They take no tasks from now on; from one kind of break into another the first one ends. Twice is once.

    `give_back`: (task id, fence) of the open card, which goes back into the queue. `BreakKind.DONE` lets go of the
    calls they promised for today. Raises CardIsOpen when they hold another card than that.
    """
    _one_at_a_time(user_id)
    held = queries.task_of(user_id)
    if held and (held.id, held.fence) != give_back:
        raise CardIsOpen("You have a card open: it goes back into the queue when you go.")
    current = rhythm_queries.open_break(user_id)
    if current is None or current.kind is not kind:
        current = _begin(user_id, kind, current)
        if kind is BreakKind.DONE:
            let_go(user_id, actor)
    if held:  # after what is kept: the ledger row it takes comes last
        tasks.release(held.id, user_id, held.fence, actor)
    return current


def _begin(user_id: int, kind: BreakKind, before: Break | None) -> Break:
    if before:
        before.ended_at = clock.now()
        db.session.flush()
    started = Break(user_id=user_id, kind=kind, started_at=clock.now())
    db.session.add(started)
    db.session.flush()
    return started


def let_go(user_id: int, actor: str) -> int:
    """What is assigned to them now, and the calls they promised for today, are anybody's, and each story says so; how
    many."""
    promised = [one.task_id for one in rhythm_queries.due_today(user_id)]
    return leaving.let_go(user_id, WHY_LET_GO, actor, also=promised)


def end_break(user_id: int) -> Break | None:
    """Back to work; the break that ended, None when they were on none."""
    _one_at_a_time(user_id)
    current = rhythm_queries.open_break(user_id)
    if current:
        current.ended_at = clock.now()
        db.session.flush()
    return current


def _one_at_a_time(user_id: int) -> None:
    """Two presses at once: the second one sees what the first one did. A claim that is going on is waited for."""
    claiming.one_at_a_time(user_id)
    db.session.execute(sa.select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    db.session.expire_all()


def set_desk(
    wrap_up: WrapUp,
    wrap_up_seconds: int,
    idle_seconds: int,
    unused_numbers: int = rhythm_queries.UNUSED_NUMBERS,
    numbers_an_hour: int = rhythm_queries.NUMBERS_AN_HOUR,
) -> None:
    """Set everybody's desk from their next card on. Raises Refused for seconds out of range (15 to 600, 30 to 900), and
    for numbers within an hour (3 to 60 without an outcome, 10 to 300 in all)."""
    if not SHORTEST_WRAP_UP <= wrap_up_seconds <= LONGEST_WRAP_UP:
        raise Refused(f"The time after a call must be {SHORTEST_WRAP_UP} to {LONGEST_WRAP_UP} seconds.")
    if not SHORTEST_IDLE <= idle_seconds <= LONGEST_IDLE:
        raise Refused(f"Nobody is there after {SHORTEST_IDLE} to {LONGEST_IDLE} seconds.")
    if not (FEWEST_UNUSED <= unused_numbers <= MOST_UNUSED and FEWEST_AN_HOUR <= numbers_an_hour <= MOST_AN_HOUR):
        raise Refused(
            f"Within an hour {FEWEST_UNUSED} to {MOST_UNUSED} numbers are shown without an outcome, "
            f"{FEWEST_AN_HOUR} to {MOST_AN_HOUR} in all."
        )
    values = {"wrap_up": wrap_up, "wrap_up_seconds": wrap_up_seconds, "idle_seconds": idle_seconds}
    values |= {"unused_numbers": unused_numbers, "numbers_an_hour": numbers_an_hour}
    row = insert(DeskSettings).values(id=1, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))
    db.session.expire_all()
