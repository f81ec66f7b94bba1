"""The wrong rows of a batch, and those of an earlier load that came back right."""

from collections.abc import Iterable
from datetime import datetime

from psycopg import Cursor
from psycopg.types.json import Jsonb

from ops.imports.loading.batches import Batch
from ops.imports.loading.writing.copying import copy
from ops.imports.loading.writing.written import Load
from ops.imports.reading.records import BadRow


def put_aside(load: Load, cursor: Cursor, bad: list[BadRow]) -> None:
    """Rows that are wrong, whole."""
    if not bad:
        return
    cursor.execute("CREATE TEMP TABLE staged_wrong (line bigint, cells jsonb, reasons text[]) ON COMMIT DROP")
    rows = ((row.line, Jsonb(_storable(row.cells)), _storable(row.reasons)) for row in bad)
    copy(cursor, "staged_wrong", ("int8", "jsonb", "text[]"), rows)
    cursor.execute(
        "INSERT INTO quarantined_rows (practice_id, import_id, file_id, line, cells, reasons)"
        " SELECT %s, %s, %s, line, cells, reasons FROM staged_wrong ON CONFLICT (file_id, line) DO NOTHING",
        (load.practice_id, load.import_id, load.file_id),
    )
    cursor.execute("DROP TABLE staged_wrong")


def note_corrected(load: Load, cursor: Cursor, batch: Batch, bad: list[BadRow], now: datetime) -> None:
    """Rows of an earlier quarantine that came back right."""
    wrong = {row.line for row in bad}
    rows = [row for line, row in batch.corrects.items() if line not in wrong]
    if rows:
        cursor.execute(_CORRECTED, {"now": now, "practice": load.practice_id, "rows": rows})


def _storable(texts: Iterable[str]) -> list[str]:
    """Texts as PostgreSQL can hold them: neither NUL nor half a surrogate pair."""
    return [text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for text in texts]


_CORRECTED = """
UPDATE quarantined_rows SET corrected_at = %(now)s
WHERE practice_id = %(practice)s AND id = ANY(%(rows)s) AND corrected_at IS NULL
"""
