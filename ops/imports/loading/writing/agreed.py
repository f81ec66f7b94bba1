"""What the people of a batch agreed to, by what the file says: kept as evidence."""

from psycopg import Cursor

from ops.imports.loading.batches import Batch
from ops.imports.loading.writing.copying import storable
from ops.imports.loading.writing.written import Load, Written
from ops.imports.reading.records import Agreement
from ops.practices.refusals import Yes, keep_yes


def write_agreed(load: Load, cursor: Cursor, batch: Batch, done: Written) -> None:
    """Each yes with its column and its words, once; and the end of those that this file does not say any more."""
    if not batch.agreed:
        return
    people: dict[Agreement, list[str]] = {}
    for person, said in batch.agreed.items():
        for one in said:
            people.setdefault(one, []).append(person)
    cursor.execute("SELECT name FROM import_files WHERE id = %s", (load.file_id,))
    (file,) = cursor.fetchone() or ("",)
    yeses = []
    for (channel, *said_so), whose in people.items():
        header, words = storable(said_so)
        yeses.append(Yes(channel, header, words, whose))
    unchanged = [person for person in batch.agreed if person not in done.patients]
    done.agreed = keep_yes(load.practice_id, file, yeses, unchanged, load.actor)
