"""Who was not happy: the agency's list, and each practice's own."""

from datetime import datetime

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import BADGES, Badge, allow, me
from ops.accounts.models import Role, User
from ops.accounts.queries import names_of
from ops.accounts.roles import STAFF
from ops.concerns import actions as verbs
from ops.concerns import queries as lists
from ops.concerns.forms import AnswerForm, SettleForm
from ops.db import transaction
from ops.errors import Refused
from ops.mail import client
from ops.practices.access import practice_or_404
from ops.practices.actions import note_read
from ops.practices.models import Practice
from ops.practices.queries import by_slug, read_by
from ops.work.kinds import KIND_WORDS
from ops.work.outcomes import OUTCOME_WORDS
from ops.work.reads import ReadOf

bp = Blueprint("concerns", __name__)

SHELVES = {"open": "Open", "settled": "Settled", "all": "All, open ones first"}


def _badge(user: User) -> Badge | None:
    if user.role not in STAFF:
        return None
    open_, unseen = lists.open_counts()
    if not open_:
        return None
    number = f"{lists.COUNTED - 1}+" if open_ >= lists.COUNTED else str(open_)
    return Badge(number, f"{number} open, {unseen} that no lead has seen", urgent=unseen > 0)


BADGES["concerns.concerns"] = _badge


@bp.get("/concerns")
@allow(*STAFF, Role.MEMBER)
def concerns() -> ResponseReturnValue:
    """Everybody's, for leads; a member goes to their own practice's."""
    if me().role is not Role.MEMBER:
        return _list()
    own = read_by(me())
    if len(own) == 1:
        return redirect(url_for(".practice_concerns", slug=own[0].slug), 303)
    return render_template("concerns/concerns_choose.html", practices=own)


def _list(problem: str | None = None, at: int | None = None, typed: str = "") -> ResponseReturnValue:
    shelf = request.args.get("shelf", "open")
    shelf = shelf if shelf in SHELVES else "open"
    practice = by_slug(request.args.get("practice", ""))
    found = lists.concerns(
        shelf=shelf, practice_id=practice.id if practice else None, before=_before(), mailing=client.is_set_up()
    )
    actors = {
        actor
        for each in found.concerns
        for actor in (each.concern.raised_by, each.concern.seen_by, each.concern.answered_by, each.concern.settled_by)
    } | {f"user:{attempt.agent_id}" for each in found.concerns for attempt in each.history}
    page = render_template(
        "concerns/concerns.html",
        page=found,
        names=names_of({actor for actor in actors if actor}),
        practices=read_by(me()),
        practice=practice,
        shelf=shelf,
        shelves=SHELVES,
        kind_words=KIND_WORDS,
        outcome_words=OUTCOME_WORDS,
        mailing=client.is_set_up(),
        problem=problem,
        at=at,
        typed=typed,
        older=_written(found.older),
    )
    _note_reads(found)
    return page, 422 if problem else 200


def _note_reads(found: lists.ConcernPage) -> None:
    """Who read whose: it is about a patient's health and mood (docs/rules.md A12), and what was read cannot be taken
    back."""
    if found.concerns:
        with transaction(me().actor):
            for each in found.concerns:
                note_read(me(), each.patient, ReadOf.CONCERN, each.concern.id)


def _before() -> tuple[bool, datetime, int] | None:
    """Where the page begins, as `_written` wrote it; the newest for anything else."""
    is_open, _, rest = request.args.get("before", "").partition("~")
    at, _, number = rest.partition("~")
    try:
        moment, last = datetime.fromisoformat(at), int(number[:19])
    except ValueError:
        return None
    return (is_open == "open", moment, last) if moment.tzinfo and 0 < last < 2**63 else None


def _written(place: tuple[bool, datetime, int] | None) -> str | None:
    return f"{'open' if place[0] else 'settled'}~{place[1].isoformat()}~{place[2]}" if place else None


@bp.post("/concerns/<int:concern_id>/seen")
@allow(*STAFF)
def concern_seen(concern_id: int) -> ResponseReturnValue:
    """A lead has it."""
    with transaction(me().actor):
        there = verbs.see(concern_id, me().actor)
    if not there:
        abort(404)
    flash("Noted: you have it.", "success")
    return redirect(_here(concern_id), 303)


@bp.post("/concerns/<int:concern_id>/settled")
@allow(*STAFF)
def concern_settled(concern_id: int) -> ResponseReturnValue:
    """It is settled, and by what."""
    typed = SettleForm().words.data or ""
    try:
        with transaction(me().actor):
            there = verbs.settle(concern_id, typed, me().actor)
    except Refused as problem:
        return _list(str(problem), concern_id, typed)
    if not there:
        abort(404)
    flash("Settled. The practice reads what was done.", "success")
    return redirect(_here(None), 303)


def _here(concern_id: int | None) -> str:
    """The list as it was narrowed."""
    narrowed = {name: request.args.get(name) for name in ("shelf", "practice", "before")}
    return url_for(".concerns", **narrowed, _anchor=f"concern-{concern_id}" if concern_id else None)  # type: ignore[arg-type]


@bp.get("/practices/<slug>/concerns")
@allow(*STAFF, Role.MEMBER)
def practice_concerns(slug: str) -> ResponseReturnValue:
    """The practice's own; the agency reads them in its list."""
    practice = practice_or_404(slug)
    if me().role is not Role.MEMBER:
        return redirect(url_for(".concerns", practice=slug, shelf="all"), 303)
    return _own(practice)


def _own(practice: Practice, problem: str | None = None, at: int | None = None, typed: str = "") -> ResponseReturnValue:
    found = lists.concerns_of(practice, _before())
    page = render_template(
        "concerns/concerns_practice.html",
        practice=practice,
        page=found,
        kind_words=KIND_WORDS,
        mailing=client.is_set_up(),
        problem=problem,
        at=at,
        typed=typed,
        older=_written(found.older),
    )
    _note_reads(found)
    return page, 422 if problem else 200


@bp.post("/practices/<slug>/concerns/<int:concern_id>/answer")
@allow(Role.MEMBER)
def answer_concern(slug: str, concern_id: int) -> ResponseReturnValue:
    """The practice writes back what it did."""
    practice, typed = practice_or_404(slug), AnswerForm().words.data or ""
    try:
        with transaction(me().actor):
            there = verbs.answer(practice.id, concern_id, typed, me().actor)
    except Refused as problem:
        return _own(practice, str(problem), concern_id, typed)
    if not there:
        abort(404)
    flash("Thank you. The agency reads it now.", "success")
    return redirect(url_for(".practice_concerns", slug=slug, _anchor=f"concern-{concern_id}"), 303)
