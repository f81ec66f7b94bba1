"""What became of every row that was read. Each row is one of these, and together they are all rows."""

from collections import Counter
from enum import StrEnum
from typing import assert_never

from ops.imports.loading.batches import Batch, Taken
from ops.imports.loading.writing import Written
from ops.imports.reading.records import LeftOut


class Fate(StrEnum):
    """The columns of `imports` in which rows are counted; the database refuses a sum that is not `rows_read`."""

    STORED = "rows_stored"
    UNCHANGED = "rows_unchanged"
    QUARANTINED = "quarantined"
    FUTURE = "rows_future"
    NOT_HELD = "rows_not_held"
    WITHDRAWN = "rows_withdrawn"


def fates(batch: Batch, written: Written, fresh: int) -> Counter[Fate]:
    """What became of the last `fresh` rows of the batch: those before them were counted by a run that died."""
    wrong = {row.line for row in written.bad}
    return Counter(_fate(row, written, wrong) for row in batch.taken[batch.rows - fresh :])


def _fate(row: Taken, written: Written, wrong: set[int]) -> Fate:
    if row.line in wrong:
        return Fate.QUARANTINED
    if (row.external_id, row.key) in written.withdrawn:
        return Fate.WITHDRAWN
    match row.left_out:
        case LeftOut.FUTURE:
            return Fate.FUTURE
        case LeftOut.NOT_HELD:
            return Fate.NOT_HELD
        case None:
            return Fate.STORED if _changed(row, written) else Fate.UNCHANGED
        case _:
            assert_never(row.left_out)


def _changed(row: Taken, written: Written) -> bool:
    return (
        row.external_id in written.patients
        or (row.external_id, row.key) in written.milestones
        or row.external_id in written.refused
        or row.external_id in written.agreed
    )
