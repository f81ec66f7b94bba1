"""The wrong rows of a batch, and those of an earlier load that came back right."""

from datetime import datetime

import sqlalchemy as sa
from psycopg import Cursor
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from ops.imports.loading.batches import Batch
from ops.imports.loading.same_ids import written_otherwise
from ops.imports.loading.writing.copying import copy, storable
from ops.imports.loading.writing.people import SAYS_MAY
from ops.imports.loading.writing.written import Load
from ops.imports.reading.records import BadRow


def put_aside(load: Load, cursor: Cursor, bad: list[BadRow]) -> None:
    """Rows that are wrong, whole; and whom they keep from being contacted, by the number under which we know them."""
    if not bad:
        return
    known = written_otherwise(cursor, load.practice_id, {row.about for row in bad if row.about})
    cursor.execute(
        "CREATE TEMP TABLE staged_wrong (line bigint, cells jsonb, reasons text[], about text) ON COMMIT DROP"
    )
    rows = (
        (row.line, Jsonb(storable(row.cells)), storable(row.reasons), _about(known.get(row.about, row.about)))
        for row in bad
    )
    copy(cursor, "staged_wrong", ("int8", "jsonb", "text[]", "text"), rows)
    cursor.execute(
        "INSERT INTO quarantined_rows (practice_id, import_id, file_id, line, cells, reasons, about)"
        " SELECT %s, %s, %s, line, cells, reasons, about FROM staged_wrong ON CONFLICT (file_id, line) DO NOTHING",
        (load.practice_id, load.import_id, load.file_id),
    )
    cursor.execute("DROP TABLE staged_wrong")


def let_go(load: Load, cursor: Cursor, batch: Batch) -> None:
    """Whom a row of an earlier file kept from being contacted, and of whom this one says it so that we understand."""
    people = [person for person in batch.lines if person not in {row.about for row in batch.bad}]
    if SAYS_MAY in load.stated and people:
        cursor.execute(_LET_GO, {"practice": load.practice_id, "file": load.file_id, "people": people})


def hold_back(session: Session, import_id: int) -> None:
    """At the end of a load: whom its rows keep from being contacted who was not stored yet when they were put aside."""
    session.execute(_HOLD_BACK, {"import": import_id})


def note_corrected(load: Load, cursor: Cursor, batch: Batch, bad: list[BadRow], now: datetime) -> None:
    """Rows of an earlier quarantine that came back right."""
    wrong = {row.line for row in bad}
    rows = [row for line, row in batch.corrects.items() if line not in wrong]
    if rows:
        cursor.execute(_CORRECTED, {"now": now, "practice": load.practice_id, "rows": rows})


def _about(number: str) -> str | None:
    return storable([number])[0] or None


_LET_GO = """
UPDATE quarantined_rows SET about = NULL
WHERE practice_id = %(practice)s AND about = ANY(%(people)s) AND file_id <> %(file)s AND corrected_at IS NULL
"""
_HOLD_BACK = sa.text("""
SELECT keep_unread_keys('{}', ARRAY(SELECT id FROM quarantined_rows
                                    WHERE import_id = :import AND about IS NOT NULL AND corrected_at IS NULL))
""")
_CORRECTED = """
UPDATE quarantined_rows SET corrected_at = %(now)s
WHERE practice_id = %(practice)s AND id = ANY(%(rows)s) AND corrected_at IS NULL
"""
