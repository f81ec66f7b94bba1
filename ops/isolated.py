"""Units of work, each on its own: what the row of one practice raises stops nobody else's work.

A loop of the tick or of a worker goes through `each`. A unit that raises is rolled back, logged without a value, and
kept in `failed_work`, where `ops doctor` reads it; the loop goes on. It waits before it is tried again, longer each
time it fails, and the query of a loop with a limit leaves out what waits (`awake`): rows that always fail cannot fill a
batch and starve the ones behind them. A unit that succeeds, or is not due any more, is forgotten.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from ops import clock
from ops.db import Base, Moment, db, transaction

log = structlog.get_logger()
Row = TypeVar("Row")
Found = TypeVar("Found")
Done = TypeVar("Done")
Owner = InstrumentedAttribute[int] | InstrumentedAttribute[int | None]
"""The column that says whose a row is; the rows are numbered by the `id` of its table."""

RESTS = {1: timedelta(minutes=1), 2: timedelta(minutes=5), 3: timedelta(minutes=30)}
LONGEST_REST = timedelta(hours=1)
EARLY = timedelta(seconds=5)
"""The tick comes at full minutes and a unit fails a moment later: its wait is over before the minute."""


class FailedWork(Base):
    """A unit of periodic work that raises: which loop, which row, how often so far, and when it is tried again."""

    __tablename__ = "failed_work"
    work: Mapped[str] = mapped_column(primary_key=True)
    row: Mapped[str] = mapped_column(primary_key=True)
    """The id of the row the unit is about."""
    practice_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """Whose it is, where the loop can tell. No foreign key: to note a failure locks nothing of the practice."""
    error: Mapped[str]
    """The type alone: what an exception says may quote a person's data."""
    times: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)
    again_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (sa.CheckConstraint("times >= 1", name="failed"),)


def awake(work: str, row: sa.ColumnElement[Any] | InstrumentedAttribute[Any]) -> sa.ColumnElement[bool]:
    """For the query of a loop: the rows that do not wait after a failure. `row` is their id."""
    same = (FailedWork.work == work, FailedWork.row == sa.cast(row, sa.Text))
    return ~sa.exists().where(*same, FailedWork.again_at > clock.now())


def each(
    work: str,
    rows: Iterable[Row],
    do: Callable[[Row], Done],
    *,
    owner: Owner | None = None,
    limit: int | None = None,
    seconds: float | None = None,
) -> list[Done]:
    """Call `do` with every row that does not wait; what those that succeeded returned. Call it outside `transaction`:
    `do` opens its own. What was only read before, to find the rows, ends here.

    `rows` are ids, `limit` what their query was limited to, `seconds` after how long the rest is left for next time.
    """
    rows, known, began = list(rows), _failing(work), time.monotonic()
    db.session.rollback()
    done = []
    for row in rows:
        if seconds is not None and time.monotonic() - began > seconds:
            break
        if _rests(known, row):
            continue
        try:
            done.append(do(row))
        except BaseTimeoutException:  # of the whole job
            raise
        except Exception as problem:
            db.session.rollback()
            with transaction("tick"):
                _note(work, row, problem, owner)
            continue
        if str(row) in known:
            with transaction("tick"):
                _forget(work, [str(row)])
    if over := _not_due_any_more(known, rows, limit):
        with transaction("tick"):
            _forget(work, over)
    return done


def each_within(
    work: str,
    found: Mapping[int, Found],
    do: Callable[[Found], Any],
    *,
    owner: Owner | None = None,
    limit: int | None = None,
) -> int:
    """`each` inside the caller's transaction, for rows it has locked ({id: row}): a savepoint for every one; how many
    succeeded. What a unit that fails would have done after the commit is not done."""
    known, effects, done = _failing(work), db.session().info.setdefault("after_commit", []), 0
    for row, what in found.items():
        if _rests(known, row):
            continue
        until_here = len(effects)
        try:
            with db.session.begin_nested():
                do(what)
        except BaseTimeoutException:
            raise
        except Exception as problem:
            del effects[until_here:]
            _note(work, row, problem, owner)
        else:
            done += 1
            if str(row) in known:
                _forget(work, [str(row)])
    if over := _not_due_any_more(known, found, limit):
        _forget(work, over)
    return done


def _failing(work: str) -> dict[str, datetime]:
    """The rows this loop failed for, and when each is tried again."""
    known = sa.select(FailedWork.row, FailedWork.again_at).where(FailedWork.work == work)
    return {each.row: each.again_at for each in db.session.execute(known)}


def _rests(known: Mapping[str, datetime], row: object) -> bool:
    return bool(known) and str(row) in known and known[str(row)] > clock.now()


def _not_due_any_more(known: Mapping[str, datetime], rows: Collection[object], limit: int | None) -> list[str]:
    """What failed, should be tried again by now, and is not among the rows that are due. A full batch says nothing of
    the rows behind it."""
    if not known or (limit is not None and len(rows) >= limit):
        return []
    due = {str(row) for row in rows}
    return [row for row, again_at in known.items() if again_at <= clock.now() and row not in due]


def _note(work: str, row: object, problem: Exception, owner: Owner | None) -> None:
    practice_id = db.session.scalar(sa.select(owner).where(owner.class_.id == row)) if owner is not None else None
    log.error("work_failed", work=work, unit=str(row), practice=practice_id, exc_info=problem)
    now = clock.now()
    first = insert(FailedWork).values(
        work=work,
        row=str(row),
        practice_id=practice_id,
        error=type(problem).__name__,
        times=1,
        first_at=now,
        last_at=now,
        again_at=now + RESTS[1] - EARLY,
    )
    rest = sa.case({times - 1: now + rest - EARLY for times, rest in RESTS.items()}, value=FailedWork.times,
                   else_=now + LONGEST_REST - EARLY)  # fmt: skip
    again = {
        "times": FailedWork.times + 1,
        "error": first.excluded.error,
        "last_at": first.excluded.last_at,
        "again_at": rest,
    }
    db.session.execute(first.on_conflict_do_update(index_elements=["work", "row"], set_=again))


def _forget(work: str, rows: list[str]) -> None:
    db.session.execute(sa.delete(FailedWork).where(FailedWork.work == work, FailedWork.row.in_(rows)))
