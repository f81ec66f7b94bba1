"""Wrong rows made right: one by one on a page, or as a list that is downloaded, corrected and loaded again."""

import csv
import io
import re
import tempfile
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from ops import clock
from ops.background import Job, ring
from ops.db import db
from ops.errors import Refused
from ops.imports.loading.batches import Batch, Batcher, Matcher
from ops.imports.loading.intake import refuse_without_baa
from ops.imports.loading.seen import Seen
from ops.imports.loading.writing import Writer, stated_columns
from ops.imports.models import Import, ImportFile, QuarantinedRow
from ops.imports.reading.apart import Apart
from ops.imports.reading.cleaning import SURPLUS, Cleaner
from ops.imports.reading.dates import by_itself
from ops.imports.reading.delimited import DAMAGED
from ops.imports.reading.recognising import Profile
from ops.imports.reading.records import BadRow, GoodRow, LeftOutRow, Record, Unreadable
from ops.practices.models import Practice, TreatmentType

ROW_NUMBER = "quarantined row"
"""The column by which a downloaded row is known again (a synonym of Field.QUARANTINED_ROW)."""
_FORMULA = re.compile(r"[=+\-@\t\r]")
_HARMLESS = re.compile(r"[+-]?[\d\s().-]+")


def correct(row: QuarantinedRow, cells: Sequence[str], actor: str, *, same_person: bool = False) -> tuple[str, ...]:
    """Load a quarantined row with these cells instead. Empty when it is stored; else the reasons why it still is not,
    and the row keeps the new cells. `same_person`: somebody looked, and says the number's owner has changed so much.

    Raises Refused when it is corrected already, or its practice may not import.
    """
    if row.corrected_at is not None:
        raise Refused("This row was corrected already.")
    file = db.session.get_one(ImportFile, row.file_id)
    practice = db.session.get_one(Practice, row.practice_id)
    refuse_without_baa(practice)
    batch = _batch(practice, _read(file, practice, Record(row.line, list(cells))))
    bad = batch.bad or _write(file, practice, batch, actor, same_person)
    if bad:
        row.cells, row.reasons = list(cells), list(bad[0].reasons)
    else:
        row.corrected_at = clock.now()
        ring(Job.IMPORT_FINISHED, practice.id)
    db.session.flush()
    return bad[0].reasons if bad else ()


def _read(file: ImportFile, practice: Practice, record: Record) -> list[GoodRow | BadRow | LeftOutRow]:
    today = clock.today(practice.zone)
    how = file.profile or {}
    if "columns" not in how:
        return _read_resource(file.name, practice.zone, record)
    header = how.get("header", [])
    if len(record.cells) != len(header):
        problem = f"has {len(record.cells)} cells where the header has {len(header)}"
        return [BadRow(record.line, record.cells, (problem,))]
    return [Cleaner(header, Profile.from_json(how), practice.zone, today)(record)]


def _read_resource(name: str, zone: str, record: Record) -> list[GoodRow | BadRow | LeftOutRow]:
    """The one resource of a FHIR bundle that is this row's only cell."""
    text = f'{{"resourceType": "Bundle", "entry": [{{"resource": {record.cells[0]}}}]}}'
    try:
        with tempfile.TemporaryFile() as file:
            file.write(text.encode())
            file.seek(0)
            with Apart([file]) as reader:
                reader.opened(0, name)
                rows = list(reader.rows(0, zone, clock.today(zone)))
    except (Unreadable, UnicodeEncodeError) as problem:
        return [BadRow(record.line, record.cells, (str(problem),))]
    return [row._replace(line=record.line) for row in rows]


def _batch(practice: Practice, rows: list[GoodRow | BadRow | LeftOutRow]) -> Batch:
    kinds = sa.select(TreatmentType).where(TreatmentType.practice_id == practice.id).order_by(TreatmentType.id)
    matcher = Matcher((kind.id, kind.match_words) for kind in db.session.scalars(kinds))
    batcher = Batcher(matcher, clock.today(practice.zone), Seen())
    return next(batcher.batches(rows), Batch())


def _write(file: ImportFile, practice: Practice, batch: Batch, actor: str, same_person: bool) -> list[BadRow]:
    profile = Profile.from_json(file.profile) if "columns" in file.profile else None
    clashed: set[str] | None = None if same_person else set()
    load = db.session.get_one(Import, file.import_id)
    names = (practice.id, file.import_id, file.id, actor)
    writer = Writer(*names, stated_columns(profile), clashed, names_all=load.is_whole, whole=False)
    written = writer.write(db.session(), batch, clock.now())
    load.patients_new += written.patients_new
    load.patients_updated += written.patients_updated
    load.milestones_new += written.milestones_new
    return written.bad


def wrong_rows_csv(file: ImportFile) -> Iterator[str]:
    """The rows of a file that are still wrong, as CSV with the file's own columns, the line, the reasons and the number
    by which the corrected list is known again. Cells that a spreadsheet would run as formulas are disarmed with '.

    Loaded again as it is, every row stays wrong: what a row had too much stands in columns that must become empty, what
    it had too little is filled with the mark of an unreadable character.
    """
    header = list((file.profile or {}).get("header") or ["resource"])
    rows = db.session.scalars(
        sa.select(QuarantinedRow)
        .where(QuarantinedRow.file_id == file.id, QuarantinedRow.corrected_at.is_(None))
        .order_by(QuarantinedRow.line)
    ).all()
    width = max([len(header), *(len(row.cells) for row in rows)])
    surplus = [f"{SURPLUS} {number}" for number in range(1, width - len(header) + 1)]
    yield _csv_line([*header, *surplus, "line", "reasons", ROW_NUMBER])
    profile = Profile.from_json(file.profile) if "columns" in (file.profile or {}) else None
    orders = profile.orders_by_place(header) if profile else {}
    for row in rows:
        stated = [by_itself(cell, orders[at]) if at in orders else cell for at, cell in enumerate(row.cells)]
        cells = [*stated, *[DAMAGED] * (len(header) - len(row.cells))]
        cells += [""] * (width - len(cells))
        yield _csv_line([*cells, str(row.line), "; ".join(row.reasons), str(row.id)])


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_disarmed(cell) for cell in cells])
    return line.getvalue()


def _disarmed(cell: str) -> str:
    return "'" + cell if _FORMULA.match(cell) and not _HARMLESS.fullmatch(cell) else cell
