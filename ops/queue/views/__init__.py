"""The queue's pages: the agent's desk, the lead's board, and the cadences of a practice."""

from flask import Blueprint

from ops.accounts.access import IDLE_EXEMPT
from ops.queue.queries import has_task_in_hand

bp = Blueprint("queue", __name__)

from ops.queue.views import (  # noqa: E402,F401  (they add their routes to bp)
    board,
    cadences,
    concerns,
    controls,
    desk,
    experiments,
    floor,
    rhythm,
    sending,
)

# an agent on a long call is at work, although their browser is silent
IDLE_EXEMPT.append(has_task_in_hand)
