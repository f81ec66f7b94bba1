"""The agent's desk: one card, one script, one key per outcome, and the next card by itself.

Whoever asks with `X-Desk` (the desk's own script) is answered with the next card at once, instead of being sent there;
without it every press is an ordinary form and a redirect.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError

from ops import clock
from ops.accounts.access import allow, me, passive
from ops.accounts.actions import use_single_keys
from ops.accounts.roles import AT_WORK
from ops.db import transaction
from ops.desk import facts as desk_facts
from ops.desk import keys
from ops.desk.actions import key_settings, reading, recording, undoing
from ops.desk.card import Card, card_of, log_read, open_card_of
from ops.desk.facts import Beside
from ops.desk.forms import OPT_IN_WORDS, FenceForm, OutcomeForm, ReadForm, SkipForm, SnoozeForm, at_zone, typed_again
from ops.desk.views import bp
from ops.errors import Refused
from ops.queue import jobs
from ops.queue.actions import claiming, tasks
from ops.queue.hours import group_words
from ops.queue.words import reason_words
from ops.rhythm import today
from ops.rhythm.models import WrapUp
from ops.rhythm.queries import IDLE_SECONDS, desk_settings, on_break
from ops.scripts.queries import newer_than
from ops.scripts.values import spoken_number
from ops.web.errors import wants_json
from ops.work import outcomes
from ops.work.kinds import KIND_WORDS
from ops.work.reads import ReadOf
from ops.work.reasons import UNTIL_KNOWN


@bp.get("/desk")
@allow(*AT_WORK)
def desk() -> ResponseReturnValue:
    """The open card, or the way to the next one."""
    facts, beside = desk_facts.desk_of(me().id, clock.now() - undoing.undo_for())
    return _card(card_of(facts, me()), beside=beside) if facts else _empty(beside)


def _empty(beside: Beside) -> ResponseReturnValue:
    return render_template(
        "desk/desk.html",
        day=today.day_of(me().id),
        waiting=today.waiting(me().id),
        reason_words=reason_words,
        until_known=UNTIL_KNOWN,
        group_words=group_words,
        now=clock.now(),
        **_at_hand(beside),
    )


def _card(
    card: Card,
    typed: Any = None,
    problem: str | None = None,
    status: int = 200,
    shown: str | None = None,
    beside: Beside | None = None,
) -> ResponseReturnValue:
    """The card; `shown` says that the "number" or the "address" was just asked for."""
    page = render_template(
        "desk/card.html",
        card=card,
        typed=typed or {},
        problem=problem,
        kind_words=KIND_WORDS,
        opt_in_words=OPT_IN_WORDS,
        now=clock.now(),
        zone_info=ZoneInfo,
        shown=shown,
        spoken=spoken_number(card.phone),
        **_at_hand(beside or desk_facts.desk_of(me().id, clock.now() - undoing.undo_for())[1]),
    )
    return page, status


def _at_hand(found: Beside) -> dict[str, Any]:
    """What stands beside every card: the agent's keys, how the desk is set, what can still be taken back."""
    timed = found.wrap_up == WrapUp.TIMED
    own = found.keys or {}
    keyed, printed = keys.marks(tuple(sorted(own.items())), me().single_keys)
    return {
        "keys": keys.keys(own),
        "keyed": keyed,
        "printed": printed,
        "single_keys": me().single_keys,
        "dials": found.dials,
        "last_id": found.last_id,
        "last_words": outcomes.OUTCOME_WORDS[outcomes.Outcome(found.last_outcome)] if found.last_outcome else "",
        "undo_left": _seconds_left(found.last_at) if found.last_at else 0,
        "wrap_up": found.wrap_up or WrapUp.OPEN,
        "wrap_limit": found.wrap_up_seconds if timed else None,
        "idle_seconds": found.idle_seconds or IDLE_SECONDS,
    }


def _seconds_left(recorded_at: datetime) -> int:
    return round((recorded_at + undoing.undo_for() - clock.now()).total_seconds())


@bp.post("/desk/next")
@allow(*AT_WORK)
def take_next() -> ResponseReturnValue:
    """Claim the next task; none on a break."""
    if on_break(me().id):
        return _to_desk()
    claimed = jobs.next_for(me().id, me().actor)
    if claimed:
        with transaction(me().actor):
            log_read(me(), claimed.practice_id, claimed.patient_id, claimed.id, ReadOf.CARD)
    return _to_desk()


def _to_desk() -> ResponseReturnValue:
    return desk() if "X-Desk" in request.headers else redirect(url_for("desk.desk"), 303)


