"""One import: its preview, how far it got, what came of it, and the rows that were wrong."""

import re
from itertools import zip_longest
from typing import Any

from flask import Response, abort, flash, jsonify, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me, passive
from ops.accounts.queries import names_of
from ops.accounts.reads import keep_read
from ops.accounts.roles import STAFF
from ops.db import transaction
from ops.imports import actions as import_actions
from ops.imports import loading
from ops.imports import queries as imports_queries
from ops.imports.loading.clashes import CLASH
from ops.imports.loading.outcome import HELD, WAITING, agreed_words, count_rows
from ops.imports.models import Import, ImportFile, ImportState, QuarantinedRow
from ops.imports.reading.fields import LABELS
from ops.imports.reading.recognising import KINDS
from ops.imports.views import bp
from ops.imports.views.uploads import file_or_404, import_or_404
from ops.practices.access import practice_or_404
from ops.practices.models import Practice
from ops.work.reads import ReadOf

GOING_ON = (ImportState.QUEUED, ImportState.RUNNING)
COUNTS = {
    "rows_read": "rows read",
    "patients_new": "patients new",
    "patients_updated": "patients changed",
    "milestones_new": "milestones new",
    "rows_stored": "rows stored",
    "rows_unchanged": "rows unchanged",
    "quarantined": "rows quarantined",
    "rows_future": "visits still ahead, not stored",
    "rows_not_held": "visits not completed, not stored",
    "rows_withdrawn": "visits withdrawn: they did not take place",
    "suppressed": "people opted out",
    "unreachable": "without phone and email",
    "deceased": "deceased",
    "minors": "minors",
}


@bp.get("/<slug>/imports/<int:import_id>")
@allow(*STAFF)
def show_import(slug: str, import_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    load = import_or_404(practice, import_id)
    if load.state is ImportState.UPLOADED:
        previews, problems = loading.previews(practice, load)
        _note_looks(practice.id, ReadOf.UPLOAD, load.id)
        return render_template(
            "imports/preview.html",
            practice=practice,
            load=load,
            previews=previews,
            problems=problems,
            labels=LABELS,
            kinds=KINDS,
            ready=not problems and all(preview.may_be_loaded for preview in previews.values()),
        )
    if load.state in GOING_ON:
        return render_template(
            "imports/progress.html", practice=practice, load=load, counts=COUNTS, how_far=_how_far(load)
        )
    return _result(practice, load)


def _result(practice: Practice, load: Import) -> str:
    page = max(1, min(request.args.get("page", 1, type=int), 1_000_000))
    rows, more = imports_queries.quarantined(load, page)
    _note_looks(practice.id, ReadOf.WRONG_ROW, *(row.id for row in rows))
    return render_template(
        "imports/result.html",
        practice=practice,
        load=load,
        counts=COUNTS,
        agreed=agreed_words(load.agreed),
        rows=rows,
        more=more,
        page=page,
        still_wrong=imports_queries.count_quarantined(load),
        holding=count_rows(load.id, QuarantinedRow.holding()),
        waiting=count_rows(load.id, QuarantinedRow.waiting()),
        waiting_words=WAITING,
        held_by=imports_queries.held_by(rows),
        absent=loading.absent(load),
        files={file.id: file for file in load.files},
        kinds=KINDS,
        who=names_of({load.created_by}).get(load.created_by, load.created_by),
        raw_until=imports_queries.raw_files_end(load),
    )


def _note_looks(practice_id: int, what: ReadOf, *subjects: int) -> None:
    """Looking at what a practice's files say of people is kept as well, though we do not know yet of whom."""
    with transaction(me().actor):
        for subject in subjects:
            keep_read(me().id, practice_id, None, what, subject)


def _how_far(load: Import) -> dict[str, Any]:
    now = next((file for file in load.files if not file.finished and file.rows_done), None)
    words = "Waiting for a worker" if load.state is ImportState.QUEUED else "Reading the files"
    if now:
        words = f"Loading {now.name}"
    return {
        "state": str(load.state),
        "going_on": load.state in GOING_ON,
        "words": words,
        "counts": {name: getattr(load, name) for name in COUNTS},
        "files": [{"id": file.id, "rows": file.rows_done, "finished": file.finished} for file in load.files],
    }


@bp.get("/<slug>/imports/<int:import_id>/progress")
@allow(*STAFF)
@passive
def import_progress(slug: str, import_id: int) -> ResponseReturnValue:
    """Asked every second by the page of an import that is going on."""
    return jsonify(_how_far(import_or_404(practice_or_404(slug), import_id)))


@bp.get("/<slug>/imports/<int:import_id>/files/<int:file_id>/wrong-rows.csv")
@allow(*STAFF)
def wrong_rows(slug: str, import_id: int, file_id: int) -> ResponseReturnValue:
    load = import_or_404(practice_or_404(slug), import_id)
    file = file_or_404(load, file_id)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.name.rpartition(".")[0] or file.name).strip("-.") or "file"
    _note_looks(load.practice_id, ReadOf.WRONG_ROWS, file.id)
    lines = ("\ufeff" + line if number == 0 else line for number, line in enumerate(loading.wrong_rows_csv(file)))
    answer = Response(stream_with_context(lines), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}-wrong-rows.csv"'
    return answer


