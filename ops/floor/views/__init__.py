"""The lead's pages: the board, one task's story, who may work what, and how everybody's desk is set."""

from flask import Blueprint

bp = Blueprint("floor", __name__)

from ops.floor.views import board, controls, desk_settings, people  # noqa: E402,F401  (they add their routes to bp)
