"""Writes a batch: COPY into temporary tables, then one INSERT … ON CONFLICT per table that touches only what changed.

The temporary tables live as long as the transaction. Patients are found row by row (LATERAL … LIMIT 1) through their
unique index: about tables nobody has analysed yet the planner guesses, and its guess read all patients for each visit
(12 s for ten thousand rows, measured, instead of 0.3).
"""

from datetime import datetime

from sqlalchemy.orm import Session

from ops.imports.loading.batches import Batch
from ops.imports.loading.clashes import OF_A_CLASH
from ops.imports.loading.same_ids import written_otherwise
from ops.imports.loading.writing.agreed import write_agreed
from ops.imports.loading.writing.aside import hold_back, let_go, note_corrected, put_aside
from ops.imports.loading.writing.people import stage, stated_columns, write_people
from ops.imports.loading.writing.refused import write_refusals
from ops.imports.loading.writing.renamed import rename_visits
from ops.imports.loading.writing.visits import unknown_people, withdraw_visits, write_visits
from ops.imports.loading.writing.written import Load, Written

__all__ = ["Writer", "Written", "hold_back", "stated_columns"]

LOCK = 7_034_003 << 32


class Writer(Load):
    """Writes batches of one file of one practice."""

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
                write_people(self, cursor, batch, now, done)
            done.bad += [*batch.bad, *unknown_people(self, cursor, batch)]
            rename_visits(self, cursor, batch)
            if batch.milestones:
                write_visits(self, cursor, batch, now, done)
            withdraw_visits(self, cursor, batch, now, done)
            write_refusals(self, cursor, batch, done)
            write_agreed(self, cursor, batch, done)
            let_go(self, cursor, batch)
            put_aside(self, cursor, done.bad)
            note_corrected(self, cursor, batch, done.bad, now)
        return done

    def note_clashes(self, session: Session, batch: Batch) -> None:
        """What a batch that was written before this process took over had found."""
        driver = session.connection().connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor:
            batch.rename(written_otherwise(cursor, self.practice_id, batch.lines))
            stage(self, cursor, batch)
            cursor.execute("DROP TABLE staged_patients")
