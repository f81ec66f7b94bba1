"""The practice pages of leads and admins."""

from importlib import import_module

from flask import Blueprint

bp = Blueprint("practices", __name__, url_prefix="/practices")

for _pages in ("practices", "contracts", "treatments"):
    import_module(f"ops.practices.views.{_pages}")
