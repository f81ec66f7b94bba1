"""What every page has in common: headers, errors, logs, forms, limits, navigation.

`prepare(app)` is called once by the factory, before the blueprints. The order of what happens before a view matters and
is written down here: the request is given a number, its address is checked, then who is asking (by
`ops.accounts.access`, which puts itself into `app.extensions["access"]`: without it nothing is answered at all), and
only then is a body read.
"""

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from ops import logs
from ops.config import settings
from ops.web import errors, filters, headers, input, limits, requests, statics

__all__ = ["NAV", "csrf", "limiter", "prepare", "takes_files"]

csrf = CSRFProtect()
"""`@csrf.exempt` is for endpoints that are called by other programs (one-click unsubscribe, provider callbacks)."""
limiter = limits.limiter
takes_files = input.takes_files

NAV: list[tuple[str, str, frozenset[str]]] = [
    # (endpoint, label, roles that see it)
    ("desk.desk", "Desk", frozenset({"agent", "lead"})),
    ("rhythm.my_day", "My day", frozenset({"agent"})),  # leads reach it from the desk: their bar is full
    ("floor.board", "Queue", frozenset({"lead", "admin"})),
    ("concerns.concerns", "Concerns", frozenset({"lead", "admin", "member"})),
    ("referrals.friends", "Friends", frozenset({"lead", "admin", "member"})),
    ("coaching.mine", "My calls", frozenset({"agent"})),
    ("coaching.index", "Coaching", frozenset({"lead", "admin"})),
    ("practices.index", "Practices", frozenset({"lead", "admin"})),
    ("record.search", "Patients", frozenset({"lead", "admin"})),
    ("scripts.index", "Scripts", frozenset({"lead", "admin"})),
    ("messages.outbox", "Outbox", frozenset({"lead", "admin"})),
    ("metrics.index", "Reports", frozenset({"lead", "admin", "member"})),
    ("accounts.people", "People", frozenset({"lead", "admin"})),
]


def prepare(app: Flask) -> None:
    """Give the application its manners. Call before any blueprint is registered (the number converter is replaced
    here).
    """
    logs.configure()
    conf = settings()
    secure = conf.cookie_secure if conf.cookie_secure is not None else conf.address.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="__Host-loopkeeper" if secure else "loopkeeper",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over lunch still works
        BOOTSTRAP_SERVE_LOCAL=True,
        MAX_FORM_MEMORY_SIZE=input.BIGGEST_FORM,
        MAX_FORM_PARTS=2000,
    )
    if hops := conf.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    requests.prepare(app)
    input.prepare(app)
    app.before_request(lambda: app.extensions["access"]())
    app.before_request(input.limit_body)
    app.before_request(input.refuse_nul_in_body)
    limits.prepare(app)
    csrf.init_app(app)
    Bootstrap5(app)
    statics.prepare(app)
    filters.prepare(app)
    headers.prepare(app)
    errors.prepare(app)
