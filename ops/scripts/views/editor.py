"""The editor: one text, its outline and how it sounds; saving, publishing, and what stands in the way.

What was typed is never lost: every refusal gives the page back with the text in it. Saving comes first, by itself;
what else the button does follows in a transaction of its own, so a text that may not be published is still stored.
"""

from collections.abc import Callable, Sequence

from flask import abort, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import me, staff
from ops.accounts.queries import all_practices, names_of
from ops.db import db, transaction
from ops.errors import Refused
from ops.mail import queries as mails
from ops.mail.models import MailKind
from ops.mail.words import why
from ops.practices import queries as practices
from ops.practices.models import Practice
from ops.scripts import approvals, checking, diff, lists, rules, values
from ops.scripts.actions import publishing, writing
from ops.scripts.actions.writing import Overtaken, Seen
from ops.scripts.forms import EditorForm
from ops.scripts.models import Script, ScriptVersion, VersionState
from ops.scripts.preview import Preview, jumps, preview
from ops.scripts.rules import MAX_BODY, NotGood
from ops.scripts.views import bp
from ops.scripts.views.lists import words
from ops.scripts.words import state_words
from ops.web.errors import wants_json


def script_or_404(script_id: int) -> Script:
    return db.session.get(Script, script_id) or abort(404)


@bp.get("/scripts/<int:script_id>")
@staff
def edit(script_id: int) -> ResponseReturnValue:
    """The open draft, or what is published, to be changed."""
    script = script_or_404(script_id)
    return page(script, opened(script))


def opened(script: Script) -> EditorForm:
    """The form as it is when nobody typed yet."""
    form, now = EditorForm(formdata=None), writing.standing(script.id)
    form.script.data, form.long.data = script.id, True
    if now:
        form.version.data, form.revision.data = now.id, now.revision
        form.subject.data, form.body.data = now.subject, now.body
        form.note.data = now.note if now.state is VersionState.DRAFT else ""
    return form


def page(
    script: Script,
    form: EditorForm,
    problems: Sequence[str] = (),
    overtaken: ScriptVersion | None = None,
) -> str:
    """The editor with what was typed."""
    form.script.data = script.id
    body, subject = form.body.data or "", form.subject.data or ""
    all_versions = lists.versions(script)
    now = writing.standing(script.id)
    cannot = checking.save_problems(script, subject, body)
    draft = next((version for version in all_versions if version.state is VersionState.DRAFT), None)
    asked = approvals.of_version(draft) if draft else []
    return render_template(
        "scripts/edit.html",
        script=script,
        practice=db.session.get(Practice, script.practice_id) if script.practice_id else None,
        form=form,
        problems=problems,
        overtaken=overtaken,
        differences=diff.lines(overtaken.body, body) if overtaken else [],
        now=now,
        draft=draft,
        versions=all_versions,
        cannot=cannot,
        not_yet=[] if cannot else checking.publish_problems(script, subject, body),
        lacking=[] if cannot else checking.lacking(script, subject, body),
        seen=_previewed(script, form),
        jumps=jumps(body) if len(body) <= MAX_BODY else [],
        variables=rules.allowed(script.kind, script.medium),
        practices=[] if script.practice_id else all_practices(),
        state_words=state_words,
        approval_needed=bool(script.practice_id and approvals.is_needed(script.practice_id)),
        asked=[(one, lists.how_far(one, draft)) for one in asked] if draft else [],
        links=approvals.links_of([one.id for one in asked]),
        mails=mails.about(MailKind.APPROVAL, [one.id for one in asked]),
        why_not_mailed=why,
        members=approvals.members_to_mail(script.practice_id) if script.practice_id else [],
        names=names_of(_people(all_versions) | {one.asked_by for one in asked}),
        **words(),
    )


def _people(versions: Sequence[ScriptVersion]) -> set[str]:
    fields = ("created_by", "edited_by", "published_by", "retired_by")
    return {actor for version in versions for field in fields if (actor := getattr(version, field))}


def _previewed(script: Script, form: EditorForm) -> Preview:
    """As it is said: with the practice's own words, those of a practice that was chosen, or a sample's."""
    slug = form.practice.data or ""
    chosen = db.session.get(Practice, script.practice_id) if script.practice_id else practices.by_slug(slug[:200])
    known = values.of_practice(chosen) if chosen else rules.VARIABLES_OF_PRACTICE
    text = checking.text_of(script, (form.subject.data or "")[: rules.MAX_SUBJECT], (form.body.data or "")[:MAX_BODY])
    return preview(text, known, values.LONG_PEOPLE if form.long.data else values.PEOPLE)


