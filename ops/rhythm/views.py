"""An agent's day: what it brought, breaks, done for the day, and putting minutes right; and how leads set the desk."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops import clock
from ops.accounts.access import allow, me
from ops.accounts.models import Role
from ops.accounts.roles import AT_WORK, STAFF
from ops.db import db, transaction
from ops.errors import Refused
from ops.queue import keeping, queries
from ops.queue.workers import worker, workers
from ops.rhythm import corrections
from ops.rhythm import queries as rhythm_queries
from ops.rhythm.actions import breaks as verbs
from ops.rhythm.actions.correcting import NotTheirs, correct_minutes
from ops.rhythm.day_report import whole_day
from ops.rhythm.forms import BreakForm, LeaveForm, MinutesForm
from ops.rhythm.models import BreakKind
from ops.work.kinds import KIND_WORDS
from ops.work.outcomes import OUTCOME_WORDS

bp = Blueprint("rhythm", __name__)


@bp.get("/my-day")
@allow(*AT_WORK)
def my_day() -> ResponseReturnValue:
    """What the day brought so far, for whoever asks: nobody sees another's."""
    return _my_day()


def _my_day(problem: str | None = None, attempt_id: int | None = None) -> ResponseReturnValue:
    page = render_template(
        "rhythm/my_day.html",
        whole=whole_day(me()),
        kind_words=KIND_WORDS,
        outcome_words=OUTCOME_WORDS,
        now=clock.now(),
        problem=problem,
        opened=attempt_id,
        typed=request.form,
    )
    return page, 422 if problem else 200


@bp.get("/desk/break")
@allow(*AT_WORK)
def before_break() -> ResponseReturnValue:
    """What happens to the open card and to one's promises, before going."""
    kind = request.args.get("kind", "")
    if kind not in set(BreakKind):
        abort(404)
    return render_template(
        "rhythm/before_break.html",
        kind=BreakKind(kind),
        promise_kept_minutes=round(keeping.PROMISED_BY.total_seconds() / 60),
        **_kept_from_others(BreakKind(kind)),
    )


def _kept_from_others(kind: BreakKind) -> dict[str, object]:
    """The open card and the promises that somebody else may get."""
    due = rhythm_queries.due_today(me().id) if kind is BreakKind.DONE else rhythm_queries.due_soon(me().id)
    return {"card": queries.task_of(me().id), "promised": due}


@bp.post("/desk/break")
@allow(*AT_WORK)
def take_break() -> ResponseReturnValue:
    """A break, lunch or training: no task is taken until they are back."""
    form = BreakForm()
    if not form.validate():
        abort(400)
    return _leave(BreakKind(form.kind.data), form)


@bp.post("/desk/done")
@allow(*AT_WORK)
def done() -> ResponseReturnValue:
    """Done for the day: what they promised for today goes to whoever is free."""
    return _leave(BreakKind.DONE, LeaveForm())


def _leave(kind: BreakKind, form: LeaveForm) -> ResponseReturnValue:
    """Go, or be told first what that does."""
    first = redirect(url_for("rhythm.before_break", kind=kind.value), 303)
    if not form.sure.data and any(_kept_from_others(kind).values()):
        return first
    db.session.rollback()
    try:
        with transaction(me().actor):
            verbs.start_break(me().id, kind, me().actor, give_back=form.card())
    except Refused:  # another card came in between: it is named now
        return first
    return redirect(url_for("desk.desk"), 303)


@bp.post("/desk/back")
@allow(*AT_WORK)
def back() -> ResponseReturnValue:
    """Back to work."""
    with transaction(me().actor):
        verbs.end_break(me().id)
    return redirect(url_for("desk.desk"), 303)


@bp.post("/attempts/<int:attempt_id>/minutes")
@allow(*AT_WORK, Role.ADMIN)
def set_minutes(attempt_id: int) -> ResponseReturnValue:
    """Say how many minutes a card really took, and why."""
    form = MinutesForm()
    if not corrections.may_correct(attempt_id, me()):
        abort(404)
    db.session.rollback()
    on_floor = form.back.data == "floor" and me().role in STAFF
    try:
        if not form.validate():
            raise Refused(" ".join(dict.fromkeys(str(each) for errors in form.errors.values() for each in errors)))
        with transaction(me().actor):
            correct_minutes(attempt_id, me(), form.minutes.data, form.reason.data or "", me().actor)
    except NotTheirs:
        abort(404)
    except Refused as problem:
        return _minutes(str(problem), attempt_id) if on_floor else _my_day(str(problem), attempt_id)
    flash("The minutes are put right, and the practice is charged accordingly.", "success")
    if on_floor:
        return redirect(url_for("rhythm.floor_minutes", agent=request.args.get("agent") or None), 303)
    return redirect(url_for("rhythm.my_day"), 303)


@bp.get("/floor/minutes")
@allow(*STAFF)
def floor_minutes() -> ResponseReturnValue:
    """Every minute that was put right, and the cards whose minutes look wrong."""
    return _minutes()


def _minutes(problem: str | None = None, attempt_id: int | None = None) -> ResponseReturnValue:
    asked = request.args.get("agent", "")
    who = worker(int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    page = render_template(
        "rhythm/floor_minutes.html",
        staff=workers(closed=True),
        who=who,
        cards=corrections.cards_of(who.user_id) if who else corrections.longest(),
        corrected=corrections.latest(),
        kind_words=KIND_WORDS,
        outcome_words=OUTCOME_WORDS,
        problem=problem,
        opened=attempt_id,
        typed=request.form,
    )
    return page, 422 if problem else 200