def _row_or_404(load: Import, row_id: int) -> QuarantinedRow:
    row = imports_queries.quarantined_row(load, row_id)
    if row is None or row.corrected_at is not None:
        abort(404)
    return row


@bp.get("/<slug>/imports/<int:import_id>/rows/<int:row_id>/correct")
@allow(*STAFF)
def correcting_row(slug: str, import_id: int, row_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    load = import_or_404(practice, import_id)
    row = _row_or_404(load, row_id)
    return _row_page(practice, load, row, row.cells, row.reasons)


def _row_page(
    practice: Practice, load: Import, row: QuarantinedRow, cells: list[str], reasons: list[str] | tuple[str, ...]
) -> str:
    file = file_or_404(load, row.file_id)
    header = _header(file)
    _note_looks(practice.id, ReadOf.WRONG_ROW, row.id)
    fields = [
        (name if name is not None else "", cell or "", name is None)
        for name, cell in zip_longest(header, cells[: len(header) + 50])
    ]
    return render_template(
        "imports/row.html",
        practice=practice,
        load=load,
        row=row,
        file=file,
        fields=fields,
        reasons=reasons,
        clash=any(reason.endswith(CLASH.partition("{}")[2]) for reason in reasons),
        width=len(header),
    )


def _header(file: ImportFile) -> list[str]:
    return list((file.profile or {}).get("header") or ["entry"])


@bp.post("/<slug>/imports/<int:import_id>/rows/<int:row_id>/correct")
@allow(*STAFF)
def correct_row(slug: str, import_id: int, row_id: int) -> ResponseReturnValue:
    """Only as many cells as the file has columns are taken: what stood beyond them is left out by correcting it."""
    practice = practice_or_404(slug)
    load = import_or_404(practice, import_id)
    row = _row_or_404(load, row_id)
    cells = [request.form.get(f"cell-{number}", "") for number in range(len(_header(file_or_404(load, row.file_id))))]
    with transaction(me().actor):
        reasons = loading.correct(row, cells, me().actor, same_person=request.form.get("same_person") == "yes")
    if reasons:
        return _row_page(practice, load, row, cells, reasons), 422
    flash(f"Line {row.line} is stored.", "success")
    return redirect(url_for(".show_import", slug=slug, import_id=import_id), 303)


@bp.post("/<slug>/imports/<int:import_id>/withdraw-absent")
@allow(*STAFF)
def withdraw_absent(slug: str, import_id: int) -> ResponseReturnValue:
    """Visits that are not in files which hold every visit of some days."""
    load = import_or_404(practice_or_404(slug), import_id)
    with transaction(me().actor):
        count = loading.withdraw_absent(load, most=request.form.get("most") == "yes")
    flash(f"{count:,} {'visit is' if count == 1 else 'visits are'} withdrawn.", "success")
    return redirect(url_for(".show_import", slug=slug, import_id=import_id), 303)


@bp.post("/<slug>/imports/<int:import_id>/rows/set-aside")
@allow(*STAFF)
def set_rows_aside(slug: str, import_id: int) -> ResponseReturnValue:
    load = import_or_404(practice_or_404(slug), import_id)
    with transaction(me().actor):
        count = import_actions.set_aside(load)
    left = count_rows(load.id, QuarantinedRow.holding())
    flash(f"{count:,} wrong rows are set aside." + (f" {left:,} are {HELD} and stay." if left else ""), "success")
    return redirect(url_for(".show_import", slug=slug, import_id=import_id), 303)
