"""The agency's default scripts."""

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.scripts.actions.writing import script_for
from ops.scripts.defaults import DEFAULTS
from ops.scripts.models import Script, ScriptVersion, VersionState

LOCK = 7_034_003
ACTOR = "default"


def ensure_defaults() -> int:
    """Give the agency its default scripts where it has none; how many were added. Safe to run twice and at once."""
    db.session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    have = {
        (kind, medium)
        for kind, medium in db.session.execute(
            sa.select(Script.kind, Script.medium).where(Script.practice_id.is_(None))
        )
    }
    missing = [default for default in DEFAULTS if (default.kind, default.medium) not in have]
    for default in missing:
        script, now = script_for(None, default.kind, default.medium, default.name), clock.now()
        db.session.add(
            ScriptVersion(
                script_id=script.id,
                number=1,
                state=VersionState.PUBLISHED,
                subject=default.subject,
                body=default.body,
                created_at=now,
                created_by=ACTOR,
                published_at=now,
                published_by=ACTOR,
            )
        )
    db.session.flush()
    return len(missing)
