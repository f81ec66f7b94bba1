"""One log line per request: what was asked for by name, never by address (addresses hold ids), and how long it took."""

import secrets
import time

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger()
QUIET = frozenset({"static", "bootstrap.static", "runtime.alive", "runtime.ready", "desk.calls"})
"""Asked all the time; a line each would hide the others."""


def prepare(app: Flask) -> None:
    """Number each request and write its line."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id = secrets.token_hex(8)
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if request.endpoint in QUIET and response.status_code < 500:
        return response
    user = g.get("_login_user")  # where Flask-Login keeps it; asking it here would open the database again
    log.info(
        "request",
        method=request.method,
        endpoint=request.endpoint,
        status=response.status_code,
        ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
        user=getattr(user, "id", None),
    )
    return response
