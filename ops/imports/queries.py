"""Imports of a practice, and their quarantined rows."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops.db import db
from ops.imports.models import Import, QuarantinedRow
from ops.practices.models import Practice
from ops.practices.queries import PAGE


def imports_of(practice: Practice, limit: int = 50) -> list[Import]:
    """Newest first."""
    query = sa.select(Import).where(Import.practice_id == practice.id).order_by(Import.id.desc()).limit(limit)
    return list(db.session.scalars(query))


def an_import(practice: Practice, import_id: int) -> Import | None:
    return db.session.scalar(sa.select(Import).where(Import.practice_id == practice.id, Import.id == import_id))


def quarantined(import_: Import, page: int = 1) -> tuple[list[QuarantinedRow], bool]:
    """One page of the rows that are still wrong, and whether there is another: first those that keep a patient from
    being contacted, then by file and line."""
    query = sa.select(QuarantinedRow).where(
        QuarantinedRow.import_id == import_.id, QuarantinedRow.corrected_at.is_(None)
    )
    query = (
        query.order_by(~QuarantinedRow.holding(), QuarantinedRow.file_id, QuarantinedRow.line)
        .limit(PAGE + 1)
        .offset((page - 1) * PAGE)
    )
    rows = list(db.session.scalars(query))
    return rows[:PAGE], len(rows) > PAGE


def held_by(rows: Iterable[QuarantinedRow]) -> dict[int, int]:
    """For each of these rows that keeps people from being contacted: how many patients of the practice."""
    ids = [row.id for row in rows]
    held = sa.text("""
        SELECT u.row_id, (SELECT count(DISTINCT r.patient_id) FROM rows_about r WHERE r.row_id = u.row_id) AS patients
        FROM unread_keys u WHERE u.row_id = ANY (:rows) GROUP BY u.row_id""")
    return {row.row_id: row.patients for row in db.session.execute(held, {"rows": ids})}


def quarantined_row(import_: Import, row_id: int) -> QuarantinedRow | None:
    return db.session.scalar(
        sa.select(QuarantinedRow).where(QuarantinedRow.import_id == import_.id, QuarantinedRow.id == row_id)
    )


def count_quarantined(import_: Import) -> int:
    """Rows of this import that are still wrong."""
    return (
        db.session.scalar(
            sa.select(sa.func.count()).where(
                QuarantinedRow.import_id == import_.id, QuarantinedRow.corrected_at.is_(None)
            )
        )
        or 0
    )


def raw_files_end(import_: Import) -> datetime:
    """When the raw files of this import are forgotten (docs/rules.md A13)."""
    return import_.created_at + timedelta(days=30)
