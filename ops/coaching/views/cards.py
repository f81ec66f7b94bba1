"""One finished card: read, commented, marked."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.accounts.models import Role
from ops.accounts.roles import STAFF
from ops.coaching import actions, forms, marking
from ops.coaching.models import Mark
from ops.coaching.queries import LONG_WRAP_S, average_of
from ops.coaching.reading import Finished, finished_card, length_words, may_reread
from ops.coaching.views import bp
from ops.db import transaction
from ops.errors import Refused
from ops.floor import words
from ops.messages.words import STATE_TAGS, STATE_WORDS
from ops.practices.actions import note_read
from ops.web.filters import moment
from ops.work import outcomes, states
from ops.work.kinds import KIND_WORDS
from ops.work.outcomes import TALKS
from ops.work.reads import ReadOf
from ops.work.states import EventKind

READERS = (Role.AGENT, *STAFF)
MARKS = {Mark.MET: "Met", Mark.PARTLY: "Partly", Mark.MISSED: "Missed", Mark.NOT_APPLICABLE: "Not applicable"}


def _card_or_404(attempt_id: int) -> Finished:
    """Every card for leads; for agents their own, once a lead said something about it."""
    if me().role is Role.AGENT and not may_reread(attempt_id, me().id):
        abort(404)
    return finished_card(attempt_id) or abort(404)


@bp.get("/coaching/<int:attempt_id>")
@allow(*READERS)
def card(attempt_id: int) -> ResponseReturnValue:
    """The finished card. Looking is noted (docs/rules.md A12), and that note is what says who has read it."""
    return _page(attempt_id)


def _page(attempt_id: int, **kept: Any) -> ResponseReturnValue:
    found = _card_or_404(attempt_id)
    with transaction(me().actor):
        note_read(me(), found.patient, ReadOf.FINISHED_CARD, attempt_id)
    own = found.attempt.agent_id == me().id
    new = [turn for turn in found.turns if not turn.comment.read_at and turn.agent is not own]
    page = render_template(
        "coaching/card.html",
        card=found,
        own=own,
        staff=me().role in STAFF,
        new={turn.comment.id for turn in new} if own or me().role in STAFF else set(),
        new_score=own and found.score is not None and not found.score.read_at,
        why=_why(found),
        did=_did(found),
        average=average_of(found.attempt.agent_id),
        too_few=marking.TOO_FEW,
        spoke=found.attempt.outcome in TALKS,
        kind_words=KIND_WORDS,
        outcome_words=outcomes.OUTCOME_WORDS,
        states=STATE_WORDS,
        tags=STATE_TAGS,
        mark_words=MARKS,
        length_words=length_words,
        long_wrap_s=LONG_WRAP_S,
        **{"problem": None, "typed": "", "sent": None, "place": ""} | kept,
    )
    return page, 422 if kept.get("problem") else 200


def _why(found: Finished) -> list[str]:
    """Why this task was theirs just then, as the claim kept it."""
    if found.claimed is None:
        return []
    return words.why_words(found.claimed.facts or {}, found.practices, lambda at: moment(at, found.practice.zone))


def _did(found: Finished) -> list[tuple[str, str, bool]]:
    """What the outcome set off: what, more about it, and whether it was another task of the same person."""
    lines = []
    for event in found.events:
        more = words.event_words(event, found.names, lambda at: moment(at, found.practice.zone))
        if event.kind is EventKind.OPENED:
            more = ""
        lines.append((states.MOVES[event.kind].words, more, event.task_id != found.task.id))
    return lines


def _do(attempt_id: int, verb: Any, place: str, typed: str = "", sent: dict[int, Mark] | None = None) -> Any:
    """Do it in a transaction; None when done, otherwise the page that says why not, with what was typed."""
    if me().role is Role.AGENT and not may_reread(attempt_id, me().id):
        abort(404)
    if finished_card(attempt_id) is None:
        return _gone(typed) if typed else abort(404)
    try:
        with transaction(me().actor):
            verb()
    except Refused as problem:
        return _page(attempt_id, problem=str(problem), typed=typed, sent=sent, place=place)
    return None


def _gone(typed: str) -> ResponseReturnValue:
    """The outcome was taken back while somebody wrote about it: the words are theirs to keep."""
    problem = "There is no such call any more: its outcome was taken back. Your comment was not kept."
    back = url_for("coaching.mine" if me().role is Role.AGENT else "coaching.index")
    return render_template("desk/lost.html", problem=problem, typed={"note": typed}, back=back), 409


@bp.post("/coaching/<int:attempt_id>/comment")
@allow(*READERS)
def comment(attempt_id: int) -> ResponseReturnValue:
    """Say something about it."""
    typed = forms.CommentForm().words.data or ""
    refused = _do(attempt_id, lambda: actions.comment(attempt_id, typed, me()), "talk", typed=typed)
    if refused:
        return refused
    flash("Sent.", "success")
    return redirect(url_for(".card", attempt_id=attempt_id, _anchor="talk"), 303)


@bp.post("/coaching/<int:attempt_id>/read")
@allow(*READERS)
def read(attempt_id: int) -> ResponseReturnValue:
    """What the other side said was read."""
    return _do(attempt_id, lambda: actions.read(attempt_id, me()), "talk") or redirect(
        url_for(".card", attempt_id=attempt_id), 303
    )


@bp.post("/coaching/<int:attempt_id>/score")
@allow(*STAFF)
def score(attempt_id: int) -> ResponseReturnValue:
    """Mark it by the scorecard the form showed."""
    sent, version = forms.marks_sent(), forms.number(request.form.get("version", "")) or 0
    refused = _do(attempt_id, lambda: actions.score(attempt_id, version, sent, me()), "marks", sent=sent)
    if refused:
        return refused
    flash("Marked. The agent sees it on their next page.", "success")
    return redirect(url_for(".card", attempt_id=attempt_id, _anchor="marks"), 303)
