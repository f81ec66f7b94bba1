"""The practice approves what is said in its name: asked by a lead, answered on a public page in ten seconds.

The link is the key: it is signed, works for fourteen days and for one answer, and says what it is for. Looking at the
page changes nothing, since email scanners look at links too.
"""

from flask import Response, abort, flash, make_response, render_template
from flask.typing import ResponseReturnValue

from ops.accounts.access import me, public, staff
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices.models import Practice
from ops.scripts import approvals, checking, values
from ops.scripts.actions import approving
from ops.scripts.actions.approving import CLOSED
from ops.scripts.actions.writing import Seen
from ops.scripts.approvals import LinkState
from ops.scripts.forms import AnswerForm
from ops.scripts.models import ApprovalAnswer, Script, ScriptApproval, ScriptVersion
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
            approval = approving.ask_practice(script_id, Seen(version.id, version.revision), me().actor)
            people = approvals.members_to_mail(approval.practice_id)
        told = "It is emailed to the practice’s people where an email server is set; " if people else ""
        flash(f"The link is below, under “The practice’s approval”. {told}you can also copy it.", "success")

    return saved_then(script_id, done)


def is_wrong(response: Response) -> bool:
    """Only links that lead nowhere are counted: people of one practice share an address."""
    return response.status_code == 404


@bp.get("/approve/<token>")
@public
@limiter.limit(LIMIT, deduct_when=is_wrong)
def approval(token: str) -> ResponseReturnValue:
    """What would be said in the practice's name, and two buttons."""
    return _page(_approval_or_404(token), token, AnswerForm(formdata=None))


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


def _approval_or_404(token: str) -> ScriptApproval:
    return approvals.by_token(token) or abort(404)


def _answer(token: str, given: ApprovalAnswer) -> ResponseReturnValue:
    asked, form = _approval_or_404(token), AnswerForm()
    approval_id, practice_id = asked.id, asked.practice_id
    db.session.rollback()
    try:
        with transaction(f"practice:{practice_id}"):
            approving.answer(approval_id, given, form.name.data or "", form.words.data or "")
    except Refused as problem:
        return _page(_approval_or_404(token), token, form, str(problem), 422)
    return _page(_approval_or_404(token), token, form)


def _page(
    asked: ScriptApproval, token: str, form: AnswerForm, problem: str | None = None, code: int = 200
) -> ResponseReturnValue:
    """Not for search engines: the address is a key."""
    version = db.session.get_one(ScriptVersion, asked.version_id)
    script = db.session.get_one(Script, version.script_id)
    practice = db.session.get_one(Practice, asked.practice_id)
    state = approvals.standing_of(asked, version)
    text = checking.text_of(script, version.subject, version.body)
    is_still_there = state is not LinkState.CHANGED and asked.text_hash == approvals.text_hash(version)
    shown = render_template(
        "scripts/approve.html",
        asked=asked,
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
