"""The wrong rows of a batch, and those of an earlier load that came back right."""

from datetime import date, datetime

import sqlalchemy as sa
from psycopg import Cursor
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from ops.crypto import contact_key
from ops.imports.loading.batches import Batch
from ops.imports.loading.same_ids import written_otherwise
from ops.imports.loading.writing.copying import copy, storable
from ops.imports.loading.writing.people import SAYS_MAY
from ops.imports.loading.writing.written import Load
from ops.imports.reading.records import BadRow, Whom


def put_aside(load: Load, cursor: Cursor, bad: list[BadRow]) -> None:
    """Rows that are wrong, whole; and whom they keep from being contacted, by the number under which we know them."""
    if not bad:
        return
    numbers = storable({row.about.number for row in bad if row.about})
    known = written_otherwise(cursor, load.practice_id, numbers)
    cursor.execute(_STAGE)
    copy(
        cursor,
        "staged_wrong",
        ("int8", "jsonb", "text[]", "text", "bytea[]", "text", "date"),
        ((row.line, Jsonb(storable(row.cells)), storable(row.reasons), *_about(row.about, known)) for row in bad),
    )
    cursor.execute(_PUT_ASIDE, (load.practice_id, load.import_id, load.file_id))
    cursor.execute("DROP TABLE staged_wrong")


def let_go(load: Load, cursor: Cursor, batch: Batch) -> None:
    """Whom a row of an earlier file kept from being contacted, and of whom this one says it so that we understand.

    A bundle says nothing of contacting anybody: it answers what an earlier one said of a patient that was not
    understood, but no Consent and no Flag.
    """
    wrong = {row.about.number for row in batch.bad if row.about}
    people = [person for person in (batch.lines if SAYS_MAY in load.stated else batch.patients) if person not in wrong]
    which = _BY_TABLE if SAYS_MAY in load.stated else _BY_BUNDLE if load.of_a_bundle else ""
    if which and people:
        facts = {"practice": load.practice_id, "file": load.file_id, "people": people}
        cursor.execute(_LET_GO.format(which=which), facts)


def hold_back(session: Session, practice_id: int) -> None:
    """At the end of a load: whom rows keep from being contacted, of this load or an earlier one, who was not stored yet
    when they were put aside."""
    session.execute(_HOLD_BACK, {"practice": practice_id})


def note_corrected(load: Load, cursor: Cursor, batch: Batch, bad: list[BadRow], now: datetime) -> None:
    """Rows of an earlier quarantine that came back right."""
    wrong = {row.line for row in bad}
    rows = [row for line, row in batch.corrects.items() if line not in wrong]
    if rows:
        cursor.execute(_CORRECTED, {"now": now, "practice": load.practice_id, "rows": rows})


def _about(whom: Whom | None, known: dict[str, str]) -> tuple[str | None, list[bytes], str, date | None]:
    if whom is None:
        return None, [], "", None
    number, name = storable((whom.number, whom.name))
    return known.get(number, number), [contact_key(one) for one in whom.reached], name, whom.born


_STAGE = """
CREATE TEMP TABLE staged_wrong (line bigint, cells jsonb, reasons text[], about text, about_keys bytea[],
                                about_name text, about_born date) ON COMMIT DROP
"""
_PUT_ASIDE = """
INSERT INTO quarantined_rows (practice_id, import_id, file_id, line, cells, reasons, about, about_keys, about_name,
                              about_born)
SELECT %s, %s, %s, line, cells, reasons, about, about_keys, about_name, about_born FROM staged_wrong
ON CONFLICT (file_id, line) DO NOTHING
"""
_BY_TABLE = "true"
_BY_BUNDLE = """q.cells ->> 0 ~ '"resourceType": *"' AND q.cells ->> 0 !~ '"resourceType": *"(Consent|Flag)"'"""
_LET_GO = """
UPDATE quarantined_rows q SET about = NULL
WHERE q.practice_id = %(practice)s AND q.about IS NOT NULL AND q.corrected_at IS NULL AND q.file_id <> %(file)s
  AND {which} AND (q.about = ANY(%(people)s) OR (
    q.about = '' AND EXISTS (SELECT FROM rows_about r WHERE r.row_id = q.id)
    AND NOT EXISTS (SELECT FROM rows_about r JOIN patients a ON a.id = r.patient_id
                    WHERE r.row_id = q.id AND a.external_id <> ALL(%(people)s))))
"""
"""One without a number may be about several patients: all of them must be in what is loaded now."""
_HOLD_BACK = sa.text("""
SELECT keep_unread_keys('{}', ARRAY(SELECT id FROM quarantined_rows
                                    WHERE practice_id = :practice AND about IS NOT NULL AND corrected_at IS NULL))
""")
_CORRECTED = """
UPDATE quarantined_rows SET corrected_at = %(now)s
WHERE practice_id = %(practice)s AND id = ANY(%(rows)s) AND corrected_at IS NULL
"""
