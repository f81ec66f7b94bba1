"""The agent's desk: one card, one script, one key per outcome, and the next card by itself.

Whoever asks with `X-Desk` (the desk's own script) is answered with the next card at once, instead of being sent there;
without it every press is an ordinary form and a redirect.
"""

from flask import Blueprint

from ops.accounts.access import IDLE_EXEMPT
from ops.queue.queries import has_task_in_hand

bp = Blueprint("desk", __name__)

from ops.desk.views import holding, leaving, outcomes, own, sending, showing  # noqa: E402,F401  (they add routes)

# an agent on a long call is at work, although their browser is silent
IDLE_EXEMPT.append(has_task_in_hand)
