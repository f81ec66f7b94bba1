"""The visits of a batch: written, moved, and withdrawn when they did not take place after all."""

from datetime import datetime

from psycopg import Cursor

from ops.imports.loading.batches import Batch
from ops.imports.loading.writing.copying import copy
from ops.imports.loading.writing.written import Load, Written
from ops.imports.reading.records import BadRow


def write_visits(load: Load, cursor: Cursor, batch: Batch, now: datetime, done: Written) -> None:
    """New milestones, those that a file knows better now, and those it calls completed again."""
    cursor.execute(
        "CREATE TEMP TABLE staged_milestones (line bigint, external_id text, kind text, happened_on date,"
        " treatment_type_id bigint, dedupe_key text, visit text) ON COMMIT DROP"
    )
    kinds = ("int8", "text", "text", "date", "int8", "text", "text")
    copy(cursor, "staged_milestones", kinds, batch.milestones.values())
    facts = {"practice": load.practice_id, "import": load.import_id, "now": now}
    cursor.execute(_UPSERT_MILESTONES, facts)
    for external_id, key, fresh in cursor:
        done.milestones.add((external_id, key))
        done.milestones_new += fresh
    if load.names_all:
        cursor.execute(_NAMED, facts)
    cursor.execute("DROP TABLE staged_milestones")


def withdraw_visits(load: Load, cursor: Cursor, batch: Batch, now: datetime, done: Written) -> None:
    """Milestones that an earlier file brought and this one says did not take place. They are kept; what follows from it
    is put right where cadences are (`MilestoneChange`)."""
    if not batch.withdrawn:
        return
    people, kinds, days, treatments, keys, _, why = zip(*(row[1:] for row in batch.withdrawn.values()), strict=True)
    facts = {"practice": load.practice_id, "import": load.import_id, "now": now, "people": list(people)}
    facts |= {"kinds": list(kinds), "days": list(days), "treatments": list(treatments), "keys": list(keys)}
    cursor.execute(_WITHDRAW, facts | {"why": list(why)})
    done.withdrawn = set(cursor)


def unknown_people(load: Load, cursor: Cursor, batch: Batch) -> list[BadRow]:
    """The visits and opt-outs of nobody this practice has: every row of them, however often it stands there."""
    if not batch.strangers:
        return []
    people = list(set(batch.strangers.values()))
    cursor.execute(_UNKNOWN, {"practice": load.practice_id, "people": people})
    unknown = {external_id for (external_id,) in cursor}
    return [
        BadRow(
            line, batch.cells.get(line, []), (f"no patient with the number {number[:60]} in this practice",),
            batch.about(number),
        )
        for line, number in batch.strangers.items()
        if number in unknown
    ]  # fmt: skip


_UNKNOWN = """
SELECT s.external_id FROM unnest(%(people)s::text[]) AS s (external_id) LEFT JOIN LATERAL (
    SELECT id FROM patients WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p ON true
WHERE p.id IS NULL
"""
_UPSERT_MILESTONES = """
WITH written AS (
    INSERT INTO milestones AS m (practice_id, patient_id, kind, happened_on, treatment_type_id, dedupe_key, visit,
                                 import_id, created_at)
    SELECT %(practice)s, p.id, s.kind, s.happened_on, s.treatment_type_id, s.dedupe_key, s.visit, %(import)s, %(now)s
    FROM staged_milestones s CROSS JOIN LATERAL (
        SELECT id FROM patients WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p
    -- what stands there under a key of its exact words, from before capitals counted for nothing
    WHERE NOT EXISTS (
        SELECT FROM milestones o
        WHERE o.patient_id = p.id AND s.dedupe_key LIKE 'w:%%' AND strpos(o.dedupe_key, ':') = 0 AND o.kind = s.kind
          AND o.happened_on = s.happened_on AND o.treatment_type_id IS NOT DISTINCT FROM s.treatment_type_id
          AND o.withdrawn_at IS NULL)
    ON CONFLICT (patient_id, dedupe_key) DO UPDATE
        SET happened_on = excluded.happened_on, treatment_type_id = excluded.treatment_type_id,
            withdrawn_at = NULL, withdrawn_why = NULL
        WHERE (m.happened_on, m.treatment_type_id) IS DISTINCT FROM (excluded.happened_on, excluded.treatment_type_id)
           OR m.withdrawn_at IS NOT NULL
    RETURNING patient_id, dedupe_key, (xmax = 0) AS fresh)
SELECT p.external_id, w.dedupe_key, w.fresh
FROM written w CROSS JOIN LATERAL (SELECT external_id FROM patients WHERE id = w.patient_id LIMIT 1) p
"""
_NAMED = """
UPDATE milestones m SET named_in = %(import)s FROM staged_milestones s CROSS JOIN LATERAL (
    SELECT id FROM patients WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p
WHERE m.patient_id = p.id AND m.named_in IS DISTINCT FROM %(import)s
  -- as in _UPSERT_MILESTONES: what stands there under a key of its exact words
  AND (m.dedupe_key = s.dedupe_key OR (
        s.dedupe_key LIKE 'w:%%' AND strpos(m.dedupe_key, ':') = 0 AND m.kind = s.kind
        AND m.happened_on = s.happened_on AND m.treatment_type_id IS NOT DISTINCT FROM s.treatment_type_id))
"""
_WITHDRAW = """
UPDATE milestones m SET withdrawn_at = %(now)s, withdrawn_why = s.why, import_id = %(import)s
FROM unnest(%(people)s::text[], %(kinds)s::text[], %(days)s::date[], %(treatments)s::bigint[], %(keys)s::text[],
            %(why)s::text[]) AS s (external_id, kind, happened_on, treatment_type_id, dedupe_key, why)
CROSS JOIN LATERAL (
    SELECT id FROM patients WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p
WHERE m.patient_id = p.id AND m.withdrawn_at IS NULL
  -- as in _UPSERT_MILESTONES: what stands there under a key of its exact words
  AND (m.dedupe_key = s.dedupe_key OR (
        s.dedupe_key LIKE 'w:%%' AND strpos(m.dedupe_key, ':') = 0 AND m.kind = s.kind
        AND m.happened_on = s.happened_on AND m.treatment_type_id IS NOT DISTINCT FROM s.treatment_type_id))
RETURNING s.external_id, s.dedupe_key
"""
