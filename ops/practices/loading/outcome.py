"""What came of an import, for the command line and the pages."""

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from ops.db import db
from ops.practices.models import Import, ImportFile, QuarantinedRow


@dataclass(frozen=True)
class Outcome:
    """The counts of an import. People (suppressed, unreachable, deceased, minors) are counted once per load."""

    rows_read: int
    patients_new: int
    patients_updated: int
    milestones_new: int
    quarantined: list[dict[str, Any]]
    suppressed: int
    unreachable: int
    deceased: int
    minors: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def outcome_of(import_id: int) -> Outcome:
    """The outcome so far, with every quarantined row as {file, line, reasons}."""
    load = db.session.get_one(Import, import_id)
    rows = db.session.execute(
        sa.select(ImportFile.name, QuarantinedRow.line, QuarantinedRow.reasons)
        .join(ImportFile, ImportFile.id == QuarantinedRow.file_id)
        .where(QuarantinedRow.import_id == import_id)
        .order_by(ImportFile.position, QuarantinedRow.line)
    )
    return Outcome(
        rows_read=load.rows_read,
        patients_new=load.patients_new,
        patients_updated=load.patients_updated,
        milestones_new=load.milestones_new,
        quarantined=[{"file": name, "line": line, "reasons": reasons} for name, line, reasons in rows],
        suppressed=load.suppressed,
        unreachable=load.unreachable,
        deceased=load.deceased,
        minors=load.minors,
    )
