"""The log of who looked at whose data (docs/rules.md A12, audit controls): the one place that writes it."""

from datetime import date, datetime

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead
from ops.db import db
from ops.work.reads import ReadOf


def keep_read(
    user_id: int,
    practice_id: int,
    patient_id: int | None,
    what: ReadOf,
    subject_id: int | None = None,
    month: date | None = None,
    shown_key: bytes | None = None,
) -> None:
    """Keep that this person looked at `what` of this patient: of the task, concern or attempt `subject_id`, or of the
    month that begins on `month`, where it is about one; `shown_key` is the contact key of a number or address.

    Without a patient: of a file's rows, of the import, row or file `subject_id`; of messages, those to `shown_key`.
    """
    values = {"practice_id": practice_id, "patient_id": patient_id, "subject_id": subject_id, "month": month}
    # no RETURNING: the role a practice member reads under may add to this table, not read it
    db.session.execute(
        sa.insert(PatientRead)
        .inline()
        .values(at=clock.now(), user_id=user_id, what=ReadOf(what), shown_key=shown_key, **values)
    )


def last_shown(user_id: int, practice_id: int, patient_id: int, task_id: int, since: datetime) -> bytes | None:
    """The contact key of the number this person was shown last for this task since then; None: they were shown none."""
    return db.session.scalar(
        sa.select(PatientRead.shown_key)
        .where(
            PatientRead.practice_id == practice_id,
            PatientRead.patient_id == patient_id,
            PatientRead.at >= since,
            PatientRead.user_id == user_id,
            PatientRead.shows(ReadOf.NUMBER, task_id),
        )
        .order_by(PatientRead.id.desc())
        .limit(1)
    )
