"""List, add, look at and change practices; pause, resume, end and reopen them."""

from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from ops import clock
from ops.accounts.access import allow, me
from ops.accounts.queries import names_of
from ops.accounts.roles import STAFF
from ops.db import transaction
from ops.errors import Refused
from ops.practices import actions, history, queries
from ops.practices.access import practice_or_404
from ops.practices.forms import AddPracticeForm, EditPracticeForm, ReviewLinkForm
from ops.practices.lacking import Missing, lacks
from ops.practices.models import Practice, ReviewLink
from ops.practices.statuses import STATUS_WORDS, Move, PracticeStatus
from ops.practices.views import bp

MOVES = {
    Move.LIVE: (
        actions.go_live,
        "Go live",
        "Its patients are contacted from now on: what is due is offered to agents, and texts and emails leave.",
    ),
    Move.PAUSE: (
        actions.pause_practice,
        "Pause",
        "Nobody will be called or written to for this practice until it is resumed. Tasks that are waiting keep "
        "waiting; a task in progress can still be finished.",
    ),
    Move.RESUME: (actions.resume_practice, "Resume", "Waiting tasks are served again, in their turn, from now on."),
    Move.END: (
        actions.end_practice,
        "End",
        "Today becomes the last day of its contract, later contracts are removed, nothing more is imported, and "
        "nobody is contacted. Its data stays until it is deleted on schedule.",
    ),
    Move.REOPEN: (
        actions.reopen_practice,
        "Reopen",
        "It comes back as a new practice does: not live, and without a contract. Add a contract, then go live.",
    ),
}


@bp.get("")
@allow(*STAFF)
def index() -> ResponseReturnValue:
    search = request.args.get("q", "")[:100]
    status = request.args.get("status", "")
    page = min(request.args.get("page", 1, type=int), 100_000)
    rows, more = queries.overview(
        search, PracticeStatus(status) if status in set(PracticeStatus) else None, max(page, 1)
    )
    return render_template(
        "practices/index.html", rows=rows, more=more, page=max(page, 1), search=search, status=status,
        statuses=STATUS_WORDS, lacks=lacks([row.practice for row in rows if not row.practice.has_ended]),
    )  # fmt: skip


@bp.get("/add")
@allow(*STAFF)
def adding() -> ResponseReturnValue:
    return render_template("practices/add.html", form=AddPracticeForm())


@bp.post("/add")
@allow(*STAFF)
def add() -> ResponseReturnValue:
    form = AddPracticeForm()
    problem = None
    if form.validate():
        try:
            with transaction(me().actor):
                practice = actions.add_practice(
                    form.slug.data,
                    form.name.data,
                    form.zone.data,
                    form.state.data,
                    form.baa_on.data,
                    hours=form.hours.data,
                )
        except Refused as refused:
            problem = str(refused)
        else:
            usual = f"with {len(practice.treatment_types)} usual treatments to adapt"
            flash(f"{practice.name} was added, {usual}. It is not live yet: what is missing is listed here.", "success")
            return redirect(url_for(".show", slug=practice.slug), 303)
    return render_template("practices/add.html", form=form, problem=problem), 422


@bp.get("/<slug>")
@allow(*STAFF)
def show(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    entries = queries.changes_of_practice(practice, 60)
    told = history.tell(entries, names_of({entry.actor for entry in entries}))[:20]
    return render_template(
        "practices/show.html",
        practice=practice,
        hours=queries.hours_on(practice, clock.today(practice.zone)),
        patients=queries.count_patients(practice),
        last_load=queries.last_load(practice),
        history=told,
        moves={move: MOVES[move][1] for move in practice.moves},
        missing=_missing(practice),
        link_form=ReviewLinkForm(),
    )


def _missing(practice: Practice) -> list[Missing]:
    return [] if practice.has_ended else lacks([practice]).get(practice.id, [])


def sent(form: FlaskForm) -> dict[str, Any]:
    """What came with the form: a field that was not sent is left as it is, one that was sent empty is emptied."""
    return {name: value for name, value in form.data.items() if name in request.form and name != "csrf_token"}


@bp.get("/<slug>/edit")
@allow(*STAFF)
def editing(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    return render_template("practices/edit.html", practice=practice, form=EditPracticeForm(obj=practice))


@bp.post("/<slug>/edit")
@allow(*STAFF)
def edit(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    form = EditPracticeForm()
    problem = None
    if form.validate():
        changes = sent(form)
        try:
            with transaction(me().actor):
                actions.edit_practice(practice, **changes)
        except Refused as refused:
            problem = str(refused)
        else:
            flash("Saved.", "success")
            return redirect(url_for(".show", slug=slug), 303)
    return render_template("practices/edit.html", practice=practice, form=form, problem=problem), 422


@bp.get("/<slug>/<any(live, pause, resume, end, reopen):verb>")
@allow(*STAFF)
def moving(slug: str, verb: str) -> ResponseReturnValue:
    """Says what will happen before it does."""
    practice, move = practice_or_404(slug), Move(verb)
    if move not in practice.moves:
        flash(practice.cannot_now, "danger")
        return redirect(url_for(".show", slug=slug))
    _, label, words = MOVES[move]
    missing = _missing(practice) if move is Move.LIVE else []
    return render_template(
        "practices/move.html", practice=practice, verb=verb, label=label, words=words, missing=missing
    )


@bp.post("/<slug>/<any(live, pause, resume, end, reopen):verb>")
@allow(*STAFF)
def move(slug: str, verb: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    act, _, _ = MOVES[Move(verb)]
    try:
        with transaction(me().actor):
            act(practice)
    except Refused as refused:
        flash(str(refused), "danger")
    else:
        flash(f"{practice.name} is now {practice.status_words}.", "success")
    return redirect(url_for(".show", slug=slug), 303)


@bp.post("/<slug>/review-links/add")
@allow(*STAFF)
def add_review_link(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    form = ReviewLinkForm()
    if not form.validate():
        raise Refused("A review link needs the name of the site and an address.")
    with transaction(me().actor):
        actions.add_review_link(practice, form.label.data, form.url.data)
    return redirect(url_for(".show", slug=slug), 303)


@bp.post("/<slug>/review-links/<int:link_id>/remove")
@allow(*STAFF)
def remove_review_link(slug: str, link_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    link = next((link for link in practice.review_links if link.id == link_id), None) or abort(404)
    assert isinstance(link, ReviewLink)
    with transaction(me().actor):
        actions.remove_review_link(practice, link)
    return redirect(url_for(".show", slug=slug), 303)


@bp.app_template_filter("hours")
def hours(amount: Decimal | float) -> str:
    """ "12.5 h": hours without needless zeros."""
    return f"{float(amount):g}\u202fh"
