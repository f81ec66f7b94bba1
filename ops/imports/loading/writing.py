"""Writes a batch: COPY into temporary tables, then one INSERT … ON CONFLICT per table that touches only what changed.

The temporary tables live as long as the transaction. Patients are found row by row (LATERAL … LIMIT 1) through their
unique index: about tables nobody has analysed yet the planner guesses, and its guess read all patients for each visit
(12 s for ten thousand rows, measured, instead of 0.3).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Cursor
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from ops.imports.loading.batches import Batch
from ops.imports.loading.clashes import CLASH, OF_A_CLASH, Known, somebody_else
from ops.imports.loading.same_ids import written_otherwise
from ops.imports.reading.fields import PHONES, Field
from ops.imports.reading.recognising import Profile
from ops.imports.reading.records import BadRow
from ops.practices.refusals import Move, Refusal, follow, keep, keys_of, reached_by

LOCK = 7_034_003 << 32
PATIENT_COLUMNS = {
    "external_id": "text",
    "first_name": "text",
    "last_name": "text",
    "birth_date": "date",
    "death_date": "date",
    "deceased": "boolean",
    "phone": "text",
    "phone_raw": "text",
    "email": "text",
    "state": "text",
    "zip": "text",
    "language": "text",
    "phone_key": "bytea",
    "email_key": "bytea",
}
_STATED_BY: dict[str, set[Field]] = {
    "first_name": {Field.FIRST_NAME, Field.FULL_NAME},
    "last_name": {Field.LAST_NAME, Field.FULL_NAME},
    "birth_date": {Field.BIRTH_DATE},
    "death_date": {Field.DEATH_DATE},
    "deceased": {Field.DEATH_DATE, Field.STATUS, Field.DECEASED},
    "phone": set(PHONES),
    "phone_raw": set(PHONES),
    "phone_key": set(PHONES),
    "email": {Field.EMAIL},
    "email_key": {Field.EMAIL},
    "state": {Field.STATE},
    "zip": {Field.ZIP},
    "language": {Field.LANGUAGE},
}
"""A file changes of a known patient what it has columns for, and nothing else."""


@dataclass
class Written:
    """What a batch changed: whom, which milestones, whose opt-outs were new, and the rows that were wrong."""

    patients_new: int = 0
    milestones_new: int = 0
    patients: set[str] = field(default_factory=set)
    milestones: set[tuple[str, str]] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    bad: list[BadRow] = field(default_factory=list)

    @property
    def patients_updated(self) -> int:
        return len(self.patients) - self.patients_new


@dataclass(frozen=True)
class Writer:
    """Writes batches of one file of one practice. `stated` are the patient columns the file speaks about.

    `clashed` are the numbers of this load that stood for somebody else; None: whoever loads it says they do not.
    """

    practice_id: int
    import_id: int
    file_id: int
    actor: str
    stated: frozenset[str]
    clashed: set[str] | None = field(default_factory=set)

    def write(self, session: Session, batch: Batch, now: datetime) -> Written:
        """Everything the batch says, in the transaction of `session`. Writing it again changes nothing."""
        driver = session.connection().connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            # two loads of one practice would wait for each other's rows in different orders, for ever
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK + self.practice_id,))
            done = Written()
            batch.rename(written_otherwise(cursor, self.practice_id, batch.lines))
            if self.clashed:
                batch.drop(self.clashed & batch.lines.keys(), OF_A_CLASH)
            if batch.patients:
                self._patients(cursor, batch, now, done)
            done.bad += [*batch.bad, *self._unknown(cursor, batch)]
            if batch.milestones:
                self._milestones(cursor, batch, now, done)
            self._refusals(cursor, batch, done)
            self._quarantine(cursor, done.bad)
            self._corrected(cursor, batch, done.bad, now)
        return done

    def note_clashes(self, session: Session, batch: Batch) -> None:
        """What a batch that was written before this process took over had found."""
        driver = session.connection().connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor:
            batch.rename(written_otherwise(cursor, self.practice_id, batch.lines))
            self._stage(cursor, batch)
            cursor.execute("DROP TABLE staged_patients")

    def _patients(self, cursor: Cursor, batch: Batch, now: datetime, done: Written) -> None:
        self._stage(cursor, batch)
        if self.stated & {"phone_key", "email_key"}:
            self._follow(cursor)
        cursor.execute(
            _upsert_patients(self.stated), {"practice": self.practice_id, "import": self.import_id, "now": now}
        )
        written: dict[str, bool] = dict(cursor.fetchall())
        done.patients |= written.keys()
        done.patients_new += sum(written.values())
        cursor.execute("DROP TABLE staged_patients")
        self._follow_doubles(cursor, list(written))

    def _follow_doubles(self, cursor: Cursor, people: list[str]) -> None:
        """What the same human has refused under another record of theirs, they have refused under this one."""
        cursor.execute(_DOUBLES, {"practice": self.practice_id, "people": people})
        moves = [
            Move(*keys_of(self.practice_id, other, *before), *keys_of(self.practice_id, person, *after))
            for other, person, *keys in cursor
            for before, after in [(keys[:2], keys[2:])]
        ]
        if moves:
            follow(self.practice_id, moves, self.actor)

    def _stage(self, cursor: Cursor, batch: Batch) -> None:
        columns = ", ".join(PATIENT_COLUMNS)
        declared = ", ".join(f"{name} {kind}" for name, kind in PATIENT_COLUMNS.items())
        cursor.execute(f"CREATE TEMP TABLE staged_patients ({declared}) ON COMMIT DROP")
        _copy(cursor, f"staged_patients ({columns})", PATIENT_COLUMNS.values(), batch.patients.values())
        if self.clashed is not None:
            self._put_clashes_aside(cursor, batch, self.clashed)

    def _put_clashes_aside(self, cursor: Cursor, batch: Batch, clashed: set[str]) -> None:
        """Rows that give a known number to somebody else, with all that this load says about that number."""
        cursor.execute(_CHANGED_PERSONS, {"practice": self.practice_id})
        found = {number for number, *facts in cursor if somebody_else(Known(*facts[:5]), Known(*facts[5:]))}
        if found:
            batch.drop(found, CLASH)
            clashed |= found
            cursor.execute("DELETE FROM staged_patients WHERE external_id = ANY(%s)", (list(found),))

    def _follow(self, cursor: Cursor) -> None:
        """People with a new number or address have said no for that one too."""
        phone = "s.phone_key" if "phone_key" in self.stated else "p.phone_key"
        email = "s.email_key" if "email_key" in self.stated else "p.email_key"
        cursor.execute(_MOVES.format(phone=phone, email=email), {"practice": self.practice_id})
        moves = [
            Move(*keys_of(self.practice_id, person, *before), *keys_of(self.practice_id, person, *after))
            for person, *keys in cursor
            for before, after in [(keys[:2], keys[2:])]
        ]
        if moves:
            follow(self.practice_id, moves, self.actor)

    def _milestones(self, cursor: Cursor, batch: Batch, now: datetime, done: Written) -> None:
        cursor.execute(
            "CREATE TEMP TABLE staged_milestones (line bigint, external_id text, kind text, happened_on date,"
            " treatment_type_id bigint, dedupe_key text) ON COMMIT DROP"
        )
        kinds = ("int8", "text", "text", "date", "int8", "text")
        _copy(cursor, "staged_milestones", kinds, batch.milestones.values())
        facts = {"practice": self.practice_id, "import": self.import_id, "now": now}
        cursor.execute(_UPSERT_MILESTONES, facts)
        for external_id, key, fresh in cursor:
            done.milestones.add((external_id, key))
            done.milestones_new += fresh
        cursor.execute("DROP TABLE staged_milestones")

    def _unknown(self, cursor: Cursor, batch: Batch) -> list[BadRow]:
        """The visits and opt-outs of nobody this practice has: every row of them, however often it stands there."""
        if not batch.strangers:
            return []
        people = list(set(batch.strangers.values()))
        cursor.execute(_UNKNOWN, {"practice": self.practice_id, "people": people})
        unknown = {external_id for (external_id,) in cursor}
        return [
            BadRow(line, batch.cells.get(line, []), (f"no patient with the number {number[:60]} in this practice",))
            for line, number in batch.strangers.items()
            if number in unknown
        ]

    def _refusals(self, cursor: Cursor, batch: Batch, done: Written) -> None:
        """Opt-outs, under every number and address of the person over all their records, or for the one to come."""
        if not batch.refusals:
            return
        people = list({external_id for external_id, _ in batch.refusals})
        cursor.execute(_KEYS, {"practice": self.practice_id, "people": people})
        keys: dict[str, list[tuple[bytes, bytes]]] = {}
        for person, record, phone, email in cursor:
            keys.setdefault(person, []).append(keys_of(self.practice_id, record, phone, email))
        found = [
            Refusal(key, channel, f"import {self.import_id}, column {source}", self.practice_id)
            for (external_id, channel), (source, _) in batch.refusals.items()
            for both in keys.get(external_id, ())  # else the row is put aside: nobody whom it could be about
            for key in reached_by(channel, *both)
        ]
        if found:
            new = keep(found, self.actor)
            done.refused = {person for person, theirs in keys.items() if any(not new.isdisjoint(one) for one in theirs)}

    def _quarantine(self, cursor: Cursor, bad: list[BadRow]) -> None:
        if not bad:
            return
        cursor.execute("CREATE TEMP TABLE staged_wrong (line bigint, cells jsonb, reasons text[]) ON COMMIT DROP")
        rows = ((row.line, Jsonb(_storable(row.cells)), _storable(row.reasons)) for row in bad)
        _copy(cursor, "staged_wrong", ("int8", "jsonb", "text[]"), rows)
        cursor.execute(
            "INSERT INTO quarantined_rows (practice_id, import_id, file_id, line, cells, reasons)"
            " SELECT %s, %s, %s, line, cells, reasons FROM staged_wrong ON CONFLICT (file_id, line) DO NOTHING",
            (self.practice_id, self.import_id, self.file_id),
        )
        cursor.execute("DROP TABLE staged_wrong")

    def _corrected(self, cursor: Cursor, batch: Batch, bad: list[BadRow], now: datetime) -> None:
        """Rows of an earlier quarantine that came back right."""
        wrong = {row.line for row in bad}
        rows = [row for line, row in batch.corrects.items() if line not in wrong]
        if rows:
            cursor.execute(_CORRECTED, {"now": now, "practice": self.practice_id, "rows": rows})


def stated_columns(profile: Profile | None) -> frozenset[str]:
    """The patient columns a file of this profile speaks about; all of them for a FHIR bundle (None)."""
    if profile is None:
        return frozenset(_STATED_BY)
    meanings = set(profile.columns.values())
    return frozenset(column for column, fields in _STATED_BY.items() if fields & meanings)


def _copy(cursor: Cursor, table: str, kinds: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
        copy.set_types(list(kinds))
        for row in rows:
            copy.write_row(row)


def _storable(texts: Iterable[str]) -> list[str]:
    """Texts as PostgreSQL can hold them: neither NUL nor half a surrogate pair."""
    return [text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for text in texts]


def _upsert_patients(stated: frozenset[str]) -> str:
    columns = [column for column in PATIENT_COLUMNS if column in stated]
    values = ", ".join("coalesce(language, 'en')" if name == "language" else name for name in PATIENT_COLUMNS)
    ours = ", ".join(f"p.{column}" for column in columns)
    said = {column: f"excluded.{column}" for column in columns}
    if "death_date" not in stated:  # a file that only says who is dead does not raise those whose day we know
        said["deceased"] = "(excluded.deceased OR p.death_date IS NOT NULL)"
    theirs = ", ".join(said[column] for column in columns)
    assign = ", ".join(f"{column} = {said[column]}" for column in columns)
    change = (
        f"UPDATE SET {assign}, import_id = excluded.import_id, updated_at = excluded.updated_at"
        f" WHERE ({ours}) IS DISTINCT FROM ({theirs})"
    )
    return (
        "WITH written AS ("  # noqa: S608 (only the names of columns above go in)
        f" INSERT INTO patients AS p ({', '.join(PATIENT_COLUMNS)}, practice_id, import_id, created_at, updated_at)"
        f" SELECT {values}, %(practice)s, %(import)s, %(now)s, %(now)s FROM staged_patients"
        f" ON CONFLICT (practice_id, external_id) DO {change if columns else 'NOTHING'}"
        " RETURNING external_id, (xmax = 0) AS fresh)"
        " SELECT external_id, fresh FROM written"
    )


_CHANGED_PERSONS = """
SELECT s.external_id, p.first_name, p.last_name, p.birth_date, p.phone_key, p.email_key,
    s.first_name, s.last_name, s.birth_date, s.phone_key, s.email_key
