"""For whoever watches the installation: is the process alive, and can it serve. Public, and says nothing else."""

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from ops import background
from ops.accounts.access import public
from ops.config import settings
from ops.db import db
from ops.runtime import first_start, health

bp = Blueprint("runtime", __name__)


@bp.before_app_request
def say_what_is_built() -> ResponseReturnValue | None:
    """Until the first start is over nobody can sign in: the page says what is being built, and turns into the
    sign-in by itself."""
    if request.endpoint != "accounts.sign_in" or not (progress := first_start.under_way(settings().var_dir)):
        return None
    return render_template("runtime/first_start.html", progress=progress)


@bp.get("/healthz")
@public
def alive() -> Response:
    """200 as long as this process answers at all."""
    return jsonify(alive=True)


@bp.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """200 when database, queue and migrations are as this process needs them, else 503 with what is not."""
    url = settings().redis_url
    assert url is not None
    problems = health.ready(db.engine, background.bell(url))
    return jsonify(ready=not problems, problems=problems), 503 if problems else 200
