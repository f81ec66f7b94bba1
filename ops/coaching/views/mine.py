"""An agent's own calls that a lead said something about."""

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.accounts.roles import AT_WORK
from ops.coaching import marking, queries
from ops.coaching.views import bp
from ops.coaching.views.finished import before, written
from ops.work.kinds import KIND_WORDS
from ops.work.outcomes import OUTCOME_WORDS


@bp.get("/coaching/mine")
@allow(*AT_WORK)
def mine() -> ResponseReturnValue:
    """Commented and scored cards of whoever asks, what is new first."""
    cards, more = queries.own_cards(me().id, before())
    return render_template(
        "coaching/mine.html",
        cards=cards,
        older=url_for(".mine", before=written(cards[-1].line)) if more else None,
        newest=url_for(".mine") if request.args.get("before") else None,
        average=queries.average_of(me().id),
        averaged_days=queries.AVERAGED.days,
        too_few=marking.TOO_FEW,
        kind_words=KIND_WORDS,
        outcome_words=OUTCOME_WORDS,
    )
