"""Treatments that are called otherwise in this file than in the one before, under the same visit number.

A milestone is known by the visit's number and its description. A description that is put right would add a second
milestone and leave the first, so of each visit that has treatments this load does not name any more, these take the
names of those it has too much, in their order. Which line of a visit was renamed and which is new nobody can tell; what
neither finds a partner stays.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from psycopg import Cursor

from ops.imports.loading.batches import Batch, MilestoneRow
from ops.imports.loading.writing.copying import copy
from ops.imports.loading.writing.written import Load

Visit = tuple[str, str]
"""The patient's number, and what the treatments of the visit share."""


class _Known(NamedTuple):
    """A milestone that this batch does not name, and the keys of all of its visit."""

    visit: Visit
    milestone_id: int
    key: str
    keys: list[str]


def rename_visits(load: Load, cursor: Cursor, batch: Batch) -> None:
    """Give the keys of this batch to milestones whose treatment was renamed, so that they are moved, or withdrawn."""
    of_visits: dict[Visit, list[MilestoneRow]] = defaultdict(list)
    for row in (*batch.milestones.values(), *batch.withdrawn.values()):
        if row[6]:
            of_visits[str(row[1]), str(row[6])].append(row)
    if not of_visits or not load.whole or batch.corrects:
        return
    unnamed: dict[Visit, list[_Known]] = defaultdict(list)
    for known in _unnamed(load, cursor, batch, of_visits):
        unnamed[known.visit].append(known)
    for visit, olds in unnamed.items():
        _rename(cursor, batch, of_visits[visit], olds)


def _unnamed(load: Load, cursor: Cursor, batch: Batch, visits: dict[Visit, list[MilestoneRow]]) -> Iterator[_Known]:
    cursor.execute("CREATE TEMP TABLE staged_keys (external_id text, visit text, dedupe_key text) ON COMMIT DROP")
    rows = ((person, visit, row[5]) for (person, visit), of_one in visits.items() for row in of_one)
    copy(cursor, "staged_keys", ("text", "text", "text"), rows)
    cursor.execute(_FILL_IN, {"practice": load.practice_id})
    cursor.execute(_UNNAMED, {"practice": load.practice_id})
    found = [_Known((person, visit), number, key, keys) for person, visit, number, key, keys in cursor]
    cursor.execute("DROP TABLE staged_keys")
    elsewhere = set(batch.treated) if found else set()  # of a visit whose lines are far from each other
    return (each for each in found if hash(each.key) not in elsewhere)


def _rename(cursor: Cursor, batch: Batch, rows: list[MilestoneRow], olds: list[_Known]) -> None:
    new = [row for row in rows if row[5] not in olds[0].keys]
    for row, old in zip(new, olds, strict=False):
        cursor.execute("UPDATE milestones SET dedupe_key = %s WHERE id = %s", (row[5], old.milestone_id))
    called_off = [batch.withdrawn.get((str(row[1]), str(row[5]))) for row in rows]
    if all(called_off):  # the whole visit: what else it was once said to hold did not take place either
        for old in olds[len(new) :]:
            batch.withdrawn[old.visit[0], old.key] = (*rows[0][:5], old.key, *called_off[0][6:])  # type: ignore[index]


_FILL_IN = """
UPDATE milestones m SET visit = s.visit FROM staged_keys s CROSS JOIN LATERAL (
    SELECT id FROM patients WHERE practice_id = %(practice)s AND external_id = s.external_id LIMIT 1) p
WHERE m.patient_id = p.id AND m.dedupe_key = s.dedupe_key AND m.visit IS NULL
"""
"""Milestones from before visits were kept."""
_UNNAMED = """
SELECT v.external_id, v.visit, m.id, m.dedupe_key,
    ARRAY(SELECT o.dedupe_key FROM milestones o WHERE o.patient_id = p.id AND o.visit = v.visit)
FROM (SELECT DISTINCT external_id, visit FROM staged_keys) v CROSS JOIN LATERAL (
    SELECT id FROM patients WHERE practice_id = %(practice)s AND external_id = v.external_id LIMIT 1) p
JOIN milestones m ON m.patient_id = p.id AND m.visit = v.visit
WHERE NOT EXISTS (SELECT FROM staged_keys s WHERE s.external_id = v.external_id AND s.dedupe_key = m.dedupe_key)
ORDER BY m.withdrawn_at IS NOT NULL, m.id
"""
