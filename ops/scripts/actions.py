"""Writing and publishing what is said."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.db import db
from ops.scripts import render
from ops.scripts.defaults import DEFAULTS
from ops.scripts.models import Medium, Script, ScriptVersion, VersionState

LOCK = 7_034_003


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
        script = write_script(None, default.kind, default.medium, default.name)
        publish(draft(script, default.body, subject=default.subject, actor="default"))
    return len(missing)


def write_script(practice_id: int | None, kind: str, medium: Medium, name: str) -> Script:
    """The script of this practice (None: the agency's) for this kind and medium, made when there is none."""
    added = insert(Script).values(practice_id=practice_id, kind=kind, medium=medium, name=name)
    db.session.execute(added.on_conflict_do_nothing())
    own = Script.practice_id.is_(None) if practice_id is None else Script.practice_id == practice_id
    return db.session.scalars(sa.select(Script).where(own, Script.kind == kind, Script.medium == medium)).one()


def draft(script: Script, body: str, *, subject: str = "", actor: str) -> ScriptVersion:
    """A new draft version. Raises ScriptError when it could not be said."""
    render.check(body)
    if subject:
        render.check(subject)
    last = db.session.scalar(sa.select(sa.func.max(ScriptVersion.number)).where(ScriptVersion.script_id == script.id))
    version = ScriptVersion(
        script_id=script.id,
        number=(last or 0) + 1,
        state=VersionState.DRAFT,
        subject=subject,
        body=body,
        created_at=clock.now(),
        created_by=actor,
    )
    db.session.add(version)
    db.session.flush()
    return version


def publish(version: ScriptVersion) -> None:
    """Make this version the one that is said from the next task on; the one before it is retired."""
    db.session.execute(
        sa.update(ScriptVersion)
        .where(ScriptVersion.script_id == version.script_id, ScriptVersion.state == VersionState.PUBLISHED)
        .values(state=VersionState.RETIRED)
    )
    version.state = VersionState.PUBLISHED
    version.published_at = clock.now()
    db.session.flush()
