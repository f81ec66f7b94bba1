"""Upload a practice's files, see how they would be read, correct the columns, confirm or cancel."""

from datetime import date

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from ops.accounts.access import allow, me
from ops.accounts.queries import names_of
from ops.accounts.roles import STAFF
from ops.config import settings
from ops.db import db, transaction
from ops.errors import Refused
from ops.imports import actions, loading
from ops.imports import queries as imports_queries
from ops.imports.models import Import, ImportFile, ImportState
from ops.imports.reading.fields import Field
from ops.imports.views import bp
from ops.practices.access import practice_or_404
from ops.practices.models import Practice
from ops.web import takes_files
from ops.web.errors import answer

UNUSED = "unused"


@bp.get("/<slug>/imports")
@allow(*STAFF)
def imports(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    loads = imports_queries.imports_of(practice)
    try:
        loading.refuse_without_baa(practice)
        closed = None
    except Refused as refused:
        closed = str(refused)
    return render_template(
        "imports/imports.html",
        practice=practice,
        loads=loads,
        names=names_of({load.created_by for load in loads}),
        closed=closed,
        max_mb=settings().import_max_mb,
        max_files=actions.MAX_FILES,
    )


@bp.post("/<slug>/imports/upload")
@takes_files
@allow(*STAFF)
def upload(slug: str) -> ResponseReturnValue:
    """Werkzeug has spooled the files to disk; they go to the database in pieces of 1 MB."""
    practice = practice_or_404(slug)
    files = [
        (actions.file_name(file.filename), file.stream) for file in request.files.getlist("files") if file.filename
    ]
    if not files:
        raise Refused("Choose at least one file.")
    if len(files) > actions.MAX_FILES:
        raise Refused(f"At most {actions.MAX_FILES} files at once.")
    with transaction(me().actor):
        load = loading.receive(practice, files, me().actor)  # type: ignore[arg-type]
    return redirect(url_for(".show_import", slug=slug, import_id=load.id), 303)


@bp.errorhandler(413)
def too_large(problem: RequestEntityTooLarge) -> ResponseReturnValue:
    return answer(
        413, f"Files of up to {settings().import_max_mb} MB in all can be uploaded at once. Nothing was stored."
    )


def import_or_404(practice: Practice, import_id: int) -> Import:
    return imports_queries.an_import(practice, import_id) or abort(404)


def file_or_404(load: Import, file_id: int) -> ImportFile:
    return next((file for file in load.files if file.id == file_id), None) or abort(404)


@bp.post("/<slug>/imports/<int:import_id>/files/<int:file_id>/map")
@allow(*STAFF)
def map_columns(slug: str, import_id: int, file_id: int) -> ResponseReturnValue:
    """`column-N` says what the Nth column is; what is said of no column is dropped. UNUSED answers for a column that
    may hold refusals."""
    practice = practice_or_404(slug)
    load = import_or_404(practice, import_id)
    file = file_or_404(load, file_id)
    previews, problems = loading.previews(practice, load)
    if file_id in problems:
        raise Refused(problems[file_id])
    said = [
        (column, request.form.get(f"column-{number}", "")) for number, column in enumerate(previews[file_id].columns)
    ]
    columns = {column.key: Field(meaning) for column, meaning in said if meaning in set(Field)}
    unused = [
        column.key
        for column, meaning in said
        if meaning == UNUSED or (not meaning and column.field is None and not column.may_refuse)
    ]
    with transaction(me().actor):
        actions.map_columns(practice, file, columns, request.form.get("save_as", ""), unused)
    flash(f"{file.name} is read as you chose.", "success")
    return _back(slug, import_id)


@bp.post("/<slug>/imports/<int:import_id>/files/<int:file_id>/without-header")
@allow(*STAFF)
def read_without_header(slug: str, import_id: int, file_id: int) -> ResponseReturnValue:
    load = import_or_404(practice_or_404(slug), import_id)
    with transaction(me().actor):
        actions.read_without_header(file_or_404(load, file_id))
    return _back(slug, import_id)


@bp.post("/<slug>/imports/<int:import_id>/files/<int:file_id>/as-recognized")
@allow(*STAFF)
def read_as_recognised(slug: str, import_id: int, file_id: int) -> ResponseReturnValue:
    load = import_or_404(practice_or_404(slug), import_id)
    with transaction(me().actor):
        actions.read_as_recognised(file_or_404(load, file_id))
    return _back(slug, import_id)


@bp.post("/<slug>/imports/<int:import_id>/files/<int:file_id>/leave-out")
@allow(*STAFF)
def leave_out(slug: str, import_id: int, file_id: int) -> ResponseReturnValue:
    load = import_or_404(practice_or_404(slug), import_id)
    file = file_or_404(load, file_id)
    with transaction(me().actor):
        actions.leave_out(load, file)
    flash(f"{file.name} was left out.", "success")
    return _back(slug, import_id)


@bp.post("/<slug>/imports/<int:import_id>/confirm")
@allow(*STAFF)
def confirm_import(slug: str, import_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    load = import_or_404(practice, import_id)
    if load.state is not ImportState.UPLOADED:
        return _back(slug, import_id)  # pressed twice
    previews, problems = loading.previews(practice, load)
    if problems:
        raise Refused("Not every file can be read yet. " + " ".join(problems.values()))
    db.session.rollback()
    days = (_day("whole_from"), _day("whole_until"))
    with transaction(me().actor):
        loading.said_whole(load, *days)
        actions.confirm_import(load, previews)
    return _back(slug, import_id)


@bp.post("/<slug>/imports/<int:import_id>/cancel")
@allow(*STAFF)
def cancel_import(slug: str, import_id: int) -> ResponseReturnValue:
    load = import_or_404(practice_or_404(slug), import_id)
    with transaction(me().actor):
        actions.discard(load)
    flash("The import was cancelled.", "success")
    return redirect(url_for(".imports", slug=slug), 303)


def _day(name: str) -> date | None:
    """A day of the form; None when it is empty. Raises Refused."""
    text = request.form.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(f"{text[:30]!r} is no day.") from None


def _back(slug: str, import_id: int) -> ResponseReturnValue:
    return redirect(url_for(".show_import", slug=slug, import_id=import_id), 303)
