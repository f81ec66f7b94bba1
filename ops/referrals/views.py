"""The friends who were sent: the agency's list, and each practice's own, with what became of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from ops.accounts.access import BADGES, Badge, allow, me
from ops.accounts.models import Role, User
from ops.accounts.queries import names_of
from ops.accounts.roles import STAFF
from ops.db import transaction
from ops.errors import Refused
from ops.phrases import count_of, time_words
from ops.practices.access import practice_or_404
from ops.practices.actions import note_read
from ops.practices.models import Practice
from ops.practices.queries import by_slug, read_by
from ops.referrals import actions as verbs
from ops.referrals import queries as lists
from ops.referrals.forms import NotThemForm, StepForm, TakeBackForm, WhoForm
from ops.referrals.models import Referral
from ops.referrals.queries import FriendLine, Shelf
from ops.referrals.steps import BY_STATE
from ops.referrals.words import SOURCE_WORDS, STATE_WORDS
from ops.work.answers import ReferralState, Source
from ops.work.reads import ReadOf

bp = Blueprint("referrals", __name__)
STEP = "any(contacted, connected, booked, no_show, showed, treated, lost):becomes"


def _badge(user: User) -> Badge | None:
    if user.role not in STAFF:
        return None
    days, matches = lists.asked_about()
    words = [f"{count_of(days, 'booked day')} passed without word"] if days else []
    words += [f"{count_of(matches, 'friend')} may be a patient by now"] if matches else []
    number = "99+" if days + matches > 99 else str(days + matches)
    return Badge(number, ", ".join(words)) if words else None


BADGES["referrals.friends"] = _badge


@bp.get("/friends")
@allow(*STAFF, Role.MEMBER)
def friends() -> ResponseReturnValue:
    """Of all practices, for leads; a member goes to their own practice's."""
    if me().role is not Role.MEMBER:
        return _page(None)
    own = read_by(me())
    if len(own) == 1:
        return redirect(url_for(".of_practice", slug=own[0].slug), 303)
    return render_template("referrals/choose.html", practices=own)


@bp.get("/practices/<slug>/friends")
@allow(*STAFF, Role.MEMBER)
def of_practice(slug: str) -> ResponseReturnValue:
    """Of one practice."""
    return _page(practice_or_404(slug))


def _shelf() -> Shelf:
    asked = request.args.get("shelf", Shelf.ALL.value)
    return Shelf(asked) if asked in set(Shelf) else Shelf.ALL


def _page(
    practice: Practice | None, problem: str | None = None, at: int | None = None, step: str | None = None
) -> ResponseReturnValue:
    """The list as it was narrowed. `at` and `step`: whose form goes on with what was typed, after a problem."""
    shelf, wanted = _shelf(), request.args.get("q", "")[:100]
    page = max(min(request.args.get("page", 1, type=int), 10_000), 1)
    only = practice or by_slug(request.args.get("practice", ""))
    lines, more = lists.friends(only.id if only else None, shelf, wanted, page)
    actors = {event.actor for line in lines for event in line.referral.events}
    html = render_template(
        "referrals/friends.html",
        practice=practice,
        only=only,
        practices=read_by(me()) if practice is None else [],
        lines=lines,
        more=more,
        page=page,
        shelf=shelf,
        shelves=lists.SHELF_WORDS,
        counts=lists.shelf_counts(only.id if only else None, wanted),
        wanted=wanted,
        names=names_of(actors) if me().role in STAFF else {},
        state_words=STATE_WORDS,
        source_words=SOURCE_WORDS,
        hour_words=lambda f, zone: time_words(datetime.combine(f.visit_on, f.visit_time, ZoneInfo(zone))),
        may_take_back=_may_take_back,
        problem=problem,
        at=at,
        open_step=step,
        typed=request.form if at else {},
        everywhere=practice is None,
    )
    if lines:
        with transaction(me().actor):
            for line in lines:
                for patient in filter(None, (line.referrer, line.patient)):
                    note_read(me(), patient, ReadOf.FRIEND, line.referral.id)
    return html, 422 if problem else 200


def _may_take_back(line: FriendLine) -> bool:
    return line.last is not None and (me().role in STAFF or line.last.source is Source.MEMBER)


@bp.post(f"/practices/<slug>/friends/<int:referral_id>/<{STEP}>")
@allow(*STAFF, Role.MEMBER)
def note_step(slug: str, referral_id: int, becomes: str) -> ResponseReturnValue:
    """What became of the friend, on the practice's word."""
    practice, form, state = practice_or_404(slug), StepForm(), ReferralState(becomes)
    source = Source.PRACTICE_SAID if me().role in STAFF else Source.MEMBER

    def verb(friend: Referral) -> None:
        verbs.move_referral(friend, state, actor=me().actor, source=source, told=form.told())

    return _do(practice, referral_id, form, verb, BY_STATE[state].done, becomes)


@bp.post("/practices/<slug>/friends/<int:referral_id>/who")
@allow(*STAFF, Role.MEMBER)
def say_who(slug: str, referral_id: int) -> ResponseReturnValue:
    """Which patient the friend became."""
    practice, form = practice_or_404(slug), WhoForm()
    source = Source.PRACTICE_SAID if me().role in STAFF else Source.MEMBER

    def verb(friend: Referral) -> None:
        patient = lists.patient_numbered(practice, form.number.data or "")
        verbs.say_who(friend, patient.id if patient else 0, actor=me().actor, source=source)

    return _do(practice, referral_id, form, verb, "Noted: that is the friend. Their visits count from now on.", "who")


@bp.post("/practices/<slug>/friends/<int:referral_id>/not-them")
@allow(*STAFF, Role.MEMBER)
def not_them(slug: str, referral_id: int) -> ResponseReturnValue:
    """The patient who was asked about is somebody else."""
    practice, form = practice_or_404(slug), NotThemForm()

    def verb(friend: Referral) -> None:
        verbs.not_them(friend, form.patient.data or 0)

    return _do(practice, referral_id, form, verb, "Noted: that is somebody else.")


@bp.post("/practices/<slug>/friends/<int:referral_id>/take-back")
@allow(*STAFF, Role.MEMBER)
def take_back(slug: str, referral_id: int) -> ResponseReturnValue:
    """The last step was a slip."""
    practice, form = practice_or_404(slug), TakeBackForm()
    only = None if me().role in STAFF else Source.MEMBER

    def verb(friend: Referral) -> None:
        verbs.take_back(friend, form.event.data or 0, only)

    return _do(practice, referral_id, form, verb, "Taken back.")


def _do(
    practice: Practice,
    referral_id: int,
    form: FlaskForm,
    verb: Callable[[Referral], None],
    done: str,
    step: str | None = None,
) -> ResponseReturnValue:
    everywhere = bool(request.args.get("everywhere")) and me().role in STAFF
    friend = lists.friend(practice, referral_id) or abort(404)
    try:
        if not form.validate():
            raise Refused(" ".join(f"{form[name].label.text}: {' '.join(said)}" for name, said in form.errors.items()))
        with transaction(me().actor):
            verb(friend)
    except Refused as problem:
        return _page(None if everywhere else practice, str(problem), referral_id, step)
    flash(done, "success")
    narrowed: dict[str, Any] = {name: request.args.get(name) for name in ("shelf", "q", "page", "practice")}
    narrowed |= {} if everywhere else {"slug": practice.slug}
    where = url_for(".friends" if everywhere else ".of_practice", **narrowed)
    return redirect(where, 303)
