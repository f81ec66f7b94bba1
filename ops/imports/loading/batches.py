"""Cleaned rows put together into batches that are written at once. Asks no database; it runs beside it in a thread."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from ops.crypto import contact_key
from ops.imports.loading.seen import DECEASED, MINOR, SUPPRESSED, UNREACHABLE, Seen
from ops.imports.reading.records import BadRow, GoodRow, LeftOut, LeftOutRow, MilestoneRecord, PatientRecord
from ops.practices.age import adult_born_by
from ops.practices.models import MilestoneKind

ROWS = 10_000
"""Of one batch, and so of one transaction."""
CHARACTERS = 4_000_000
"""Of raw cells in one batch, which ends when it holds more: wrong rows can be a million characters long."""


class Taken(NamedTuple):
    """One row of a batch by what it is found again by, to tell afterwards what became of it. `key`: its milestone."""

    line: int
    external_id: str = ""
    key: str = ""
    left_out: LeftOut | None = None


PatientRow = tuple[object, ...]
MilestoneRow = tuple[object, ...]


@dataclass
class Batch:
    """Rows `rows_done - rows` to `rows_done` of a file, each of them once in `taken`. The counts are of people in the
    load so far."""

    taken: list[Taken] = field(default_factory=list)
    rows_done: int = 0
    characters: int = 0
    patients: dict[str, PatientRow] = field(default_factory=dict)
    milestones: dict[tuple[str, str], MilestoneRow] = field(default_factory=dict)
    refusals: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    cells: dict[int, list[str]] = field(default_factory=dict)
    strangers: dict[int, str] = field(default_factory=dict)
    """Lines that say something of a patient who is to be known already, and of whom."""
    corrects: dict[int, int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.taken)

    def put_aside(self, row: BadRow) -> None:
        self.bad.append(row)
        self.taken.append(Taken(row.line))
        self.characters += sum(map(len, row.cells))

    def keep_cells(self, line: int, cells: list[str]) -> None:
        """In case the database knows of a reason against the row."""
        self.cells[line] = cells
        self.characters += sum(map(len, cells))


class Matcher:
    """Finds the treatment type a description means: the one with the longest of its words in it.

    A treatment nothing recognizes is the type without words, if the practice has one; a mere visit is none.
    """

    def __init__(self, treatments: Iterable[tuple[int, Sequence[str]]]):
        known = list(treatments)
        words = [(word.lower(), treatment) for treatment, words in known for word in words if word]
        self._words = sorted(words, key=lambda pair: -len(pair[0]))
        self._other = next((treatment for treatment, words in known if not words), None)
        self.match = lru_cache(maxsize=1 << 12)(self._match)

    def _match(self, kind: str, description: str) -> int | None:
        text = description.lower()
        found = next((treatment for word, treatment in self._words if word in text), None)
        return self._other if found is None and kind == MilestoneKind.TREATMENT_COMPLETED else found


class Batcher:
    """Makes batches of rows. `seen` goes on over the files of one load; `today` is the practice's day."""

    def __init__(self, matcher: Matcher, today: date, seen: Seen):
        self._match = matcher.match
        self._seen = seen
        self._adult_born_by = adult_born_by(today)
        self._key = lru_cache(maxsize=1 << 12)(contact_key)

    def batches(self, rows: Iterable[GoodRow | BadRow | LeftOutRow]) -> Iterator[Batch]:
        """All rows, ROWS at a time; the last batch may be smaller or, for no rows at all, missing."""
        batch, done = Batch(), 0
        for row in rows:
            done += 1
            if isinstance(row, GoodRow):
                self._take(batch, row)
            elif isinstance(row, BadRow):
                batch.put_aside(row)
            else:
                batch.taken.append(Taken(row.line, left_out=row.why))
            if batch.rows == ROWS or batch.characters > CHARACTERS:
                yield self._closed(batch, done)
                batch = Batch()
        if batch.rows:
            yield self._closed(batch, done)

    def _closed(self, batch: Batch, done: int) -> Batch:
        batch.rows_done = done
        batch.counts = dict(self._seen.counts)
        return batch

    def _take(self, batch: Batch, row: GoodRow) -> None:
        line, external_id, patient, milestone, opt_outs, identity, cells, corrects, left_out = row
        if patient:
            other = self._seen.note(external_id, identity, self._flags(patient, bool(opt_outs)), line)
            if other:
                batch.put_aside(BadRow(line, cells, (_two_people(external_id, other),)))
                return
            batch.patients[external_id] = self._patient_row(patient)
        else:
            batch.keep_cells(line, cells)
            if milestone or opt_outs:
                batch.strangers[line] = external_id
            if opt_outs:
                self._seen.suppress(external_id, line)
        batch.taken.append(Taken(line, external_id, milestone.dedupe_key if milestone else "", left_out))
        if corrects:
            batch.corrects[line] = corrects
        if milestone:
            batch.milestones[external_id, milestone.dedupe_key] = self._milestone_row(milestone)
        for channel, source in opt_outs:
            batch.refusals[external_id, channel] = (source, line)

    def _flags(self, patient: PatientRecord, opted_out: bool) -> int:
        flags = SUPPRESSED if opted_out else 0
        if patient.phone is None and patient.email is None:
            flags |= UNREACHABLE
        if patient.deceased:
            flags |= DECEASED
        if patient.birth_date and patient.birth_date > self._adult_born_by:
            flags |= MINOR
        return flags

    def _patient_row(self, patient: PatientRecord) -> PatientRow:
        phone, email = patient.phone, patient.email
        return (
            *patient[1:11],
            patient.zip,
            patient.language,
            self._key(phone) if phone else None,
            self._key(email) if email else None,
        )

    def _milestone_row(self, milestone: MilestoneRecord) -> MilestoneRow:
        line, external_id, kind, day, treatment, key = milestone
        return (line, external_id, kind, day, self._match(kind, treatment), key)


def _two_people(external_id: str, line: int) -> str:
    if external_id.startswith("~"):
        return f"the same name and birth date as in line {line}, with another phone or email: one person or two?"
    return f"the number {external_id[:40]} belongs to another name or birth date in line {line}"
