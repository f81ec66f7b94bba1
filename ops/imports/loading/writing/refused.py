"""What the people of a batch refused."""

from psycopg import Cursor

from ops.imports.loading.batches import Batch
from ops.imports.loading.writing.written import Load, Written
from ops.practices.refusals import Refusal, keep, keys_of, reached_by


def write_refusals(load: Load, cursor: Cursor, batch: Batch, done: Written) -> None:
    """Opt-outs, under every number and address of the person over all their records, or for the one to come."""
    if not batch.refusals:
        return
    people = list({external_id for external_id, _ in batch.refusals})
    cursor.execute(_KEYS, {"practice": load.practice_id, "people": people})
    keys: dict[str, list[tuple[bytes, bytes]]] = {}
    for person, record, phone, email in cursor:
        keys.setdefault(person, []).append(keys_of(load.practice_id, record, phone, email))
    found = [
        Refusal(key, channel, f"import {load.import_id}, column {source}", load.practice_id)
        for (external_id, channel), (source, _) in batch.refusals.items()
        for both in keys.get(external_id, ())  # else the row is put aside: nobody whom it could be about
        for key in reached_by(channel, *both)
    ]
    if found:
        new = keep(found, load.actor)
        done.refused = {person for person, theirs in keys.items() if any(not new.isdisjoint(one) for one in theirs)}


_KEYS = """
SELECT p.external_id, o.external_id, o.phone_key, o.email_key
FROM patients p CROSS JOIN LATERAL records_of(p.practice_id, p.id) r
JOIN patients o ON o.practice_id = p.practice_id AND o.id = r.patient_id
WHERE p.practice_id = %(practice)s AND p.external_id = ANY(%(people)s)
"""