@bp.post("/scripts/preview")
@staff
def show_preview() -> ResponseReturnValue:
    """How what was typed sounds; nothing is stored. As JSON for the page's script, else the whole page."""
    form = EditorForm()
    if not form.validate():
        abort(404)
    script = script_or_404(form.script.data or 0)
    if not wants_json():
        return page(script, form)
    subject, body = form.subject.data or "", form.body.data or ""
    cannot = checking.save_problems(script, subject, body)
    return jsonify(
        preview=render_template("scripts/_preview.html", seen=_previewed(script, form), script=script),
        outline=render_template("scripts/_outline.html", jumps=jumps(body) if len(body) <= MAX_BODY else []),
        checks=render_template(
            "scripts/_checks.html",
            cannot=cannot,
            not_yet=[] if cannot else checking.publish_problems(script, subject, body),
            lacking=[] if cannot else checking.lacking(script, subject, body),
        ),
    )


@bp.post("/scripts/<int:script_id>/save")
@staff
def save(script_id: int) -> ResponseReturnValue:
    """Store what was typed as the open draft."""

    def done(version: ScriptVersion) -> None:
        if version.state is VersionState.PUBLISHED:
            flash(f"Nothing was changed: version {version.number}, which is published, says the same.", "warning")
        else:
            flash(f"Saved as draft {version.number}. Nothing changes on the phone until you publish it.", "success")

    return saved_then(script_id, done)


@bp.post("/scripts/<int:script_id>/publish")
@staff
def publish(script_id: int) -> ResponseReturnValue:
    """Store what was typed and have it said from the next task on."""

    def done(version: ScriptVersion) -> None:
        with transaction(me().actor):
            publishing.publish(script_id, Seen(version.id, version.revision), me().actor)
        flash(f"Version {version.number} is said from the next task on.", "success")

    return saved_then(script_id, done)


def saved_then(script_id: int, then: Callable[[ScriptVersion], object]) -> ResponseReturnValue:
    """Store what was typed, then do the rest; back to the editor, with what was typed where it is refused."""
    script, form = script_or_404(script_id), EditorForm()
    if not form.validate():
        return page(script, form, ["The form did not arrive whole. Your text is below; please try again."]), 422
    db.session.rollback()
    try:
        with transaction(me().actor):
            version = writing.save_draft(
                script_id, form.typed(), form.seen(), me().actor, set_aside=bool(form.set_aside.data)
            )
    except Overtaken as overtaken:
        return _overtaken(script_id, form, overtaken.now)
    except NotGood as problem:
        return page(script_or_404(script_id), form, problem.problems), 422
    form.version.data, form.revision.data, form.set_aside.data = version.id, version.revision, ""
    try:
        then(version)
    except NotGood as problem:
        return page(script_or_404(script_id), form, (STORED, *problem.problems)), 422
    except Overtaken as overtaken:
        return _overtaken(script_id, form, overtaken.now)
    except Refused as problem:
        return page(script_or_404(script_id), form, (STORED, str(problem))), 422
    return redirect(url_for("scripts.edit", script_id=script_id), 303)


STORED = "The text is saved as a draft, and not in use."


def _overtaken(script_id: int, form: EditorForm, now: ScriptVersion) -> ResponseReturnValue:
    """The page with both texts: what was typed in the form, and what changed from theirs to it."""
    form.version.data, form.revision.data = now.id, now.revision
    form.set_aside.data = "yes" if now.state is VersionState.DRAFT else ""
    return page(script_or_404(script_id), form, overtaken=now), 409


@bp.post("/scripts/<int:script_id>/set-aside")
@staff
def set_aside(script_id: int) -> ResponseReturnValue:
    """Close the open draft without publishing it."""
    script_or_404(script_id)
    form = EditorForm()
    db.session.rollback()
    try:
        with transaction(me().actor):
            writing.set_aside(script_id, form.seen(), me().actor)
        flash("The draft is set aside; its text stays among the versions.", "success")
    except Refused as problem:
        flash(str(problem), "danger")
    return redirect(url_for("scripts.edit", script_id=script_id), 303)


@bp.post("/scripts/<int:script_id>/retire")
@staff
def retire(script_id: int) -> ResponseReturnValue:
    """Stop using a practice's own script."""
    script_or_404(script_id)
    db.session.rollback()
    try:
        with transaction(me().actor):
            publishing.retire(script_id, me().actor)
        flash("It is not used any more: from the next task on the agency’s text is said.", "success")
    except Refused as problem:
        flash(str(problem), "danger")
    return redirect(url_for("scripts.edit", script_id=script_id), 303)
