"""Two versions of a script tried against each other: started, read and ended by leads and admins."""

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import me, staff
from ops.accounts.queries import names_of
from ops.db import db, transaction
from ops.errors import Refused
from ops.experiments.forms import StartForm
from ops.experiments.results import results
from ops.practices.models import Practice
from ops.scripts import experiments
from ops.scripts.actions import trying, writing
from ops.scripts.models import Ending, Script, ScriptExperiment, ScriptVersion
from ops.scripts.rules import NotGood
from ops.scripts.words import MEDIUM_WORDS, kind_words

bp = Blueprint("experiments", __name__)


@bp.get("/scripts/<int:script_id>/experiment")
@staff
def experiment(script_id: int) -> ResponseReturnValue:
    """The experiment that is running with its results, or how to start one; and those that are over."""
    return _page(_script_or_404(script_id), StartForm(formdata=None))


def _script_or_404(script_id: int) -> Script:
    return db.session.get(Script, script_id) or abort(404)


def _page(script: Script, form: StartForm, problems: tuple[str, ...] = ()) -> str:
    which = sa.select(ScriptExperiment).where(ScriptExperiment.script_id == script.id)
    found = db.session.scalars(which.order_by(ScriptExperiment.id.desc())).all()
    shown = [results(script, one) for one in found]
    versions = {
        version.id: version
        for version in db.session.scalars(sa.select(ScriptVersion).where(ScriptVersion.script_id == script.id))
    }
    actors = {one.started_by for one in found} | {one.stopped_by for one in found if one.stopped_by}
    return render_template(
        "experiments/experiment.html",
        script=script,
        practice=db.session.get(Practice, script.practice_id) if script.practice_id else None,
        running=next((one for one in shown if one.experiment.stopped_at is None), None),
        over=[one for one in shown if one.experiment.stopped_at is not None],
        draft=writing.open_draft(script.id),
        said=writing.now_said(script.id),
        versions=versions,
        form=form,
        problems=problems,
        rule=experiments.RULE,
        planned=_planned(form),
        wilson=experiments.wilson,
        names=names_of(actors),
        kind_words=kind_words,
        medium_words=MEDIUM_WORDS,
    )


def _planned(form: StartForm) -> int | None:
    """What the numbers in the form come to; None where they make no plan."""
    try:
        return experiments.planned_answers(float(form.baseline.data or 0) / 100, float(form.difference.data or 0) / 100)
    except ValueError:
        return None


@bp.post("/scripts/<int:script_id>/experiment/start")
@staff
def start_experiment(script_id: int) -> ResponseReturnValue:
    """Publish the draft as B beside the version in use."""
    _script_or_404(script_id)
    form = StartForm()
    if not form.validate():
        return _page(_script_or_404(script_id), form), 422
    db.session.rollback()
    try:
        with transaction(me().actor):
            baseline, difference = float(form.baseline.data) / 100, float(form.difference.data) / 100
            trying.start_experiment(script_id, form.seen(), baseline, difference, me().actor)
    except NotGood as problem:
        return _page(_script_or_404(script_id), form, problem.problems), 422
    except Refused as problem:
        return _page(_script_or_404(script_id), form, (str(problem),)), 422
    flash("It has begun: from the next task on, half of each practice’s patients are told the new version.", "success")
    return _back(script_id)


@bp.post("/scripts/<int:script_id>/experiment/keep-a")
@staff
def keep_a(script_id: int) -> ResponseReturnValue:
    """End it; everybody is told A again."""
    return _end(script_id, Ending.KEPT_A, "Ended. Everybody is told the version from before, from the next task on.")


@bp.post("/scripts/<int:script_id>/experiment/take-b")
@staff
def take_b(script_id: int) -> ResponseReturnValue:
    """End it; everybody is told B, which follows A."""
    return _end(script_id, Ending.TOOK_B, "Ended. Everybody is told the new version, from the next task on.")


def _end(script_id: int, ending: Ending, words: str) -> ResponseReturnValue:
    _script_or_404(script_id)
    db.session.rollback()
    try:
        with transaction(me().actor):
            trying.end_experiment(script_id, ending, me().actor, _shown())
        flash(words, "success")
    except Refused as problem:
        flash(str(problem), "danger")
    return _back(script_id)


def _shown() -> int | None:
    """The experiment the page showed when its button was pressed."""
    which = request.args.get("experiment", "")
    return int(which) if which.isascii() and which.isdigit() and len(which) < 19 else None


def _back(script_id: int) -> ResponseReturnValue:
    return redirect(url_for("experiments.experiment", script_id=script_id), 303)
