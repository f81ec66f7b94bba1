"""Which scripts there are: the agency's, the practices' own, and those of one practice."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me, staff
from ops.accounts.queries import names_of
from ops.accounts.roles import Role
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices.access import practice_or_404
from ops.scripts import approvals, lists, rules, values
from ops.scripts.actions import approving, writing
from ops.scripts.checking import text_of
from ops.scripts.forms import OwnForm
from ops.scripts.lists import ScriptLine
from ops.scripts.models import ApprovalRule, Medium
from ops.scripts.views import bp
from ops.scripts.words import MEDIUM_WORDS, WORK, kind_words

LAST_PAGE = 10_000


@bp.get("/scripts")
@staff
def index() -> ResponseReturnValue:
    """What is said for each kind of work: the agency's text, and the practices that have their own."""
    search, kind = request.args.get("q", "").strip()[:200], request.args.get("kind", "")
    kind = kind if kind in WORK else ""
    page = request.args.get("page", "1")
    number = min(max(int(page), 1), LAST_PAGE) if page.isascii() and page.isdigit() and len(page) < 9 else 1
    agencys = lists.agencys()
    own, more = lists.own(search, kind, number)
    return render_template(
        "scripts/index.html",
        agencys=[line for line in agencys if not kind or line.script.kind == kind],
        own=own,
        more=more,
        page=number,
        search=search,
        kind=kind,
        counts=lists.counts_of_own(),
        practices=lists.practices_like(search) if search else [],
        names=_names([*agencys, *own]),
        **words(),
    )


def words() -> dict:
    """What every page of scripts calls things."""
    return {"kind_words": kind_words, "medium_words": MEDIUM_WORDS, "work": WORK}


def _names(lines: list[ScriptLine]) -> dict[str, str]:
    versions = (version for line in lines for version in (line.said, line.draft) if version)
    return names_of({actor for one in versions for actor in (one.published_by, one.edited_by, one.created_by) if actor})


@bp.get("/practices/<slug>/scripts")
@staff
def of_practice(slug: str) -> ResponseReturnValue:
    """What is said for one practice, what it has not told us, and whether it approves its own scripts."""
    practice = practice_or_404(slug)
    pairs = lists.of_practice(practice)
    known = values.of_practice(practice)
    rule = db.session.get(ApprovalRule, practice.id)
    missing = {}
    for agencys, own in pairs:
        said = own.said if own and own.said else agencys.said
        if said:
            missing[agencys.script.id] = rules.missing(text_of(agencys.script, said.subject, said.body), known)
    lines = [line for pair in pairs for line in pair if line]
    actors = {rule.set_by} if rule else set()
    return render_template(
        "scripts/practice.html",
        practice=practice,
        pairs=pairs,
        missing=missing,
        rule=rule,
        members=approvals.members_to_mail(practice.id),
        names=_names(lines) | names_of(actors),
        **words(),
    )


@bp.post("/practices/<slug>/scripts/start")
@staff
def start_own(slug: str) -> ResponseReturnValue:
    """Give the practice its own script, from the agency's text."""
    practice, form = practice_or_404(slug), OwnForm()
    if not form.validate() or form.kind.data not in WORK:
        raise Refused("Please choose the kind of work and the medium.")
    with transaction(me().actor):
        script = writing.start_own(practice, form.kind.data, Medium(form.medium.data), me().actor)
    flash("This is the agency’s text, as a draft. Nothing changes on the phone until you publish it.", "success")
    return redirect(url_for("scripts.edit", script_id=script.id), 303)


@bp.post("/practices/<slug>/scripts/approve-first")
@staff
def require_approval(slug: str) -> ResponseReturnValue:
    """Its own scripts are used only after it approved them."""
    practice = practice_or_404(slug)
    with transaction(me().actor):
        approving.require(practice.id, me().actor)
    flash("Its own scripts are published only after it approved them. What is in use stays in use.", "success")
    return redirect(url_for("scripts.of_practice", slug=slug), 303)


@bp.post("/practices/<slug>/scripts/no-approval")
@allow(Role.ADMIN)
def drop_approval(slug: str) -> ResponseReturnValue:
    """The agency publishes without asking again. Not by a lead: whoever writes a script does not decide that nobody
    else has to read it. The audit keeps who did."""
    practice = practice_or_404(slug)
    with transaction(me().actor):
        approving.stop_requiring(practice.id)
    flash("The agency publishes its scripts without asking.", "success")
    return redirect(url_for("scripts.of_practice", slug=slug), 303)
