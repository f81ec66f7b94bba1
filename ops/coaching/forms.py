"""Forms of coaching. They read shapes; what is allowed is decided in `actions`."""

from collections.abc import Mapping

from flask import request
from flask_wtf import FlaskForm
from wtforms import TextAreaField

from ops.coaching.actions import MOST_QUESTIONS, Asked
from ops.coaching.models import Mark
from ops.coaching.queries import Search
from ops.errors import Refused
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome

PERIODS = {"7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days"}
READ = {"mine": "I have not read", "nobody": "Nobody has read"}
EMPTY_ROWS = 2
"""Rows offered for new questions."""


class CommentForm(FlaskForm):
    words = TextAreaField("Comment")


def search_of(given: Mapping[str, str]) -> Search:
    """What a lead asked for; whatever is not one of the answers counts as not asked."""
    days, read = given.get("days", ""), given.get("read", "")
    return Search(
        agent_id=number(given.get("agent", "")),
        practice_id=number(given.get("practice", "")),
        kind=next((kind for kind in Kind if kind == given.get("kind")), None),
        outcome=next((outcome for outcome in Outcome if outcome == given.get("outcome")), None),
        days=int(days) if days in PERIODS else None,
        read=read if read in READ else "",
        no_opening="no_opening" in given,
        long_wrap="long_wrap" in given,
    )


def number(text: str) -> int | None:
    """An id as an address or a form has it; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def marks_sent() -> dict[int, Mark]:
    """The marks that were chosen, by position of the question."""
    sent: dict[int, Mark] = {}
    for position in range(1, MOST_QUESTIONS + 1):
        value = request.form.get(f"mark-{position}")
        if mark := next((mark for mark in Mark if mark == value), None):
            sent[position] = mark
    return sent


def rows_sent() -> list[tuple[str, str, bool]]:
    """The rows of the scorecard as they were typed: question, weight, critical."""
    return [
        (request.form.get(f"words-{row}", ""), request.form.get(f"weight-{row}", ""), f"critical-{row}" in request.form)
        for row in range(1, MOST_QUESTIONS + EMPTY_ROWS + 1)
        if f"words-{row}" in request.form
    ]


def asked_in(rows: list[tuple[str, str, bool]]) -> list[Asked]:
    """The questions of the rows that have words, in order. Raises Refused for a weight that is no number."""
    asked = []
    for words, weight, critical in rows:
        if not words.strip():
            continue
        if (value := number(weight.strip())) is None:
            raise Refused(f"“{words.strip()[:60]}” needs a weight, a whole number from 1 to 10.")
        asked.append(Asked(" ".join(words.split()), value, critical))
    return asked
