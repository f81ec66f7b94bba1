"""Finding what is said."""

import sqlalchemy as sa

from ops.db import db
from ops.scripts.models import Medium, Script, ScriptVersion, VersionState


def published(practice_id: int, kind: str, medium: Medium) -> ScriptVersion | None:
    """The version in force for this practice: its own, else the agency's; None when nobody wrote one."""
    return db.session.scalars(
        sa.select(ScriptVersion)
        .join(Script)
        .where(
            sa.or_(Script.practice_id == practice_id, Script.practice_id.is_(None)),
            Script.kind == kind,
            Script.medium == medium,
            ScriptVersion.state == VersionState.PUBLISHED,
        )
        .order_by(Script.practice_id.is_(None))
        .limit(1)
    ).first()
