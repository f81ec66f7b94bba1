"""Loading a practice's files: upload, preview, progress, and the rows that were wrong."""

from flask import Blueprint

bp = Blueprint("imports", __name__, url_prefix="/practices")

from ops.imports.views import imports, uploads  # noqa: E402,F401  (they add their routes to bp)