@bp.post("/tasks/<int:task_id>/outcome")
@allow(*AT_WORK)
def record(task_id: int) -> ResponseReturnValue:
    """Record what came of the call; by default the next card follows."""
    form = OutcomeForm()
    try:
        if not form.validate():
            raise Refused(_first_error(form))
        saved = form.saved()
        form.said_opening()
        with transaction(me().actor):
            recording.record_outcome(task_id, me().id, form.fence.data or 0, me().actor, saved)
    except Refused as problem:
        return _not_saved(task_id, str(problem))
    return take_next() if _brings_next(bool(form.and_next.data)) else _to_desk()


def _brings_next(wanted: bool) -> bool:
    """Whether the next card follows by itself: as leads set the desk, else as the agent wants it."""
    match desk_settings().wrap_up:
        case WrapUp.NEXT:
            return True
        case WrapUp.ASK:
            return False
        case _:
            return wanted


def _first_error(form: FlaskForm) -> str:
    name, errors = next(iter(form.errors.items()))
    label = form[name].label.text if name in form else ""
    return f"{label}: {errors[0]}" if label else str(errors[0])


def _not_saved(task_id: int, problem: str) -> ResponseReturnValue:
    """Nothing was saved and nothing typed is lost: the card again, or, when it left these hands, the text to copy."""
    card = open_card_of(me())
    if card and card.task.id == task_id and str(card.task.fence) == request.form.get("fence"):
        return _card(card, typed=typed_again(), problem=problem, status=409)
    return render_template("desk/lost.html", problem=problem, typed=request.form), 409


@bp.post("/attempts/<int:attempt_id>/undo")
@allow(*AT_WORK)
def undo(attempt_id: int) -> ResponseReturnValue:
    """Take the last outcome back: its card again, with what was typed."""
    try:
        with transaction(me().actor):
            typed = undoing.take_back(attempt_id, me().id, me().actor)
    except (Refused, IntegrityError) as problem:
        flash(str(problem) if isinstance(problem, Refused) else "Somebody has gone on with it already.", "warning")
        return _to_desk()
    card = open_card_of(me())
    if card is None:
        return _to_desk()
    if typed["callback_at"]:
        typed["callback_at"] = _wall_clock(typed["callback_at"], card.zones[0])
    return _card(card, typed=typed | {"taken_back": True})


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
        return _not_saved(task_id, str(problem))
    flash("They will not be contacted again." if is_stop else "Noted: it does not mean stop.", "success")
    return _to_desk()


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
    return _to_desk()


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
            wrote = max(reading.unread_on(task), default=0)
            return jsonify(held=True, until=task.lease_until.isoformat(), newer=newer is not None, wrote=wrote)
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
            tasks.held(task_id, me().id, form.fence.data or 0)
            card = open_card_of(me())
            assert card
            if what is ReadOf.NUMBER and card.why_not:
                raise Refused(f"May not be called now: {card.why_not}.")
            seen = card.email if what is ReadOf.ADDRESS else card.phone
            log_read(me(), card.task.practice_id, card.task.patient_id, card.task.id, what, seen)
    except Refused as problem:
        return (jsonify(problem=str(problem)), 409) if wants_json() else _not_saved(task_id, str(problem))
    if not wants_json():
        return _card(card, shown=what)
    if what is ReadOf.ADDRESS:
        return jsonify(email=card.email)
    return jsonify(number=card.phone, spoken=spoken_number(card.phone))


@bp.route("/desk/keys", methods=["GET", "POST"])
@allow(*AT_WORK)
def own_keys() -> ResponseReturnValue:
    """The keys of the desk: all of them, each changeable, or none at all."""
    own, problem, status = key_settings.keys_of(me().id), None, 200
    shown, on, dials = keys.keys(own.keys), me().single_keys, own.dials
    if request.method == "POST":
        shown = {name: request.form.get(name, key) for name, key in shown.items()}
        on, dials = "single_keys" in request.form, "dials" in request.form
        try:
            with transaction(me().actor):
                key_settings.set_keys(me().id, shown, dials=dials)
                use_single_keys(me().id, on)
        except Refused as refused:
            problem, status = str(refused), 422
        else:
            flash("Your keys are saved.", "success")
            return redirect(url_for("desk.own_keys"), 303)
    page = render_template(
        "desk/keys.html",
        shown=shown,
        on=on,
        dials=dials,
        problem=problem,
        actions=keys.ACTIONS,
        outcomes=keys.OUTCOMES,
    )
    return page, status


@bp.post("/desk/keys/as-printed")
@allow(*AT_WORK)
def keys_as_printed() -> ResponseReturnValue:
    """Every key as it was."""
    with transaction(me().actor):
        own = key_settings.keys_of(me().id)
        key_settings.set_keys(me().id, {}, dials=own.dials)
    flash("Every key is as it was at first.", "success")
    return redirect(url_for("desk.own_keys"), 303)
