"""Finding what is said."""

import sqlalchemy as sa

from ops.db import db
from ops.scripts.models import Medium, Script, ScriptVersion, VersionState


def published(practice_id: int, kind: str, medium: Medium, patient_id: int | None = None) -> ScriptVersion | None:
    """The version in force for this practice and patient: the practice's own, else the agency's; None when nobody
    wrote one. While two versions are tried the patient decides which (arm.sql); without a patient it is A."""
    return db.session.scalars(_in_force(practice_id, kind, medium, patient_id)).first()


def newer_than(version_id: int | None, practice_id: int, kind: str, patient_id: int) -> ScriptVersion | None:
    """The version of the call script that a claim would pin now, where it is another than `version_id`; else None.

    For a card in hand: what was published since it was opened. One indexed query.
    """
    now = published(practice_id, kind, Medium.CALL, patient_id)
    return now if now is not None and now.id != version_id else None


def _in_force(practice_id: int, kind: str, medium: Medium, patient_id: int | None) -> sa.Select[ScriptVersion]:
    """The same order as in queue/claim.sql; a test holds the two against each other."""
    arm = sa.func.script_arm(Script.experiment_id, practice_id, sa.cast(patient_id, sa.BigInteger))
    return (
        sa.select(ScriptVersion)
        .join(Script, Script.id == ScriptVersion.script_id)
        .where(
            sa.or_(Script.practice_id == practice_id, Script.practice_id.is_(None)),
            Script.kind == kind,
            Script.medium == medium,
            ScriptVersion.state == VersionState.PUBLISHED,
        )
        .order_by(Script.practice_id.is_(None), sa.cast(ScriptVersion.variant, sa.Text) != arm, ScriptVersion.id)
        .limit(1)
    )
