"""The patients of a batch: found by their number, written where they changed, followed by what they refused."""

from datetime import datetime

from psycopg import Cursor

from ops.imports.loading.batches import Batch
from ops.imports.loading.clashes import CLASH, Known, somebody_else
from ops.imports.loading.writing.copying import copy
from ops.imports.loading.writing.written import Load, Written
from ops.imports.reading.attendance import DECISIVE, OUTCOMES
from ops.imports.reading.fields import PHONES, Field
from ops.imports.reading.recognising import Profile
from ops.practices.refusals import Move, follow, keys_of

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
SAYS_MAY = "may we contact them"
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
    SAYS_MAY: {*DECISIVE} - {*OUTCOMES},
}
"""A file changes of a known patient what it has columns for, and nothing else."""


def write_people(load: Load, cursor: Cursor, batch: Batch, now: datetime, done: Written) -> None:
    """New patients, and those of whom the file says something else than what is known."""
    stage(load, cursor, batch)
    if load.stated & {"phone_key", "email_key"}:
        _follow(load, cursor)
    cursor.execute(_upsert_patients(load.stated), {"practice": load.practice_id, "import": load.import_id, "now": now})
    written: dict[str, bool] = dict(cursor.fetchall())
    done.patients |= written.keys()
    done.patients_new += sum(written.values())
    cursor.execute("DROP TABLE staged_patients")
    _follow_doubles(load, cursor, list(written))


def stage(load: Load, cursor: Cursor, batch: Batch) -> None:
    """The batch's patients in a temporary table, without those whose number is somebody else's."""
    columns = ", ".join(PATIENT_COLUMNS)
    declared = ", ".join(f"{name} {kind}" for name, kind in PATIENT_COLUMNS.items())
    cursor.execute(f"CREATE TEMP TABLE staged_patients ({declared}) ON COMMIT DROP")
    copy(cursor, f"staged_patients ({columns})", PATIENT_COLUMNS.values(), batch.patients.values())
    if load.clashed is not None:
        _put_clashes_aside(load, cursor, batch, load.clashed)


def _put_clashes_aside(load: Load, cursor: Cursor, batch: Batch, clashed: set[str]) -> None:
    """Rows that give a known number to somebody else, with all that this load says about that number."""
    cursor.execute(_CHANGED_PERSONS, {"practice": load.practice_id})
    found = {number for number, *facts in cursor if somebody_else(Known(*facts[:5]), Known(*facts[5:]))}
    if found:
        batch.drop(found, CLASH)
        clashed |= found
        cursor.execute("DELETE FROM staged_patients WHERE external_id = ANY(%s)", (list(found),))


def _follow_doubles(load: Load, cursor: Cursor, people: list[str]) -> None:
    """What the same human has refused under another record of theirs, they have refused under this one."""
    cursor.execute(_DOUBLES, {"practice": load.practice_id, "people": people})
    moves = [
        Move(*keys_of(load.practice_id, other, *before), *keys_of(load.practice_id, person, *after))
        for other, person, *keys in cursor
        for before, after in [(keys[:2], keys[2:])]
    ]
    if moves:
        follow(load.practice_id, moves, load.actor)


def _follow(load: Load, cursor: Cursor) -> None:
    """People with a new number or address have said no for that one too."""
    phone = "s.phone_key" if "phone_key" in load.stated else "p.phone_key"
    email = "s.email_key" if "email_key" in load.stated else "p.email_key"
    cursor.execute(_MOVES.format(phone=phone, email=email), {"practice": load.practice_id})
    moves = [
        Move(*keys_of(load.practice_id, person, *before), *keys_of(load.practice_id, person, *after))
        for person, *keys in cursor
        for before, after in [(keys[:2], keys[2:])]
    ]
    if moves:
        follow(load.practice_id, moves, load.actor)


def stated_columns(profile: Profile | None) -> frozenset[str]:
    """The patient columns a file of this profile speaks about, and `SAYS_MAY`. A FHIR bundle (None) speaks of all
    columns and says nothing of contacting anybody."""
    if profile is None:
        return frozenset(_STATED_BY) - {SAYS_MAY}
    meanings = set(profile.columns.values())
    return frozenset(column for column, fields in _STATED_BY.items() if fields & meanings)


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
