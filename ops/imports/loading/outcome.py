"""What came of an import, for the command line and the pages."""

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import sqlalchemy as sa

from ops.db import db
from ops.imports.loading.absent import absent
from ops.imports.models import Import, ImportFile, QuarantinedRow

HELD = "about people who are not contacted until the row is corrected"
WAITING = "something about contacting somebody who is no patient here yet, to be held when they come"
OVER_WORDS = {"all": "being contacted", "call": "calls", "sms": "texts", "email": "emails"}
NOT_HELD = "visit not completed (cancelled, missed, moved or pending)"


class Quarantined(Sequence[dict[str, Any]]):
    """Wrong rows as {file, line, reasons}. A file can be wrong a million times over, mostly for one reason: as
    dictionaries they took 1 GB, measured. `rows`: file, line, reasons."""

    def __init__(self, rows: Iterable[Any] = ()):
        self._lines, self._what = array("q"), array("L")
        numbers: dict[tuple[str, tuple[str, ...]], int] = {}
        for file, line, reasons in rows:
            self._lines.append(line)
            self._what.append(numbers.setdefault((file, tuple(reasons)), len(numbers)))
        self._words = list(numbers)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        file, reasons = self._words[self._what[at]]
        return {"file": file, "line": self._lines[at], "reasons": list(reasons)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class LoadCounts:
    """The counts of an import. People (suppressed, unreachable, deceased, minors) are counted once per load."""

    rows_read: int
    patients_new: int
    patients_updated: int
    milestones_new: int
    quarantined: Sequence[dict[str, Any]]
    suppressed: int
    unreachable: int
    deceased: int
    minors: int
    rows_stored: int = 0
    rows_unchanged: int = 0
    rows_future: int = 0
    rows_withdrawn: int = 0
    rows_ignored: dict[str, int] = field(default_factory=dict)
    """By reason. With the rows stored, unchanged, quarantined, future and withdrawn they are all rows read."""
    agreed: dict[str, int] = field(default_factory=dict)
    """People of whom it says yes, by channel."""
    held: int = 0
    """Of the quarantined rows: those that keep somebody from being contacted, until they are made right."""
    held_later: int = 0
    """Of the others: those that say something of contacting somebody, and fit nobody who is here yet."""
    absent: dict[str, Any] | None = None
    """Where somebody said that it holds every visit of some days: those days, how many of how many visits we have it
    does not name, and how many were withdrawn for it."""
    files: list[dict[str, Any]] = field(default_factory=list)
    """What each was taken for, the columns that were dropped, and what was not read of it."""

    def json_parts(self, **more: Any) -> Iterator[str]:
        """The outcome, and `more`, as one JSON object, piece by piece."""
        counts = {each.name: getattr(self, each.name) for each in fields(self)}
        before, after = json.dumps(counts | {"quarantined": []} | more, ensure_ascii=False).split("[]", 1)
        yield before + "["
        for number, row in enumerate(self.quarantined):
            yield (", " if number else "") + json.dumps(row, ensure_ascii=False)
        yield "]" + after


def outcome_of(import_id: int) -> LoadCounts:
    """The outcome so far, with every quarantined row as {file, line, reasons}."""
    load = db.session.get_one(Import, import_id)
    rows = db.session.execute(
        sa.select(ImportFile.name, QuarantinedRow.line, QuarantinedRow.reasons)
        .join(ImportFile, ImportFile.id == QuarantinedRow.file_id)
        .where(QuarantinedRow.import_id == import_id)
        .order_by(ImportFile.position, QuarantinedRow.line)
        .execution_options(yield_per=5_000)
    )
    return LoadCounts(
        rows_read=load.rows_read,
        patients_new=load.patients_new,
        patients_updated=load.patients_updated,
        milestones_new=load.milestones_new,
        quarantined=Quarantined(rows),
        suppressed=load.suppressed,
        unreachable=load.unreachable,
        deceased=load.deceased,
        minors=load.minors,
        rows_stored=load.rows_stored,
        rows_unchanged=load.rows_unchanged,
        rows_future=load.rows_future,
        rows_withdrawn=load.rows_withdrawn,
        rows_ignored={NOT_HELD: load.rows_not_held} if load.rows_not_held else {},
        absent=_absent(load),
        agreed=load.agreed,
        files=[_how_read(file) for file in load.files if file.was_looked_at],
        held=count_rows(import_id, QuarantinedRow.holding()),
        held_later=count_rows(import_id, QuarantinedRow.waiting()),
    )


def _absent(load: Import) -> dict[str, Any] | None:
    if not load.is_whole:
        return None
    found = absent(load)
    days = {"from": str(load.whole_from), "until": str(load.whole_until)}
    return days | {"missing": found.missing, "of": found.of, "withdrawn": load.absent_withdrawn}


def agreed_words(agreed: Mapping[str, int]) -> str:
    """How many the files say agreed to what; "" when none did."""
    said = [f"{agreed[channel]:,} to {words}" for channel, words in OVER_WORDS.items() if agreed.get(channel)]
    return f"said yes: {', '.join(said)} (kept as evidence)" if said else ""


def count_rows(import_id: int, which: sa.ColumnElement[bool]) -> int:
    """Rows of this import that keep somebody from being contacted (`QuarantinedRow.holding`), or will (`waiting`)."""
    theirs = sa.select(sa.func.count()).where(QuarantinedRow.import_id == import_id, which)
    return db.session.scalar(theirs) or 0


def _how_read(file: ImportFile) -> dict[str, Any]:
    how = file.profile
    said = {"file": file.name, "read_as": how["name"], "holds": how["kind"]}
    return said | {"dropped": file.dropped, "notes": how["notes"]}
