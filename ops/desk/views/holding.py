"""What the open card asks of itself: signs of life, the number, the address."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me, passive
from ops.accounts.roles import AT_WORK
from ops.db import transaction
from ops.desk.actions import reading, revealing
from ops.desk.forms import FenceForm
from ops.desk.revealed import TooMany
from ops.desk.views import bp
from ops.desk.views.showing import not_saved, show_card
from ops.errors import Refused
from ops.phrases import phone_words
from ops.queue.actions import claiming
from ops.rhythm import today
from ops.rhythm.words import due_words
from ops.scripts.queries import newer_than
from ops.web.errors import wants_json
from ops.work.reads import ReadOf


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
            newer = newer_than(task.script_version_id, task.practice_id, task.kind, task.patient_id)
            wrote, due = max(reading.unread_on(task), default=0), today.own_due(me().id)
            told = {"newer": newer is not None, "wrote": wrote, "due": due, "due_words": due_words(due)}
            return jsonify(held=True, until=task.lease_until.isoformat(), **told)
    except Refused:
        return jsonify(held=False), 409


@bp.post("/tasks/<int:task_id>/reveal")
@allow(*AT_WORK)
def reveal(task_id: int) -> ResponseReturnValue:
    """Show the number: an act of its own, that is logged (docs/rules.md A12)."""
    return _show(task_id, ReadOf.NUMBER)


@bp.post("/tasks/<int:task_id>/reveal-address")
@allow(*AT_WORK)
def reveal_address(task_id: int) -> ResponseReturnValue:
    """Show the email address: logged as well."""
    return _show(task_id, ReadOf.ADDRESS)


def _show(task_id: int, what: ReadOf) -> ResponseReturnValue:
    form = FenceForm()
    try:
        if not form.validate():
            raise Refused("This card is out of date.")
        with transaction(me().actor):
            card = revealing.show(task_id, me(), form.fence.data or 0, what)
    except Refused as problem:
        if isinstance(problem, TooMany):
            with transaction(me().actor):
                revealing.tell_leads(me(), problem)
        return (jsonify(problem=str(problem)), 409) if wants_json() else not_saved(task_id, str(problem))
    if not wants_json():
        return show_card(card, shown=what)
    if what is ReadOf.ADDRESS:
        return jsonify(email=card.email)
    return jsonify(number=card.phone, spoken=phone_words(card.phone))
