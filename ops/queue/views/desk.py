"""The agent's desk: one card, one script, one key per outcome, and the next card by itself."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from ops import clock
from ops.accounts.access import allow, me, passive
from ops.accounts.models import Role
from ops.db import transaction
from ops.errors import Refused
from ops.queue import board_words as words
from ops.queue import floor_words, jobs, my_day
from ops.queue.actions import claiming, recording, tasks
from ops.queue.card import card_for, log_read
from ops.queue.forms import OPT_IN_WORDS, FenceForm, OutcomeForm, SkipForm, SnoozeForm, at_zone
from ops.queue.models import Task
from ops.queue.views import bp
from ops.queue.wording import KIND_WORDS
from ops.scripts.values import spoken_number
from ops.web.errors import wants_json

AT_WORK = (Role.AGENT, Role.LEAD)


@bp.get("/desk")
@allow(*AT_WORK)
def desk() -> ResponseReturnValue:
    """The card in hand, or the way to the next one."""
    task = claiming.task_of(me().id)
    return _card(task) if task else _empty()


def _empty() -> ResponseReturnValue:
    day, waiting = my_day.day_of(me().id), my_day.waiting(me().id)
    return render_template(
        "queue/desk.html",
        day=day,
        waiting=waiting,
        words=words,
        floor_words=floor_words,
        form=FlaskForm(),
        now=clock.now(),
    )


def _card(
    task: Task, typed: Any = None, problem: str | None = None, status: int = 200, number: str | None = None
) -> ResponseReturnValue:
    card = card_for(task, me())
    page = render_template(
        "queue/card.html",
        card=card,
        form=FlaskForm(),
        typed=typed or {},
        problem=problem,
        kind_words=KIND_WORDS,
        opt_in_words=OPT_IN_WORDS,
        day=my_day.day_of(me().id),
        now=clock.now(),
        zone_info=ZoneInfo,
        number=number,
        spoken=spoken_number(number or ""),
    )
    return page, status


@bp.post("/desk/next")
@allow(*AT_WORK)
def take_next() -> ResponseReturnValue:
    """Claim the next task."""
    claimed = jobs.next_for(me().id, me().actor)
    if claimed:
        with transaction(me().actor):
            log_read(me(), claimed.practice_id, claimed.patient_id, claimed.id, "card")
    return redirect(url_for("queue.desk"), 303)


@bp.post("/tasks/<int:task_id>/outcome")
@allow(*AT_WORK)
def record(task_id: int) -> ResponseReturnValue:
    """Record what came of the call; by default the next card follows."""
    form = OutcomeForm()
    try:
        if not form.validate():
            raise Refused(_first_error(form))
        saved = form.saved()
        with transaction(me().actor):
            recording.record_outcome(task_id, me().id, form.fence.data or 0, me().actor, saved)
    except Refused as problem:
        return _not_saved(task_id, str(problem))
    if form.and_next.data:
        return take_next()
    return redirect(url_for("queue.desk"), 303)


def _first_error(form: FlaskForm) -> str:
    name, errors = next(iter(form.errors.items()))
    label = form[name].label.text if name in form else ""
    return f"{label}: {errors[0]}" if label else str(errors[0])


def _not_saved(task_id: int, problem: str) -> ResponseReturnValue:
    """Nothing was saved and nothing typed is lost: the card again, or, when it left these hands, the text to copy."""
    task = claiming.task_of(me().id)
    if task and task.id == task_id and str(task.fence) == request.form.get("fence"):
        return _card(task, typed=request.form, problem=problem, status=409)
    return render_template("queue/lost.html", problem=problem, typed=request.form), 409


@bp.post("/tasks/<int:task_id>/release")
@allow(*AT_WORK)
def release(task_id: int) -> ResponseReturnValue:
    """Give the task back: done for now."""
    return _let_go(FenceForm(), task_id, lambda form: tasks.release(task_id, me().id, form.fence.data, me().actor))


@bp.post("/tasks/<int:task_id>/skip")
@allow(*AT_WORK)
def skip(task_id: int) -> ResponseReturnValue:
    """Not this one, with a reason."""
    return _let_go(
        SkipForm(),
        task_id,
        lambda form: tasks.skip(task_id, me().id, form.fence.data, me().actor, form.reason.data or ""),
    )


@bp.post("/tasks/<int:task_id>/snooze")
@allow(*AT_WORK)
def snooze(task_id: int) -> ResponseReturnValue:
    """Later."""
    return _let_go(
        SnoozeForm(),
        task_id,
        lambda form: tasks.snooze(
            task_id, me().id, form.fence.data, me().actor, at_zone(form.until.data, form.zone.data)
        ),
    )


def _let_go(form: FlaskForm, task_id: int, verb: Any) -> ResponseReturnValue:
    try:
        if not form.validate():
            raise Refused(_first_error(form))
        with transaction(me().actor):
            verb(form)
    except Refused as problem:
        return _not_saved(task_id, str(problem))
    flash("Back in the queue.", "success")
    return redirect(url_for("queue.desk"), 303)


@bp.post("/tasks/<int:task_id>/heartbeat")
@allow(*AT_WORK)
@passive
def heartbeat(task_id: int) -> ResponseReturnValue:
    """A sign of life from the card: the lease starts again."""
    form = FenceForm()
    if not form.validate():
        return jsonify(held=False), 409
    try:
        with transaction(me().actor):
            task = claiming.heartbeat(task_id, me().id, form.fence.data or 0)
            assert task.lease_until
            return jsonify(held=True, until=task.lease_until.isoformat())
    except Refused:
        return jsonify(held=False), 409


@bp.post("/tasks/<int:task_id>/reveal")
@allow(*AT_WORK)
def reveal(task_id: int) -> ResponseReturnValue:
    """Show the number: an act of its own, that is logged (RULES A12)."""
    form = FenceForm()
    try:
        if not form.validate():
            raise Refused("This card is out of date.")
        with transaction(me().actor):
            task = tasks.held(task_id, me().id, form.fence.data or 0)
            card = card_for(task, me())
            if card.why_not:
                raise Refused(f"May not be called now: {card.why_not}.")
            log_read(me(), task.practice_id, task.patient_id, task.id, "number")
            number = (card.referral.friend_phone if card.referral else card.patient.phone) or ""
    except Refused as problem:
        return (jsonify(problem=str(problem)), 409) if wants_json() else _not_saved(task_id, str(problem))
    if wants_json():
        return jsonify(number=number, spoken=spoken_number(number))
    return _card(task, number=number)
