"""Recording what came of the call, taking it back, and saying what a reply means."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import flash
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from ops.accounts.access import allow, me
from ops.accounts.roles import AT_WORK
from ops.db import transaction
from ops.desk.actions import reading, recording, undoing
from ops.desk.card import open_card_of
from ops.desk.forms import OutcomeForm, ReadForm
from ops.desk.views import bp
from ops.desk.views.showing import brings_next, first_error, not_saved, show_card, take_next, to_desk
from ops.errors import Refused


@bp.post("/tasks/<int:task_id>/outcome")
@allow(*AT_WORK)
def record(task_id: int) -> ResponseReturnValue:
    """Record what came of the call; by default the next card follows."""
    form = OutcomeForm()
    try:
        if not form.validate():
            raise Refused(first_error(form))
        saved = form.saved()
        form.said_opening()
        with transaction(me().actor):
            recording.record_outcome(task_id, me().id, form.fence.data or 0, me().actor, saved)
    except Refused as problem:
        return not_saved(task_id, str(problem))
    return take_next() if brings_next(bool(form.and_next.data)) else to_desk()


@bp.post("/attempts/<int:attempt_id>/undo")
@allow(*AT_WORK)
def undo(attempt_id: int) -> ResponseReturnValue:
    """Take the last outcome back: its card again, with what was typed."""
    try:
        with transaction(me().actor):
            typed = undoing.take_back(attempt_id, me().id, me().actor)
    except (Refused, IntegrityError) as problem:
        flash(str(problem) if isinstance(problem, Refused) else "Somebody has gone on with it already.", "warning")
        return to_desk()
    card = open_card_of(me())
    if card is None:
        return to_desk()
    if typed["callback_at"]:
        typed["callback_at"] = _wall_clock(typed["callback_at"], card.zones[0])
    return show_card(card, typed=typed | {"taken_back": True})


def _wall_clock(moment: str, zone: str) -> str:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


@bp.post("/tasks/<int:task_id>/read")
@allow(*AT_WORK)
def read(task_id: int) -> ResponseReturnValue:
    """The agent has read what they wrote, and says whether it means stop."""
    form = ReadForm()
    try:
        if not form.validate():
            raise Refused("This card is out of date.")
        shown, is_stop = [int(each) for each in (form.replies.data or "").split(",")], form.means.data == "stop"
        with transaction(me().actor):
            reading.read_replies(task_id, me().id, form.fence.data or 0, me().actor, shown, is_stop=is_stop)
    except Refused as problem:
        return not_saved(task_id, str(problem))
    flash("They will not be contacted again." if is_stop else "Noted: it does not mean stop.", "success")
    return to_desk()
