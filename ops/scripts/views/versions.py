"""One version of a script, what changed between two, and an old one as a draft again."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import me, staff
from ops.accounts.queries import names_of
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices.models import Practice
from ops.scripts import checking, diff, lists, rules, values
from ops.scripts.actions import writing
from ops.scripts.models import Script, ScriptVersion
from ops.scripts.preview import preview
from ops.scripts.views import bp
from ops.scripts.views.editor import script_or_404
from ops.scripts.views.lists import words
from ops.scripts.words import state_words


def _version_or_404(script: Script, number: int) -> ScriptVersion:
    return (lists.version(script, number) if number < 2**31 else None) or abort(404)


@bp.get("/scripts/<int:script_id>/versions/<int:number>")
@staff
def version(script_id: int, number: int) -> ResponseReturnValue:
    """One version as it is said, and as it was written; fit to be printed."""
    script = script_or_404(script_id)
    shown = _version_or_404(script, number)
    practice = db.session.get(Practice, script.practice_id) if script.practice_id else None
    known = values.of_practice(practice) if practice else rules.VARIABLES_OF_PRACTICE
    actors = {actor for actor in (shown.created_by, shown.edited_by, shown.published_by, shown.retired_by) if actor}
    return render_template(
        "scripts/version.html",
        script=script,
        practice=practice,
        version=shown,
        seen=preview(checking.text_of(script, shown.subject, shown.body), known, values.PEOPLE),
        state_words=state_words,
        names=names_of(actors),
        **words(),
    )


@bp.get("/scripts/<int:script_id>/changes")
@staff
def changes(script_id: int) -> ResponseReturnValue:
    """What changed between two versions, by line, with the words marked."""
    script = script_or_404(script_id)
    versions = lists.versions(script)
    by_number = {str(one.number): one for one in versions}
    if not versions:
        abort(404)
    new = by_number.get(request.args.get("to", "")) or versions[0]
    old = by_number.get(request.args.get("from", "")) or (versions[1] if len(versions) > 1 else new)
    return render_template(
        "scripts/changes.html",
        script=script,
        practice=db.session.get(Practice, script.practice_id) if script.practice_id else None,
        versions=versions,
        old=old,
        new=new,
        subject=diff.lines(old.subject, new.subject) if old.subject != new.subject else [],
        lines=diff.lines(old.body, new.body),
        state_words=state_words,
        **words(),
    )


@bp.post("/scripts/<int:script_id>/versions/<int:number>/restore")
@staff
def restore(script_id: int, number: int) -> ResponseReturnValue:
    """Open a draft with an earlier text."""
    _version_or_404(script_or_404(script_id), number)
    db.session.rollback()
    try:
        with transaction(me().actor):
            draft = writing.restore(script_id, number, me().actor)
        flash(f"Draft {draft.number} has the text of version {number}.", "success")
    except Refused as problem:
        flash(str(problem), "danger")
    return redirect(url_for("scripts.edit", script_id=script_id), 303)
