"""Sending a text or email from the card: first whether it may be sent, then what it would say."""

from flask import flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.accounts.roles import AT_WORK
from ops.db import db, transaction
from ops.desk import sendable
from ops.desk.actions.sending import send_from_card
from ops.desk.forms import SendForm
from ops.desk.views import bp
from ops.errors import Refused
from ops.queue import queries
from ops.queue.actions.tasks import LeaseLost
from ops.queue.people import referral_of
from ops.scripts.models import Medium
from ops.web.errors import wants_json

LOST = "This task is not yours any more. Nothing was sent."
SAID = {Medium.SMS: "The text is on its way.", Medium.EMAIL: "The email is on its way."}


@bp.get("/tasks/<int:task_id>/send")
@allow(*AT_WORK)
def before_sending(task_id: int) -> ResponseReturnValue:
    """What may be sent to the person on the card, and how it reads."""
    return _page(task_id)


def _page(task_id: int, problem: str | None = None) -> ResponseReturnValue:
    task = queries.task_of(me().id)
    if task is None or task.id != task_id:
        return render_template("desk/lost.html", problem=LOST, typed={}), 409
    page = render_template(
        "desk/send.html",
        task=task,
        friend=referral_of(task) is not None,
        ways=sendable.ways(task, me()),
        sent=sendable.sent_from(task),
        problem=problem,
    )
    return page, 409 if problem else 200


@bp.post("/tasks/<int:task_id>/send")
@allow(*AT_WORK)
def send(task_id: int) -> ResponseReturnValue:
    """Queue the text or email that was read."""
    form = SendForm()
    db.session.rollback()
    try:
        if not form.validate() or form.medium.data not in sendable.MEDIA or not form.version_id.data:
            raise Refused("Please choose what to send.")
        medium = Medium(form.medium.data)
        with transaction(me().actor):
            send_from_card(task_id, me(), form.fence.data or 0, medium, form.version_id.data, me().actor)
    except LeaseLost:
        return (jsonify(problem=LOST), 409) if wants_json() else _page(task_id, LOST)
    except Refused as problem:
        return (jsonify(problem=str(problem)), 409) if wants_json() else _page(task_id, str(problem))
    if wants_json():
        return jsonify(said=SAID[medium])
    flash(SAID[medium], "success")
    return redirect(url_for("desk.desk"), 303)
