"""The practice approves what is said in its name: asked by a lead, answered on a public page in ten seconds.

The link is the key: each of the practice's people has their own, for fourteen days and one answer. Whoever is signed
in as anybody else is refused, so that nobody of the agency answers in a practice's name. Looking at the page changes
nothing, since email scanners look at links too.
"""

from flask import Response, abort, flash, make_response, render_template, request
from flask.typing import ResponseReturnValue

from ops.accounts.access import me, public, somebody, staff
from ops.db import db, transaction
from ops.errors import Refused
from ops.mail import client
from ops.practices.models import Practice
from ops.scripts import approvals, checking, values
from ops.scripts.actions import approving
from ops.scripts.actions.approving import CLOSED
from ops.scripts.actions.writing import Seen
from ops.scripts.approvals import LinkState
from ops.scripts.forms import AnswerForm
from ops.scripts.models import ApprovalAnswer, ApprovalLink, Script, ScriptApproval, ScriptVersion
from ops.scripts.preview import preview
from ops.scripts.views import bp
from ops.scripts.views.editor import saved_then
from ops.scripts.views.lists import words
from ops.web import limiter

LIMIT = "60 per minute"


@bp.post("/scripts/<int:script_id>/ask")
@staff
def ask_practice(script_id: int) -> ResponseReturnValue:
    """Store what was typed, and make the link by which the practice approves it."""

    def done(version: ScriptVersion) -> None:
        with transaction(me().actor):
            approving.ask_practice(script_id, Seen(version.id, version.revision), me().actor)
        late = "" if client.is_set_up() else " No email server is set up: the question waits until there is one."
        flash(f"The practice’s people are asked by email; only they get the link.{late}", "success")

    return saved_then(script_id, done)


def is_wrong(response: Response) -> bool:
    """Only links that lead nowhere are counted: people of one practice share an address."""
    return response.status_code == 404


@bp.get("/approve/<token>")
@public
@limiter.limit(LIMIT, deduct_when=is_wrong)
def approval(token: str) -> ResponseReturnValue:
    """What would be said in the practice's name, and two buttons."""
    return _page(_link_or_404(token), token, AnswerForm(formdata=None))


@bp.post("/approve/<token>/yes")
@public
@limiter.limit(LIMIT, deduct_when=is_wrong)
def approve(token: str) -> ResponseReturnValue:
    """The practice says yes."""
    return _answer(token, ApprovalAnswer.APPROVED)


@bp.post("/approve/<token>/change")
@public
@limiter.limit(LIMIT, deduct_when=is_wrong)
def ask_for_change(token: str) -> ResponseReturnValue:
    """The practice wants it different."""
    return _answer(token, ApprovalAnswer.CHANGE)


def _link_or_404(token: str) -> ApprovalLink:
    link = approvals.by_token(token) or abort(404)
    user = somebody()
    if user and not approvals.is_of_practice(user, link.practice_id):
        abort(Response(render_template("scripts/not_yours.html", user=user), 403))
    return link


def _answer(token: str, given: ApprovalAnswer) -> ResponseReturnValue:
    link, form = _link_or_404(token), AnswerForm()
    link_id, member = link.id, f"user:{link.user_id}"
    source = approving.Source(request.remote_addr, request.user_agent.string)
    db.session.rollback()
    try:
        with transaction(member):
            approving.answer(link_id, given, form.name.data or "", form.words.data or "", source)
    except Refused as problem:
        return _page(_link_or_404(token), token, form, str(problem), 422)
    return _page(_link_or_404(token), token, form)


def _page(
    link: ApprovalLink, token: str, form: AnswerForm, problem: str | None = None, code: int = 200
) -> ResponseReturnValue:
    """Not for search engines: the address is a key."""
    asked = db.session.get_one(ScriptApproval, link.approval_id)
    version = db.session.get_one(ScriptVersion, asked.version_id)
    script = db.session.get_one(Script, version.script_id)
    practice = db.session.get_one(Practice, asked.practice_id)
    state = approvals.standing_of(asked, version)
    text = checking.text_of(script, version.subject, version.body)
    is_still_there = state is not LinkState.CHANGED and asked.text_hash == approvals.text_hash(version)
    shown = render_template(
        "scripts/approve.html",
        asked=asked,
        link=link,
        script=script,
        version=version,
        practice=practice,
        state=state,
        closed=CLOSED.get(state),
        # what is not there any more as it was asked about, or answered to, is not shown as if it were
        seen=preview(text, values.of_practice(practice), values.PEOPLE) if is_still_there else None,
        form=form,
        token=token,
        problem=problem if state is LinkState.OPEN else None,
        **words(),
    )
    response = make_response(shown, code if state is LinkState.OPEN else 200)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
