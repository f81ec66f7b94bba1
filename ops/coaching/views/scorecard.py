"""What finished cards are marked by."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.accounts.queries import names_of
from ops.accounts.roles import STAFF
from ops.coaching import actions, forms, queries
from ops.coaching.models import LEAST_WEIGHT, MOST_WEIGHT
from ops.coaching.views import bp
from ops.db import transaction
from ops.errors import Refused


@bp.get("/coaching/scorecard")
@allow(*STAFF)
def scorecard() -> ResponseReturnValue:
    """The questions, to change; the versions before it."""
    return _page()


def _page(problem: str | None = None, rows: list[tuple[str, str, bool]] | None = None) -> ResponseReturnValue:
    current = queries.current_scorecard()
    if rows is None:
        rows = [(one.words, str(one.weight), one.critical) for one in current.questions]
    while len(rows) < actions.MOST_QUESTIONS and sum(not words for words, _, _ in rows) < forms.EMPTY_ROWS:
        rows = [*rows, ("", "", False)]
    version = forms.number(request.form.get("version", "")) if problem else current.number
    versions = queries.scorecards()
    page = render_template(
        "coaching/scorecard.html",
        version=version or current.number,
        current=current,
        rows=rows,
        versions=[one for one in versions if one.number != current.number],
        names=names_of({one.made_by for one in versions}) | {"default": "the product"},
        least=LEAST_WEIGHT,
        most=MOST_WEIGHT,
        problem=problem,
    )
    return page, 422 if problem else 200


@bp.post("/coaching/scorecard")
@allow(*STAFF)
def change_scorecard() -> ResponseReturnValue:
    """Ask other questions from now on."""
    rows, of = forms.rows_sent(), forms.number(request.form.get("version", "")) or 0
    try:
        asked = forms.asked_in(rows)
        with transaction(me().actor):
            made = actions.edit_scorecard(of, asked, me().actor)
    except Refused as problem:
        return _page(str(problem), rows)
    if made.number == of:
        flash("Nothing was different; the scorecard stays as it is.", "success")
    else:
        flash(f"Version {made.number} counts from the next card on. Marked cards keep their questions.", "success")
    return redirect(url_for(".scorecard"), 303)
