"""The cadences of a practice and what starts them, edited by leads and admins."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from ops.accounts.access import allow, me
from ops.accounts.roles import STAFF
from ops.cadences import queries, words
from ops.cadences.actions import editing
from ops.cadences.actions.starting import NO_CURVE
from ops.cadences.forms import AddCadenceForm, AddStepForm, CadenceForm, StepForm, TriggerForm
from ops.cadences.models import CadenceStep, Trigger
from ops.db import transaction
from ops.errors import Refused
from ops.practices.access import practice_or_404
from ops.practices.models import Practice
from ops.work.kinds import KIND_WORDS

bp = Blueprint("cadences", __name__)

Forms = Mapping[str, FlaskForm]
"""Forms that were sent and not accepted, by the name of their place on the page."""


@bp.get("/practices/<slug>/cadences")
@allow(*STAFF)
def cadences(slug: str) -> ResponseReturnValue:
    """What is done after which milestone, in sentences."""
    return _list(practice_or_404(slug), AddCadenceForm(formdata=None))


def _list(practice: Practice, form: FlaskForm, problem: str | None = None) -> str:
    return render_template(
        "cadences/cadences.html",
        practice=practice,
        shown=queries.cadences_of(practice),
        treatments=_treatments(practice),
        form=form,
        problem=problem,
        words=words,
        kind_words=KIND_WORDS,
    )


def _treatments(practice: Practice) -> dict[int, str]:
    return {kind.id: kind.name for kind in practice.treatment_types}


@bp.post("/practices/<slug>/cadences/add")
@allow(*STAFF)
def add_cadence(slug: str) -> ResponseReturnValue:
    practice, form, problem = practice_or_404(slug), AddCadenceForm(), None
    if form.validate():
        try:
            with transaction(me().actor):
                cadence = editing.add_cadence(practice, form.name.data or "", form.chosen())
        except Refused as refused:
            problem = str(refused)
        else:
            flash("The cadence is there, switched off. Add its steps and triggers, then switch it on.", "success")
            return redirect(url_for("cadences.cadence", slug=slug, cadence_id=cadence.id), 303)
    return _list(practice, form, problem), 422


@bp.get("/practices/<slug>/cadences/<int:cadence_id>")
@allow(*STAFF)
def cadence(slug: str, cadence_id: int) -> ResponseReturnValue:
    """One cadence with everything that can be changed about it."""
    practice = practice_or_404(slug)
    return _page(practice, _shown(practice, cadence_id))


def _shown(practice: Practice, cadence_id: int) -> queries.CadenceLine:
    return queries.a_cadence(practice, cadence_id) or abort(404)


def _page(practice: Practice, shown: queries.CadenceLine, sent: Forms | None = None, problem: str | None = None) -> str:
    sent, cadence, treatments = sent or {}, shown.cadence, practice.treatment_types
    fresh: dict[str, Any] = {"formdata": None}
    return render_template(
        "cadences/cadence.html",
        practice=practice,
        shown=shown,
        cadence=cadence,
        standing=queries.standing(cadence),
        steps=[(step, sent.get(f"step{step.id}") or StepForm.of(step, **fresh)) for step in cadence.steps],
        triggers=[
            (trigger, sent.get(f"trigger{trigger.id}") or TriggerForm.of(trigger, treatments, **fresh))
            for trigger in shown.triggers
        ],
        name_form=sent.get("name") or CadenceForm(data={"name": cadence.name}, **fresh),
        step_form=sent.get("step") or AddStepForm(len(cadence.steps), **fresh),
        trigger_form=sent.get("trigger") or TriggerForm(treatments, **fresh),
        sent=sent,
        problem=problem,
        treatments=_treatments(practice),
        no_curve_days=NO_CURVE["opens"],
        most_steps=editing.MOST_STEPS,
        words=words,
        kind_words=KIND_WORDS,
    )


def _change(
    practice: Practice, shown: queries.CadenceLine, verb: Callable[[], object], done: str, *, sent: Forms | None = None
) -> ResponseReturnValue:
    """Do it when the form that was sent is right and the action agrees; else the page again and why not."""
    problem = None
    if all(form.validate() for form in (sent or {}).values()):
        try:
            with transaction(me().actor):
                verb()
        except Refused as refused:
            problem = str(refused)
        else:
            flash(done, "success")
            return redirect(url_for("cadences.cadence", slug=practice.slug, cadence_id=shown.cadence.id), 303)
    # read again: what was refused may have been refused because somebody else was faster
    return _page(practice, _shown(practice, shown.cadence.id), sent, problem), 422


def _both(slug: str, cadence_id: int) -> tuple[Practice, queries.CadenceLine]:
    practice = practice_or_404(slug)
    return practice, _shown(practice, cadence_id)


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/rename")
@allow(*STAFF)
def rename_cadence(slug: str, cadence_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    form = CadenceForm()
    verb = lambda: editing.rename_cadence(shown.cadence, form.name.data or "")  # noqa: E731
    return _change(practice, shown, verb, "The cadence is renamed.", sent={"name": form})


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/activate")
@allow(*STAFF)
def activate_cadence(slug: str, cadence_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    done = "The cadence is on. What happened meanwhile is looked at now."
    return _change(practice, shown, lambda: editing.activate_cadence(shown.cadence), done)


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/deactivate")
@allow(*STAFF)
def deactivate_cadence(slug: str, cadence_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    done = "The cadence is off. Nobody new starts it; patients on their way finish it."
    return _change(practice, shown, lambda: editing.deactivate_cadence(shown.cadence), done)


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/steps/add")
@allow(*STAFF)
def add_step(slug: str, cadence_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    form = AddStepForm(len(shown.cadence.steps))
    verb = lambda: editing.add_step(shown.cadence, form.step(), form.place.data)  # noqa: E731
    return _change(practice, shown, verb, "The step is added.", sent={"step": form})


def _step_or_404(shown: queries.CadenceLine, step_id: int) -> CadenceStep:
    return next((step for step in shown.cadence.steps if step.id == step_id), None) or abort(404)


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/steps/<int:step_id>/edit")
@allow(*STAFF)
def edit_step(slug: str, cadence_id: int, step_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    form = StepForm.of(_step_or_404(shown, step_id))
    verb = lambda: editing.edit_step(shown.cadence, step_id, form.step())  # noqa: E731
    return _change(practice, shown, verb, "The step is changed.", sent={f"step{step_id}": form})


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/steps/<int:step_id>/move-earlier")
@allow(*STAFF)
def move_step_earlier(slug: str, cadence_id: int, step_id: int) -> ResponseReturnValue:
    return _move(slug, cadence_id, step_id, -1)


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/steps/<int:step_id>/move-later")
@allow(*STAFF)
def move_step_later(slug: str, cadence_id: int, step_id: int) -> ResponseReturnValue:
    return _move(slug, cadence_id, step_id, 1)


def _move(slug: str, cadence_id: int, step_id: int, by: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    _step_or_404(shown, step_id)
    return _change(practice, shown, lambda: editing.move_step(shown.cadence, step_id, by), "The step is moved.")


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/steps/<int:step_id>/remove")
@allow(*STAFF)
def remove_step(slug: str, cadence_id: int, step_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    _step_or_404(shown, step_id)
    return _change(practice, shown, lambda: editing.remove_step(shown.cadence, step_id), "The step is removed.")


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/triggers/add")
@allow(*STAFF)
def add_trigger(slug: str, cadence_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    form = TriggerForm(practice.treatment_types)
    verb = lambda: editing.add_trigger(shown.cadence, form.start())  # noqa: E731
    done = "The trigger is added. What happened in the last year is looked at again."
    return _change(practice, shown, verb, done, sent={"trigger": form})


def _trigger_or_404(shown: queries.CadenceLine, trigger_id: int) -> Trigger:
    return next((trigger for trigger in shown.triggers if trigger.id == trigger_id), None) or abort(404)


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/triggers/<int:trigger_id>/edit")
@allow(*STAFF)
def edit_trigger(slug: str, cadence_id: int, trigger_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    trigger = _trigger_or_404(shown, trigger_id)
    form = TriggerForm.of(trigger, practice.treatment_types)
    verb = lambda: editing.edit_trigger(shown.cadence, trigger, form.start())  # noqa: E731
    done = "The trigger is changed. What happened in the last year is looked at again."
    return _change(practice, shown, verb, done, sent={f"trigger{trigger_id}": form})


@bp.post("/practices/<slug>/cadences/<int:cadence_id>/triggers/<int:trigger_id>/remove")
@allow(*STAFF)
def remove_trigger(slug: str, cadence_id: int, trigger_id: int) -> ResponseReturnValue:
    practice, shown = _both(slug, cadence_id)
    trigger = _trigger_or_404(shown, trigger_id)
    verb = lambda: editing.remove_trigger(shown.cadence, trigger)  # noqa: E731
    return _change(practice, shown, verb, "The trigger is removed; patients on their way finish.")
