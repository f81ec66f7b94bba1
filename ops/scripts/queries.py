"""Finding what is said."""

from collections.abc import Sequence

import sqlalchemy as sa

from ops.db import db
from ops.scripts.models import Medium, ScriptVersion
from ops.scripts.outline import Part, outline


def published(practice_id: int, kind: str, medium: Medium, patient_id: int | None = None) -> ScriptVersion | None:
    """The version in force for this practice and patient: the practice's own, else the agency's; None when nobody
    wrote one. While two versions are tried the patient decides which (arm.sql); without a patient it is A."""
    patient = sa.cast(patient_id, sa.BigInteger)
    in_force = sa.func.script_in_force(sa.cast(practice_id, sa.BigInteger), kind, medium.value, patient)
    return db.session.scalars(sa.select(ScriptVersion).where(ScriptVersion.id == in_force)).first()


def newer_than(version_id: int | None, practice_id: int, kind: str, patient_id: int) -> ScriptVersion | None:
    """The version of the call script that a claim would pin now, where it is another than `version_id`; else None.

    For an open card: what was published since it was opened. One indexed query.
    """
    now = published(practice_id, kind, Medium.CALL, patient_id)
    return now if now is not None and now.id != version_id else None


def answer_titles(version_id: int | None, numbers: Sequence[int]) -> list[str]:
    """The titles of these answers of a call script, each once, in this order; what is none of its answers is left
    out."""
    version = db.session.get(ScriptVersion, version_id) if version_id and numbers else None
    if version is None:
        return []
    titles = {part.number: part.title for part in outline(version.body) if part.part is Part.ANSWER}
    return [titles[number] for number in dict.fromkeys(numbers) if number in titles]
