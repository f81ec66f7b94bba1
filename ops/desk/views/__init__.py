"""The agent's desk."""

from flask import Blueprint

from ops.accounts.access import IDLE_EXEMPT
from ops.queue.queries import has_task_in_hand

bp = Blueprint("desk", __name__)

from ops.desk.views import desk, sending  # noqa: E402,F401  (they add their routes to bp)

# an agent on a long call is at work, although their browser is silent
IDLE_EXEMPT.append(has_task_in_hand)
