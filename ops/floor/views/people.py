"""Who may work what: agents and leads with their languages, kinds of work and practices."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.accounts.roles import NAMES, STAFF
from ops.db import db, transaction
from ops.errors import Refused
from ops.floor import actions, lists
from ops.floor.forms import PracticesForm, ProfileForm
from ops.floor.standing import standings
from ops.floor.views import bp
from ops.phrases import count_of
from ops.queue.workers import Worker, worker, workers
from ops.work.kinds import KIND_WORDS


@bp.get("/floor")
@allow(*STAFF)
def people() -> ResponseReturnValue:
    """Everybody who takes tasks, and what they may work."""
    staff = workers()
    return render_template(
        "floor/floor.html",
        staff=staff,
        now=standings(who.user_id for who in staff),
        kind_words=KIND_WORDS,
        roles=NAMES,
    )


@bp.get("/floor/<int:user_id>")
@allow(*STAFF)
def worker_page(user_id: int) -> ResponseReturnValue:
    """What one of them may work."""
    return _page(user_id)


def _page(user_id: int, problem: str | None = None, form: ProfileForm | None = None) -> ResponseReturnValue:
    who = worker(user_id) or abort(404)
    search = request.args.get("q", "").strip()[:100]
    listed = who.has_profile and not who.everywhere
    certified, certified_total = lists.practices_of(user_id, search)
    others, others_total = lists.practices_without(user_id, search) if listed else ([], 0)
    page = render_template(
        "floor/floor_worker.html",
        who=who,
        form=form or _filled(who),
        languages=sorted({*actions.languages_spoken(), *who.languages}),
        listed=listed,
        search=search,
        certified=certified,
        certified_total=certified_total,
        others=others,
        others_total=others_total,
        changes=lists.changes_of_worker(user_id),
        problem=problem,
        kind_words=KIND_WORDS,
        roles=NAMES,
    )
    return page, 422 if problem else 200


def _filled(who: Worker) -> ProfileForm:
    return ProfileForm(
        formdata=None,
        languages=list(who.languages),
        which_kinds="all" if who.kinds is None else "some",
        kinds=sorted(who.kinds or ()),
        which_practices="all" if who.everywhere else "some",
    )


def _change(user_id: int, verb: Callable[[], Any], form: ProfileForm | None = None) -> ResponseReturnValue:
    """Do it and say so; what is refused is shown on the page, with what was chosen."""
    if worker(user_id) is None:
        abort(404)
    db.session.rollback()
    try:
        with transaction(me().actor):
            flash(verb(), "success")
    except Refused as problem:
        return _page(user_id, str(problem), form)
    return redirect(url_for("floor.worker_page", user_id=user_id, q=request.args.get("q") or None), 303)


@bp.post("/floor/<int:user_id>/profile")
@allow(*STAFF)
def set_profile(user_id: int) -> ResponseReturnValue:
    """Languages, kinds of work, and whether for every practice."""
    form = ProfileForm()

    def verb() -> str:
        if not form.validate():
            raise Refused("Please choose one of the answers for kinds and practices.")
        everywhere = form.which_practices.data == "all"
        actions.set_profile(user_id, form.languages.data or [], form.chosen_kinds(), everywhere)
        return "Saved. It counts from their next task on."

    return _change(user_id, verb, form)


@bp.post("/floor/<int:user_id>/profile/clear")
@allow(*STAFF)
def clear_profile(user_id: int) -> ResponseReturnValue:
    """Everything in English again."""

    def verb() -> str:
        actions.clear_profile(user_id)
        return "The profile is cleared: everything in English."

    return _change(user_id, verb)


@bp.post("/floor/<int:user_id>/certify")
@allow(*STAFF)
def certify(user_id: int) -> ResponseReturnValue:
    """They may work for these practices."""
    return _practices(user_id, lambda ids: actions.certify(user_id, ids, me().actor), "Certified for {}.")


@bp.post("/floor/<int:user_id>/withdraw")
@allow(*STAFF)
def withdraw(user_id: int) -> ResponseReturnValue:
    """They may not any more."""
    return _practices(user_id, lambda ids: actions.withdraw(user_id, ids), "Withdrawn for {}.")


def _practices(user_id: int, verb: Callable[[list[int]], int], done: str) -> ResponseReturnValue:
    form = PracticesForm()

    def change() -> str:
        ids = form.practices.data or []
        if not form.validate() or any(not 0 < one < 2**63 for one in ids):
            raise Refused("Please choose practices of the list.")
        return done.format(count_of(verb(ids), "practice"))

    return _change(user_id, change)
