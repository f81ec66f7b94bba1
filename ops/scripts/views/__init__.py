"""The scripts' pages: lists, the editor, versions and what changed between them, and the practice's approval."""

from flask import Blueprint

bp = Blueprint("scripts", __name__)

from ops.scripts.views import approving, editor, lists, versions  # noqa: E402,F401  (they add their routes to bp)
