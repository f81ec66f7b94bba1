"""What a lead does to the queue: assigning tasks, pausing a kind of work, weighing a practice."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from ops.accounts.access import allow, me
from ops.accounts.roles import STAFF
from ops.db import transaction
from ops.errors import Refused
from ops.floor import actions
from ops.floor.forms import AssignForm, PauseKindForm, ResumeKindForm, UnassignForm, WeightForm
from ops.floor.task_story import story_of
from ops.floor.task_why import hindrances
from ops.floor.views import bp
from ops.floor.views.board import back_to, said_in, task_page
from ops.practices.access import practice_or_404
from ops.queue.actions import assigning
from ops.work.kinds import KIND_WORDS


def _checked(form: FlaskForm) -> None:
    if not form.validate():
        raise Refused(" ".join(str(error) for errors in form.errors.values() for error in errors))


@bp.post("/tasks/<int:task_id>/assign")
@allow(*STAFF)
def assign(task_id: int) -> ResponseReturnValue:
    """Give the task to an agent."""
    form = AssignForm()
    try:
        _checked(form)
        with transaction(me().actor):
            assigning.assign(
                task_id, form.agent.data or 0, me().actor, form.reason.data or "", override=bool(form.override.data)
            )
    except Refused as problem:
        return task_page(task_id, str(problem), form.reason.data or "", "assign", form.agent.data, form.back.data)
    _say_assigned(task_id)
    return redirect(back_to(form.back.data, task_id), 303)


def _say_assigned(task_id: int) -> None:
    """That it is done; and, where the agent cannot have it yet, why."""
    story = story_of(task_id)
    assert story
    owner = story.names.get(f"user:{story.task.owner_id}", "the agent")
    flash(f"Assigned to {owner}, before everything else they have.", "success")
    if waits := hindrances(story, said_in(story)):
        flash(f"It waits for now: {' '.join(waits)}", "warning")


@bp.post("/tasks/<int:task_id>/unassign")
@allow(*STAFF)
def unassign(task_id: int) -> ResponseReturnValue:
    """Assign the task to nobody: it is everybody's again."""
    form = UnassignForm()
    try:
        _checked(form)
        with transaction(me().actor):
            assigning.unassign(task_id, me().actor, form.reason.data or "")
    except Refused as problem:
        return task_page(task_id, str(problem), form.reason.data or "", "unassign")
    flash("It is anybody's again.", "success")
    return redirect(back_to(form.back.data, task_id), 303)


@bp.post("/practices/<slug>/kinds/pause")
@allow(*STAFF)
def pause_kind(slug: str) -> ResponseReturnValue:
    """Pause a kind of work for this practice."""
    form = PauseKindForm()
    return _decide(slug, form, lambda practice: actions.pause_kind(practice, form.chosen(), me().actor, _reason(form)))


@bp.post("/practices/<slug>/kinds/resume")
@allow(*STAFF)
def resume_kind(slug: str) -> ResponseReturnValue:
    """Offer it again."""
    form = ResumeKindForm()
    return _decide(slug, form, lambda practice: actions.resume_kind(practice, form.chosen(), _reason(form)))


@bp.post("/practices/<slug>/weight")
@allow(*STAFF)
def set_weight(slug: str) -> ResponseReturnValue:
    """Let the hours of this practice count for more or less."""
    form = WeightForm()
    return _decide(slug, form, lambda practice: actions.set_weight(practice, form.weight.data, _reason(form)))


def _reason(form: Any) -> str:
    return form.reason.data or ""


DONE = {
    PauseKindForm: "“{}” is paused. What is in progress stays there.",
    ResumeKindForm: "“{}” is offered again.",
    WeightForm: "The weight counts from the next task on.",
}


def _decide(slug: str, form: FlaskForm, verb: Callable[[int], None]) -> ResponseReturnValue:
    """Do it and say so on the practice's board; what is refused is said there too."""
    practice = practice_or_404(slug)
    practice_id = practice.id
    try:
        _checked(form)
        with transaction(me().actor):
            verb(practice_id)
    except Refused as problem:
        flash(f"Nothing was changed. {problem}", "danger")
    else:
        kind = form.chosen() if isinstance(form, PauseKindForm) else None
        flash(DONE[type(form)].format(KIND_WORDS[kind] if kind else ""), "success")
    everything = isinstance(form, PauseKindForm) and form.back.data == "board"
    return redirect(url_for("floor.board", practice=None if everything else slug), 303)
