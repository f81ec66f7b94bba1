"""Letting the card go without an outcome: release, skip, snooze."""

from typing import Any

from flask import flash
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from ops.accounts.access import allow, me
from ops.accounts.roles import AT_WORK
from ops.db import transaction
from ops.desk.forms import FenceForm, SkipForm, SnoozeForm, at_zone
from ops.desk.views import bp
from ops.desk.views.showing import brings_next, first_error, not_saved, take_next, to_desk
from ops.errors import Refused
from ops.queue.actions import tasks


@bp.post("/tasks/<int:task_id>/release")
@allow(*AT_WORK)
def release(task_id: int) -> ResponseReturnValue:
    """Give the task back: done for now."""
    return _let_go(FenceForm(), task_id, lambda form: tasks.release(task_id, me().id, form.fence.data, me().actor))


@bp.post("/tasks/<int:task_id>/skip")
@allow(*AT_WORK)
def skip(task_id: int) -> ResponseReturnValue:
    """Not this one, with a reason; the next card follows."""
    return _let_go(
        SkipForm(),
        task_id,
        lambda form: tasks.skip(task_id, me().id, form.fence.data, me().actor, form.reason.data or "", form.chosen()),
        and_next=True,
    )


@bp.post("/tasks/<int:task_id>/snooze")
@allow(*AT_WORK)
def snooze(task_id: int) -> ResponseReturnValue:
    """Later; the next card follows."""
    return _let_go(
        SnoozeForm(),
        task_id,
        lambda form: tasks.snooze(
            task_id, me().id, form.fence.data, me().actor, at_zone(form.until.data, form.zone.data)
        ),
        and_next=True,
    )


def _let_go(form: FlaskForm, task_id: int, verb: Any, *, and_next: bool = False) -> ResponseReturnValue:
    try:
        if not form.validate():
            raise Refused(first_error(form))
        with transaction(me().actor):
            verb(form)
    except Refused as problem:
        return not_saved(task_id, str(problem))
    flash("Back in the queue.", "success")
    return take_next() if and_next and brings_next(True) else to_desk()
