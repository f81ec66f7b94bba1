"""Rows on their way from one process to another: plain tuples, and the cells as one text. As they are, their pickles
cost as much as reading the file (20 microseconds a row, measured; packed 12)."""

from collections.abc import Iterator, Sequence
from typing import Any

from ops.imports.reading.records import BadRow, GoodRow, LeftOutRow, MilestoneRecord, PatientRecord

Row = GoodRow | BadRow | LeftOutRow
_BETWEEN = "\x1f"


def packed(row: Row) -> Any:
    """A good row as a plain tuple; the others, which are few, as they are."""
    if type(row) is not GoodRow:
        return row
    line, external_id, patient, milestone, opt_outs, identity, cells, corrects, left_out, agreed = row
    text: Any = _BETWEEN.join(cells)
    if text.count(_BETWEEN) != len(cells) - 1:
        text = cells
    return (
        line, external_id, patient and tuple(patient), milestone and tuple(milestone), opt_outs, identity, text,
        corrects, left_out, agreed,
    )  # fmt: skip


def size(row: Any) -> int:
    """Characters a packed row is about as long as."""
    if type(row) is tuple:
        return len(row[6]) if type(row[6]) is str else sum(map(len, row[6]))
    return sum(map(len, row.cells)) if type(row) is BadRow else 0


def unpacked(rows: Sequence[Any]) -> Iterator[Row]:
    """The rows that `packed` made these of."""
    for row in rows:
        if type(row) is not tuple:
            yield row
            continue
        line, external_id, patient, milestone, opt_outs, identity, text, corrects, left_out, agreed = row
        yield GoodRow(
            line, external_id, patient and PatientRecord._make(patient), milestone and MilestoneRecord._make(milestone),
            opt_outs, identity, text.split(_BETWEEN) if type(text) is str else text, corrects, left_out, agreed,
        )  # fmt: skip
