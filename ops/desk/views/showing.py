"""What the desk answers with: the open card, the way to the next one, or what was typed when nothing was saved."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from ops import clock
from ops.accounts.access import allow, me, passive
from ops.accounts.roles import AT_WORK
from ops.db import transaction
from ops.desk import facts as desk_facts
from ops.desk import keys
from ops.desk.actions import undoing
from ops.desk.card import Card, card_of, log_read, open_card_of
from ops.desk.facts import Beside
from ops.desk.forms import OPT_IN_WORDS, typed_again
from ops.desk.models import Ring
from ops.desk.views import bp
from ops.phrases import phone_words
from ops.queue import jobs
from ops.queue.actions import assigning
from ops.queue.hours import group_words
from ops.queue.words import reason_words
from ops.rhythm import today
from ops.rhythm.models import WrapUp
from ops.rhythm.queries import IDLE_SECONDS, desk_settings, on_break
from ops.rhythm.words import due_words, ready_words
from ops.work import outcomes
from ops.work.kinds import KIND_WORDS
from ops.work.reads import ReadOf
from ops.work.reasons import UNTIL_KNOWN
from ops.work.skips import Skip

RINGS = {Ring.SOUND: "Sound and tab title", Ring.TITLE: "Tab title", Ring.NOTHING: "Nothing"}


@bp.get("/desk")
@allow(*AT_WORK)
def desk() -> ResponseReturnValue:
    """The open card, or the way to the next one."""
    facts, beside = desk_facts.desk_of(me().id, clock.now() - undoing.undo_for())
    return show_card(card_of(facts, me()), beside=beside) if facts else _empty(beside)


def _empty(beside: Beside) -> ResponseReturnValue:
    waiting = today.waiting(me().id)
    return render_template(
        "desk/desk.html",
        day=today.day_of(me().id),
        waiting=waiting,
        own_due=today.own_due(me().id),
        ready_words=ready_words(waiting.ready, today.ENOUGH),
        reason_words=reason_words,
        until_known=UNTIL_KNOWN,
        rings=RINGS,
        group_words=group_words,
        now=clock.now(),
        **_at_hand(beside),
    )


def show_card(
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
        skips=Skip,
        now=clock.now(),
        zone_info=ZoneInfo,
        shown=shown,
        spoken=phone_words(card.phone),
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
        "ring": found.ring,
        "last_id": found.last_id,
        "last_words": outcomes.OUTCOME_WORDS[outcomes.Outcome(found.last_outcome)] if found.last_outcome else "",
        "undo_left": _seconds_left(found.last_at) if found.last_at else 0,
        "wrap_up": found.wrap_up or WrapUp.OPEN,
        "wrap_limit": found.wrap_up_seconds if timed else None,
        "idle_seconds": found.idle_seconds or IDLE_SECONDS,
    }


def _seconds_left(recorded_at: datetime) -> int:
    return round((recorded_at + undoing.undo_for() - clock.now()).total_seconds())


@bp.get("/desk/calls")
@allow(*AT_WORK)
@passive
def calls() -> ResponseReturnValue:
    """What the idle desk asks for by itself: how much can be worked now, and whether calls they promised are due.
    Two cheap statements; not a sign of life."""
    if on_break(me().id):
        return jsonify(ready=0, promised=0, says="")
    ready, due = today.ready(me().id), today.own_due(me().id)
    says = ready_words(ready, today.ENOUGH)
    title = "Callback due" if due else "Work is here"
    words = f"{due_words(due)} {says}" if due else says
    return jsonify(ready=ready, promised=due, says=words, title=f"{title} · Loopkeeper")


@bp.post("/desk/next")
@allow(*AT_WORK)
def take_next() -> ResponseReturnValue:
    """Claim the next task; none on a break."""
    if on_break(me().id):
        return to_desk()
    claimed = jobs.next_for(me().id, me().actor)
    if claimed:
        with transaction(me().actor):
            if assigning.left_meanwhile(me().id, me().actor):
                return to_desk()
            log_read(me(), claimed.practice_id, claimed.patient_id, claimed.id, ReadOf.CARD)
    return to_desk()


def to_desk() -> ResponseReturnValue:
    return desk() if "X-Desk" in request.headers else redirect(url_for("desk.desk"), 303)


def brings_next(wanted: bool) -> bool:
    """Whether the next card follows by itself: as leads set the desk, else as the agent wants it."""
    match desk_settings().wrap_up:
        case WrapUp.NEXT:
            return True
        case WrapUp.ASK:
            return False
        case _:
            return wanted


def first_error(form: FlaskForm) -> str:
    name, errors = next(iter(form.errors.items()))
    label = form[name].label.text if name in form else ""
    return f"{label}: {errors[0]}" if label else str(errors[0])


def not_saved(task_id: int, problem: str) -> ResponseReturnValue:
    """Nothing was saved and nothing typed is lost: the card again, or, when it left these hands, the text to copy."""
    card = open_card_of(me())
    if card and card.task.id == task_id and str(card.task.fence) == request.form.get("fence"):
        return show_card(card, typed=typed_again(), problem=problem, status=409)
    return render_template("desk/lost.html", problem=problem, typed=request.form), 409
