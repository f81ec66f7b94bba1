"""Visits that a load should name and does not: somebody said that it holds every visit of some days.

An export that leaves a visit out may be filtered; only who made it can say that it is not. What is missing then did not
take place, or not then, and is withdrawn like a visit whose status became Cancelled. It is counted first, and pressed.
"""

from datetime import date
from typing import NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.background import Job, ring
from ops.db import db, rows_changed
from ops.errors import Refused
from ops.imports.models import Import, QuarantinedRow
from ops.practices.models import Milestone

MOST = 0.5
"""A larger share of the visits of these days is not withdrawn unless somebody says again that it is right."""


class Absent(NamedTuple):
    """Of `of` visits of these days `missing` are not named by the load."""

    missing: int
    of: int

    @property
    def absurd(self) -> bool:
        """Whether it is more than anybody withdraws by mistake."""
        return self.missing > self.of * MOST


def said_whole(load: Import, first: date | None, last: date | None) -> None:
    """Somebody says that the load holds every visit from `first` to `last`, both included; None, None: nobody does.

    Raises Refused for one day without the other, in the wrong order, or ahead.
    """
    if (first is None) != (last is None):
        raise Refused("Please give both days: the first and the last of which the files hold every visit.")
    if first and last and (last < first or last > clock.now().date()):
        raise Refused("The first of these days has to come before the last, and neither may be ahead.")
    load.whole_from, load.whole_until = first, last
    db.session.flush()


def absent(load: Import) -> Absent:
    """What is missing, and of how many: without what a person entered, and kinds of which the load names none."""
    if not load.is_whole:
        return Absent(0, 0)
    counts = sa.select(sa.func.count().filter(_unnamed(load)), sa.func.count()).where(*_of_these_days(load))
    return Absent(*db.session.execute(counts).one())


def withdraw_absent(load: Import, *, most: bool = False) -> int:
    """Withdraw what is missing; how many. `most`: somebody says that more than half is right.

    Raises Refused when nobody said that the load is whole, when it is not loaded, while rows of it are quarantined (one
    of them may be a visit that seems missing), when nothing is missing, and when more than half is.
    """
    if not load.is_whole:
        raise Refused("Nobody has said that these files hold every visit of some days.")
    if not load.is_done:
        raise Refused("It is not loaded yet.")
    wrong = sa.exists().where(QuarantinedRow.import_id == load.id, QuarantinedRow.corrected_at.is_(None))
    if db.session.scalar(sa.select(wrong)):
        raise Refused("Some of its rows are kept aside, and may be visits that seem missing: correct these rows first.")
    found = absent(load)
    if not found.missing:
        raise Refused("No visit of these days is missing.")
    if found.absurd and not most:
        raise Refused(
            f"{found.missing:,} of the {found.of:,} visits of these days are not in the files: more than half. "
            "If the files really hold every visit of these days, say so again."
        )
    why = f"not in the export of all visits from {load.whole_from:%Y-%m-%d} to {load.whole_until:%Y-%m-%d}"
    values = {"withdrawn_at": clock.now(), "withdrawn_why": why}
    gone = sa.update(Milestone).where(*_of_these_days(load), _unnamed(load)).values(values)
    count = rows_changed(db.session.execute(gone, execution_options={"synchronize_session": False}))
    load.absent_withdrawn += count
    db.session.flush()
    ring(Job.IMPORT_FINISHED, load.practice_id)
    return count


def _of_these_days(load: Import) -> list[sa.ColumnElement[bool]]:
    kinds = sa.select(Milestone.kind).where(Milestone.practice_id == load.practice_id, Milestone.named_in == load.id)
    return [
        Milestone.practice_id == load.practice_id,
        Milestone.happened_on.between(load.whole_from, load.whole_until),
        Milestone.import_id.is_not(None),
        Milestone.withdrawn_at.is_(None),
        Milestone.kind.in_(kinds.distinct()),
    ]


def _unnamed(load: Import) -> sa.ColumnElement[bool]:
    return Milestone.named_in.is_distinct_from(load.id)
