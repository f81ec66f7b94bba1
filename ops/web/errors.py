"""Error pages: what happened, what to do next, nothing about the inside. As JSON for programs that ask for it."""

from contextlib import suppress

import structlog
from flask import Flask, Response, current_app, flash, g, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from ops.db import db
from ops.errors import Refused
from ops.patience import is_busy

log = structlog.get_logger()
BUSY_S = 5
"""After so many seconds a program that met a busy database may ask again."""

WORDS = {
    400: (
        "That did not arrive as it should",
        "Part of it cannot be read. Go back, reload the page and try again.",
    ),
    403: ("Not open to you", "Your role does not include this page. If it should, ask an admin."),
    404: ("Nothing here", "The page does not exist, or it is not yours to see."),
    405: ("Not that way", "This address is used by a form. Start from the page the form is on."),
    413: ("Too large", "What was sent is larger than this page takes."),
    415: ("Not a format we read", "What was sent is not in a form this page can read."),
    429: ("Too many tries", "Wait a minute, then try again."),
    503: (
        "Busy, please try again",
        "The database did not answer in time. See whether what you did is there, and if not, do it again in a moment.",
    ),
    500: (
        "Something broke on our side",
        "Nothing was changed. Try again; if it stays so, tell an admin the number below.",
    ),
}
FORM_EXPIRED = "The form was too old: you signed in or out since it was opened. Please send it again."


def prepare(app: Flask) -> None:
    """Answer every exception with a page."""
    app.register_error_handler(HTTPException, _page)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(UnicodeEncodeError, _unstorable)
    app.register_error_handler(Exception, _broke)


def wants_json() -> bool:
    """Whether the caller is a program that asked for JSON rather than a person with a browser."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def answer(code: int, words: str | None = None) -> tuple[Response | str, int]:
    """The error `code` as a page or as JSON; `words` in place of the usual explanation."""
    title, usual = WORDS.get(code) or WORDS[400 if code < 500 else 500]
    if wants_json():
        return jsonify(error=title, message=words or usual, request=g.get("request_id")), code
    return render_template("errors/error.html", title=title, words=words or usual, code=code), code


def _page(problem: HTTPException) -> ResponseReturnValue:
    if problem.response is not None or problem.code is None or problem.code < 400:
        return problem  # a redirect, or an answer somebody made on purpose
    body, code = answer(problem.code)
    response = current_app.make_response((body, code))
    for name, value in problem.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _form_expired(problem: CSRFError) -> ResponseReturnValue:
    return answer(400, FORM_EXPIRED)


def _refused(problem: Refused) -> ResponseReturnValue:
    """A refusal no view caught: back to the page the form was on, with the sentence."""
    db.session.rollback()
    here = request.referrer or ""
    if wants_json() or request.method == "GET" or not here.startswith(request.host_url):
        return answer(400, str(problem))
    flash(str(problem), "danger")
    return redirect(here, 303)


def _busy(problem: Exception) -> ResponseReturnValue:
    """The database was waited for in vain. The page asks it for nothing."""
    with suppress(SQLAlchemyError):
        db.session.rollback()
    log.error("database_busy", endpoint=request.endpoint, exc_info=problem)
    response = current_app.make_response(answer(503))
    response.headers["Retry-After"] = str(BUSY_S)
    return response


def _unstorable(problem: Exception) -> ResponseReturnValue:
    """A value the database cannot hold (a number too large, a date out of range) came from outside."""
    db.session.rollback()
    log.warning("unstorable_input", exc_info=problem)
    return answer(400)


def _broke(problem: Exception) -> ResponseReturnValue:
    if is_busy(problem):
        return _busy(problem)
    if current_app.testing:
        raise problem
    db.session.rollback()
    log.error("request_failed", endpoint=request.endpoint, exc_info=problem)
    return answer(500)
