"""The agency's default scripts."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.db import db
from ops.scripts.defaults import DEFAULTS, Default
from ops.scripts.models import Script, ScriptVersion, VersionState

LOCK = 7_034_003
ACTOR = "default"


def ensure_defaults() -> int:
    """Give the agency its default scripts where it has none; how many were added. Safe to run twice and at once."""
    db.session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    agencys = sa.select(Script.kind, Script.medium).where(Script.practice_id.is_(None))
    have = {(kind, medium) for kind, medium in db.session.execute(agencys)}
    missing = {(each.kind, each.medium): each for each in DEFAULTS if (each.kind, each.medium) not in have}
    if not missing:
        return 0
    # all at once: one by one it was most of what adding a practice cost
    rows = [{"kind": each.kind, "medium": each.medium, "name": each.name} for each in missing.values()]
    made = insert(Script).values(rows).on_conflict_do_nothing().returning(Script.id, Script.kind, Script.medium)
    for script_id, kind, medium in db.session.execute(made).all():
        db.session.add(_first_version(script_id, missing[kind, medium]))
    db.session.flush()
    return len(missing)


def _first_version(script_id: int, default: Default) -> ScriptVersion:
    now = clock.now()
    return ScriptVersion(
        script_id=script_id,
        number=1,
        state=VersionState.PUBLISHED,
        subject=default.subject,
        body=default.body,
        created_at=now,
        created_by=ACTOR,
        published_at=now,
        published_by=ACTOR,
    )
