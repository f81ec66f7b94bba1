"""Writing a script: one open draft at a time, edited in place, by whoever saw its newest state.

What was published never changes. A draft that somebody else's save would write over is set aside instead, as a version
of its own, so that nothing anybody wrote is lost.
"""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.practices.models import Practice
from ops.scripts import checking
from ops.scripts.models import Medium, Script, ScriptVersion, Variant, VersionState
from ops.scripts.rules import MAX_NOTE, NotGood
from ops.scripts.words import kind_words


class Seen(NamedTuple):
    """The state of the script that somebody's page showed: which version, and how often it had been edited."""

    version_id: int
    revision: int


class Typed(NamedTuple):
    subject: str
    body: str
    note: str = ""


class Overtaken(Refused):
    """Somebody else saved or published meanwhile; `now` is what is there."""

    def __init__(self, now: ScriptVersion) -> None:
        self.now = now
        super().__init__("Somebody else changed this script meanwhile. Nothing was stored, and nothing is lost.")


def script_for(practice_id: int | None, kind: str, medium: Medium, name: str) -> Script:
    """The script of this practice (None: the agency's) for this kind and medium, made when there is none."""
    added = insert(Script).values(practice_id=practice_id, kind=kind, medium=medium, name=name)
    db.session.execute(added.on_conflict_do_nothing())
    own = Script.practice_id.is_(None) if practice_id is None else Script.practice_id == practice_id
    return db.session.scalars(sa.select(Script).where(own, Script.kind == kind, Script.medium == medium)).one()


def start_own(practice: Practice, kind: str, medium: Medium, actor: str) -> Script:
    """Give a practice its own script, with the agency's text as its first draft; the one it has when there is one.

    Raises Refused when there is nothing to start from.
    """
    agencys = db.session.scalar(
        sa.select(Script).where(Script.practice_id.is_(None), Script.kind == kind, Script.medium == medium)
    )
    text = now_said(agencys.id) if agencys else None
    if agencys is None or text is None:
        raise Refused(f"The agency has no published text for “{kind_words(kind)}” to start from.")
    script = lock(script_for(practice.id, kind, medium, agencys.name).id)
    if newest(script.id) is None:
        _add(script, Typed(text.subject, text.body, "Started from the agency’s text"), actor)
    return script


def lock(script_id: int) -> Script:
    """The script, with everybody else's changes of it waiting."""
    return db.session.get_one(Script, script_id, with_for_update=True, populate_existing=True)


def open_draft(script_id: int) -> ScriptVersion | None:
    return db.session.scalar(_versions(script_id).where(ScriptVersion.state == VersionState.DRAFT))


def now_said(script_id: int, variant: Variant = Variant.A) -> ScriptVersion | None:
    """What is published."""
    return db.session.scalar(
        _versions(script_id).where(ScriptVersion.state == VersionState.PUBLISHED, ScriptVersion.variant == variant)
    )


def newest(script_id: int) -> ScriptVersion | None:
    return db.session.scalar(_versions(script_id).order_by(ScriptVersion.number.desc()).limit(1))


def standing(script_id: int) -> ScriptVersion | None:
    """What the editor shows: the open draft, else what is published, else the newest."""
    return open_draft(script_id) or now_said(script_id) or newest(script_id)


def _versions(script_id: int) -> sa.Select[ScriptVersion]:
    return (
        sa.select(ScriptVersion).where(ScriptVersion.script_id == script_id).execution_options(populate_existing=True)
    )


def save_draft(script_id: int, typed: Typed, seen: Seen, actor: str, *, set_aside: bool = False) -> ScriptVersion:
    """Store what was typed in the open draft, or in a new one with the next number.

    `seen` is what the writer's page showed; when it is not there any more, Overtaken is raised and nothing stored.
    `set_aside`: the open draft is somebody else's and stays as it is, as a version set aside; a new one is opened.
    Raises NotGood for a text that cannot be said. Saving twice stores it once, and what is published already is
    answered with the published version.
    """
    script = lock(script_id)
    typed = Typed(typed.subject.strip(), _lines(typed.body), typed.note.strip())
    if problems := checking.save_problems(script, typed.subject, typed.body):
        raise NotGood(problems)
    if len(typed.note) > MAX_NOTE:
        raise NotGood([f"Say what changed in {MAX_NOTE} characters at most."])
    now = standing(script.id)
    if now and now.state is VersionState.DRAFT and _text(now) == typed:
        return now
    if now and now.state is VersionState.PUBLISHED and _text(now)[:2] == typed[:2]:
        return now
    if now and (now.id, now.revision) != seen:
        raise Overtaken(now)
    if now and now.state is VersionState.DRAFT:
        if not set_aside:
            return _edit(now, typed, actor)
        _set_aside(now, actor)
    return _add(script, typed, actor)


def _lines(body: str) -> str:
    return body.replace("\r\n", "\n").replace("\r", "\n").strip("\n") + "\n" if body.strip() else ""


def _text(version: ScriptVersion) -> Typed:
    return Typed(version.subject, _lines(version.body), version.note)


def _edit(draft: ScriptVersion, typed: Typed, actor: str) -> ScriptVersion:
    draft.subject, draft.body, draft.note = typed
    draft.revision += 1
    draft.edited_at, draft.edited_by = clock.now(), actor
    db.session.flush()
    return draft


def _add(script: Script, typed: Typed, actor: str) -> ScriptVersion:
    last = newest(script.id)
    version = ScriptVersion(
        script_id=script.id,
        number=(last.number if last else 0) + 1,
        state=VersionState.DRAFT,
        variant=Variant.A,
        subject=typed.subject,
        body=_lines(typed.body),
        note=typed.note,
        revision=1,
        created_at=clock.now(),
        created_by=actor,
    )
    db.session.add(version)
    db.session.flush()
    return version


def set_aside(script_id: int, seen: Seen, actor: str) -> None:
    """Close the open draft without publishing it; its text stays readable. Raises Overtaken, Refused."""
    lock(script_id)
    draft = open_draft(script_id)
    if draft is None:
        raise Refused("There is no draft any more.")
    if (draft.id, draft.revision) != seen:
        raise Overtaken(draft)
    _set_aside(draft, actor)


def _set_aside(draft: ScriptVersion, actor: str) -> None:
    draft.state = VersionState.RETIRED
    draft.retired_at, draft.retired_by = clock.now(), actor
    db.session.flush()


def restore(script_id: int, number: int, actor: str) -> ScriptVersion:
    """Open a draft with the text of an earlier version. Raises Refused while another draft is open."""
    script = lock(script_id)
    old = db.session.scalar(_versions(script_id).where(ScriptVersion.number == number))
    if old is None:
        raise Refused("There is no such version.")
    if draft := open_draft(script_id):
        raise Refused(f"Version {draft.number} is an open draft. Publish it or set it aside first.")
    return _add(script, Typed(old.subject, old.body, f"Version {number} again"), actor)
