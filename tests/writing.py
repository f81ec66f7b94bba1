"""Builders for tests of scripts: the agency's and a practice's own, drafts and what was published."""

import sqlalchemy as sa

from ops.db import db, transaction
from ops.scripts.actions import ensure_defaults, publishing, writing
from ops.scripts.actions.writing import Seen, Typed
from ops.scripts.models import Medium, Script, ScriptVersion


def agencys(kind="ask", medium=Medium.CALL):
    """The agency's script, with the defaults in place."""
    with transaction("test"):
        ensure_defaults()
    which = sa.select(Script).where(Script.practice_id.is_(None), Script.kind == kind, Script.medium == medium)
    return db.session.scalars(which).one()


def own(practice, kind="ask", medium=Medium.CALL):
    """The practice's own script, begun from the agency's text."""
    agencys(kind, medium)
    with transaction("test"):
        return writing.start_own(practice, kind, medium, "user:1")


def versions(script):
    """All of them, oldest first, as they are now."""
    db.session.expire_all()
    which = sa.select(ScriptVersion).where(ScriptVersion.script_id == script.id).order_by(ScriptVersion.number)
    return db.session.scalars(which).all()


def seen(script):
    """What a page of the script would show now."""
    now = writing.standing(script.id)
    return Seen(now.id, now.revision)


def save(script, body=None, by="user:1", was=None, **words):
    """A draft with this text (else today's with a remark more)."""
    now = writing.standing(script.id)
    body = now.body + "\n> Slowly.\n" if body is None else body
    with transaction(by):
        return writing.save_draft(script.id, Typed(now.subject, body), was or seen(script), by, **words)


def publish(script, body=None, by="user:1"):
    """A new version in use."""
    draft = save(script, body, by)
    with transaction(by):
        return publishing.publish(script.id, Seen(draft.id, draft.revision), by)


def page_of(script, body=None, **more):
    """What the editor sends, with the newest state as seen."""
    now = writing.standing(script.id)
    known = {"script": script.id, "version": now.id, "revision": now.revision, "subject": now.subject, "note": ""}
    return known | {"body": now.body if body is None else body} | more
