"""Cleaned rows put together into batches that are written at once. Asks no database; it runs beside it in a thread."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from ops.crypto import contact_key
from ops.imports.loading.same_ids import same_id
from ops.imports.loading.seen import AGREED, DECEASED, MINOR, SUPPRESSED, UNREACHABLE, Seen
from ops.imports.reading.records import (
    Agreement,
    BadRow,
    GoodRow,
    LeftOut,
    LeftOutRow,
    MilestoneRecord,
    OptOut,
    PatientRecord,
    Whom,
)
from ops.practices.age import adult_born_by
from ops.practices.models import MilestoneKind

ROWS = 10_000
"""Of one batch, and so of one transaction."""
CHARACTERS = 4_000_000
"""Of raw cells in one batch, which ends when it holds more: wrong rows can be a million characters long."""


WITHDRAWN = {
    LeftOut.NOT_HELD: "cancelled, missed, moved or not completed",
    LeftOut.FUTURE: "moved to a day still ahead",
}
"""Why a visit that an earlier file called completed is withdrawn."""


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
    withdrawn: dict[tuple[str, str], MilestoneRow] = field(default_factory=dict)
    """Milestones that did not take place, by what the file says now: as rows, with the reason."""
    refusals: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    agreed: dict[str, tuple[Agreement, ...]] = field(default_factory=dict)
    """What the last row about each person says of permissions."""
    bad: list[BadRow] = field(default_factory=list)
    cells: dict[int, list[str]] = field(default_factory=dict)
    strangers: dict[int, str] = field(default_factory=dict)
    """Lines that say something of a patient who is to be known already, and of whom."""
    corrects: dict[int, int] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)
    """Where each person's rows stand."""
    writings: dict[str, str] = field(default_factory=dict)
    """Each person's number as it is written here first."""
    counts: dict[int, int] = field(default_factory=dict)
    treated: Sequence[int] = ()
    """Hashes of the keys of all numbered visits of the load so far."""

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

    def rename(self, people: dict[str, str]) -> None:
        """Call these people by the number under which they are known."""
        if not people:
            return
        self.taken = [row._replace(external_id=people.get(row.external_id, row.external_id)) for row in self.taken]
        self.strangers = {line: people.get(written, written) for line, written in self.strangers.items()}
        for written, known in people.items():
            self.lines[known] = self.lines.pop(written)
            if written in self.agreed:
                self.agreed[known] = self.agreed.pop(written)
            if written in self.patients:
                self.patients[known] = (known, *self.patients.pop(written)[1:])
            for visits in (self.milestones, self.withdrawn):
                for key in [key for key in visits if key[0] == written]:
                    line, _, *rest = visits.pop(key)
                    visits[known, key[1]] = (line, known, *rest)
            for key in [key for key in self.refusals if key[0] == written]:
                self.refusals[known, key[1]] = self.refusals.pop(key)

    def about(self, person: str) -> Whom | None:
        """Who is held back by rows about this number that are put aside, when one of them says a no."""
        patient = self.patients.get(person)
        refused = any(number == person for number, _ in self.refusals) or (patient is not None and patient[5])
        if not refused:
            return None
        return Whom(person, tuple(str(one) for one in (patient[6], patient[8]) if one) if patient else ())

    def drop(self, people: Iterable[str], reason: str) -> None:
        """Put all that is said about these people aside, whole."""
        for person in people:
            about = self.about(person)
            for line in self.lines.get(person, ()):
                self.bad.append(BadRow(line, self.cells[line], (reason.format(person[:40]),), about))
                self.strangers.pop(line, None)
            self.patients.pop(person, None)
            self.agreed.pop(person, None)
            for table in (self.milestones, self.withdrawn, self.refusals):
                for key in [key for key in table if key[0] == person]:
                    del table[key]


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
        self._treated = array("q")

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
        batch.treated = self._treated
        return batch

    def _take(self, batch: Batch, row: GoodRow) -> None:
        line, external_id, patient, milestone, opt_outs, identity, cells, corrects, left_out, agreed = row
        person = same_id(external_id)
        written = batch.writings.setdefault(person, external_id)
        if written != external_id:
            external_id = written
            patient = patient and patient._replace(external_id=written)
            milestone = milestone and milestone._replace(external_id=written)
        if patient:
            other = self._seen.note(person, identity, self._flags(patient, opt_outs, agreed), line)
            if other:
                about = Whom(external_id, tuple(filter(None, (patient.phone, patient.email))))
                says = bool(opt_outs) or patient.deceased
                batch.put_aside(BadRow(line, cells, (_two_people(external_id, other),), about if says else None))
                return
            batch.patients[external_id] = self._patient_row(patient)
        else:
            if (milestone and not left_out) or opt_outs:
                batch.strangers[line] = external_id
            if opt_outs or agreed:
                self._seen.said(person, _said(opt_outs, agreed), line)
        batch.keep_cells(line, cells)
        batch.lines.setdefault(external_id, []).append(line)
        batch.taken.append(Taken(line, external_id, milestone.dedupe_key if milestone else "", left_out))
        if corrects:
            batch.corrects[line] = corrects
        if agreed:
            batch.agreed[external_id] = agreed
        if milestone:
            self._take_visit(batch, milestone, left_out)
        for channel, source in opt_outs:
            batch.refusals[external_id, channel] = (source, line)

    def _take_visit(self, batch: Batch, milestone: MilestoneRecord, left_out: LeftOut | None) -> None:
        """The last row about a visit counts."""
        visit = (milestone.external_id, milestone.dedupe_key)
        if milestone.visit:
            self._treated.append(hash(milestone.dedupe_key))
        batch.milestones.pop(visit, None)
        batch.withdrawn.pop(visit, None)
        row = self._milestone_row(milestone)
        if left_out:
            batch.withdrawn[visit] = (*row, WITHDRAWN[left_out])
        else:
            batch.milestones[visit] = row

    def _flags(self, patient: PatientRecord, opt_outs: tuple[OptOut, ...], agreed: tuple[Agreement, ...]) -> int:
        flags = _said(opt_outs, agreed)
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
        line, external_id, kind, day, treatment, key, visit = milestone
        return (line, external_id, kind, day, self._match(kind, treatment), key, visit or None)


def _said(opt_outs: tuple[OptOut, ...], agreed: tuple[Agreement, ...]) -> int:
    """The flags of what a row says of contacting somebody."""
    flags = SUPPRESSED if opt_outs else 0
    for one in agreed:
        if one.words:
            flags |= AGREED[one.channel]
    return flags


def _two_people(external_id: str, line: int) -> str:
    if external_id.startswith("~"):
        return f"the same name and birth date as in line {line}, with another phone or email: one person or two?"
    return f"the number {external_id[:40]} belongs to another name or birth date in line {line}"