FROM staged_patients s CROSS JOIN LATERAL (
    SELECT * FROM patients WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p
WHERE p.first_name <> s.first_name OR p.last_name <> s.last_name OR p.birth_date <> s.birth_date
"""
_MOVES = """
SELECT s.external_id, p.phone_key, p.email_key, {phone}, {email}
FROM staged_patients s CROSS JOIN LATERAL (
    SELECT phone_key, email_key FROM patients
    WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p
WHERE (p.phone_key, p.email_key) IS DISTINCT FROM ({phone}, {email})
"""
_DOUBLES = """
SELECT o.external_id, p.external_id, o.phone_key, o.email_key, p.phone_key, p.email_key
FROM patients p CROSS JOIN LATERAL other_records(p.practice_id, p.id, p.phone_key, p.first_name || p.last_name) o
WHERE p.practice_id = %(practice)s AND p.external_id = ANY(%(people)s)
"""
_KEYS = """
SELECT p.external_id, o.external_id, o.phone_key, o.email_key
FROM patients p CROSS JOIN LATERAL records_of(p.practice_id, p.id) r
JOIN patients o ON o.practice_id = p.practice_id AND o.id = r.patient_id
WHERE p.practice_id = %(practice)s AND p.external_id = ANY(%(people)s)
"""
_CORRECTED = """
UPDATE quarantined_rows SET corrected_at = %(now)s
WHERE practice_id = %(practice)s AND id = ANY(%(rows)s) AND corrected_at IS NULL
"""
_UNKNOWN = """
SELECT s.external_id FROM unnest(%(people)s::text[]) AS s (external_id) LEFT JOIN LATERAL (
    SELECT id FROM patients WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p ON true
WHERE p.id IS NULL
"""
_UPSERT_MILESTONES = """
WITH written AS (
    INSERT INTO milestones AS m (practice_id, patient_id, kind, happened_on, treatment_type_id, dedupe_key, import_id,
                                 created_at)
    SELECT %(practice)s, p.id, s.kind, s.happened_on, s.treatment_type_id, s.dedupe_key, %(import)s, %(now)s
    FROM staged_milestones s CROSS JOIN LATERAL (
        SELECT id FROM patients WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p
    -- what stands there under a key of its exact words, from before capitals counted for nothing
    WHERE NOT EXISTS (
        SELECT FROM milestones o
        WHERE o.patient_id = p.id AND s.dedupe_key LIKE 'w:%%' AND strpos(o.dedupe_key, ':') = 0 AND o.kind = s.kind
          AND o.happened_on = s.happened_on AND o.treatment_type_id IS NOT DISTINCT FROM s.treatment_type_id)
    ON CONFLICT (patient_id, dedupe_key) DO UPDATE
        SET happened_on = excluded.happened_on, treatment_type_id = excluded.treatment_type_id
        WHERE (m.happened_on, m.treatment_type_id) IS DISTINCT FROM (excluded.happened_on, excluded.treatment_type_id)
    RETURNING patient_id, dedupe_key, (xmax = 0) AS fresh)
SELECT p.external_id, w.dedupe_key, w.fresh
FROM written w CROSS JOIN LATERAL (SELECT external_id FROM patients WHERE id = w.patient_id LIMIT 1) p
"""
