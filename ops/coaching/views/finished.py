"""The list of finished cards, and one picked by chance."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.accounts.roles import STAFF
from ops.coaching import forms, marking, queries
from ops.coaching.reading import length_words
from ops.coaching.views import bp
from ops.practices.models import Practice
from ops.practices.queries import read_by
from ops.work.kinds import KIND_WORDS, Kind
from ops.work.outcomes import OUTCOME_WORDS, rules_for

ASKED = ("agent", "practice", "kind", "outcome", "days", "read", "no_opening", "long_wrap")
OUTCOMES = dict.fromkeys(rule.outcome for kind in Kind for rule in rules_for(kind))


@bp.get("/coaching")
@allow(*STAFF)
def index() -> ResponseReturnValue:
    """Finished cards, newest first."""
    search = forms.search_of(request.args)
    lines, more = queries.finished(search, me().id, before())
    asked = narrowed()
    return render_template(
        "coaching/index.html",
        lines=lines,
        older=url_for(".index", **asked, before=written(lines[-1])) if more else None,
        newest=url_for(".index", **asked) if request.args.get("before") else None,
        search=search,
        asked=asked,
        agents=queries.agents(),
        practices=_practices(),
        averages=queries.averages(),
        answers=queries.unread_answers(),
        kind_words=KIND_WORDS,
        outcomes={outcome: OUTCOME_WORDS[outcome] for outcome in OUTCOMES},
        outcome_words=OUTCOME_WORDS,
        periods=forms.PERIODS,
        read=forms.READ,
        long_wrap_s=queries.LONG_WRAP_S,
        averaged_days=queries.AVERAGED.days,
        too_few=marking.TOO_FEW,
        length_words=length_words,
    )


def _practices() -> list[Practice]:
    return read_by(me())


def narrowed() -> dict[str, Any]:
    """What the list is narrowed by, for its links."""
    return {name: request.args[name] for name in ASKED if request.args.get(name)}


def written(line: queries.FinishedCard) -> str:
    """Where the next page begins."""
    return f"{line.attempt.at.isoformat()}~{line.attempt.id}"


def before() -> tuple[datetime, int] | None:
    """Where the page begins, as `written` wrote it; the newest for anything else."""
    at, _, last = request.args.get("before", "").partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    which = forms.number(last)
    return (moment, which) if moment.tzinfo and which else None


@bp.get("/coaching/sample")
@allow(*STAFF)
def sample() -> ResponseReturnValue:
    """A card this lead has not read, by chance, each agent's turn."""
    found = queries.sample(forms.search_of(request.args), me().id)
    if found:
        return redirect(url_for(".card", attempt_id=found), 303)
    flash(f"You have read every card of the last {queries.SAMPLED.days} days that fits.", "success")
    return redirect(url_for(".index", **narrowed()), 303)
