"""Who is asking, and may they. Signed in by default: a view is closed unless it says `@public`, and says its roles by
`@allow`.

The check runs before every view and before a body is read. The person is a detached snapshot taken once per request, so
it stays readable when the request goes on under the database role that sees one practice only.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user

from ops import clock
from ops.accounts import sessions
from ops.accounts.browsers import browser_name
from ops.accounts.models import Role, User
from ops.accounts.roles import AT_WORK, STAFF
from ops.config import settings
from ops.db import db, transaction
from ops.web import NAV
from ops.web.errors import answer, wants_json

View = TypeVar("View", bound=Callable[..., Any])

ENDPOINTS = frozenset(endpoint for endpoint, *_ in NAV)
OPEN_ENDPOINTS = frozenset({"static", "bootstrap.static", "runtime.alive"})
"""Answered without asking who is there, which may need the database."""
TOKEN = "sign_in"  # noqa: S105 (the name of a key)

IDLE_EXEMPT: list[Callable[[int], bool]] = []
"""Asked with a user's id whether they are at work although their browser is silent (the queue: works a task)."""


@dataclass(frozen=True)
class Badge:
    """What stands beside a place in the navigation: how many, and what that means in words."""

    number: str
    says: str
    urgent: bool = False


BADGES: dict[str, Callable[[User], Badge | None]] = {}
"""Asked for the endpoints of the navigation that have one (the queue: open concerns); one indexed query each."""

GOODBYES = {
    sessions.IDLE: "You were signed out after {minutes} minutes without activity.",
    sessions.OVER: "You were signed out: a sign-in lasts {hours} hours.",
    sessions.REVOKED: "You were signed out: this sign-in was ended from another place.",
    sessions.DEACTIVATED: "You were signed out: this account is not active any more.",
    sessions.PASSWORD_CHANGED: "You were signed out because the password was changed. Sign in with the new one.",
    sessions.ROLE_CHANGED: "You were signed out because your role was changed. Sign in again.",
}


def public(view: View) -> View:
    """Mark a view as open to everybody."""
    view.public = True  # type: ignore[attr-defined]
    return view


def allow(*roles: Role) -> Callable[[View], View]:
    """Mark a view as open to these roles only. It goes below the route, nearest to the function."""

    def mark(view: View) -> View:
        view.roles = frozenset(roles)  # type: ignore[attr-defined]
        return view

    return mark


anyone = allow(*Role)
"""Mark a view as open to everybody who is signed in."""
staff = allow(*STAFF)
"""Mark a view as open to leads and admins."""


def passive(view: View) -> View:
    """Mark a view that pages fetch by themselves (polling): it does not count as the person doing something."""
    view.passive = True  # type: ignore[attr-defined]
    return view


def me() -> User:
    """The signed-in person, read-only (a snapshot). 401 when nobody is: only in views that are not public."""
    user = somebody()
    if user is None:
        abort(401)
    return user


def somebody() -> User | None:
    """The signed-in person, or None."""
    user: Any = current_user  # a proxy that says nothing of its type
    return user._get_current_object() if user.is_authenticated else None


def _found() -> User | None:
    """Whom the check found. Pages ask this and not the database: the page that says it is down must not need it."""
    user = g.get("_login_user")
    return user if isinstance(user, User) else None


def install(app: Flask) -> None:
    """Put the check before every view, and the person into every page."""
    app.extensions["access"] = check
    manager = LoginManager(app)
    # a sign-in is a row of ours, which says itself when it is over; None is how its documentation says "off"
    manager.session_protection = None  # type: ignore[assignment]
    manager.request_loader(lambda _request: _recognise())
    manager.unauthorized_handler(_ask_to_sign_in)
    app.context_processor(lambda: {"me": _found(), "may_see": may_see, "places": places})
    app.jinja_env.globals.update(STAFF=STAFF, AT_WORK=AT_WORK)
    app.jinja_env.filters["browser_name"] = browser_name


def may_see(endpoint: str, roles: Collection[str]) -> bool:
    """Whether a navigation item is for the signed-in person and leads somewhere."""
    user = _found()
    return user is not None and user.role in roles and endpoint in current_app.view_functions


@dataclass(frozen=True)
class NavLink:
    """One place in the navigation. `here`: the page that is open belongs to it."""

    label: str
    address: str
    here: bool
    badge: Badge | None


def places(active: str | None = None, quiet: bool = False) -> list[NavLink]:
    """The navigation of the signed-in person. `active`: the place a page says it belongs to; `quiet`: nothing is asked
    of the database (the page that says it is down)."""
    user = _found()
    if user is None:
        return []
    mine = [(endpoint, label) for endpoint, label, roles in NAV if may_see(endpoint, roles)]
    return [
        NavLink(label, _address(endpoint), _is_here(endpoint, active), None if quiet else _badge(endpoint, user))
        for endpoint, label in mine
    ]


def _is_here(endpoint: str, active: str | None) -> bool:
    if request.endpoint == endpoint or request.endpoint in ENDPOINTS:
        return request.endpoint == endpoint
    return request.blueprint == endpoint.split(".")[0] and (active or endpoint) == endpoint


def _address(endpoint: str) -> str:
    """Addresses of the navigation never change: each is put together once per process."""
    known: dict[str, str] = current_app.extensions.setdefault("place_addresses", {})
    if endpoint not in known:
        known[endpoint] = url_for(endpoint)
    return known[endpoint]


def _badge(endpoint: str, user: User) -> Badge | None:
    asked = BADGES.get(endpoint)
    return asked(user) if asked else None


def check() -> ResponseReturnValue | None:
    """Let the request through (None), or answer it: sign-in page, 404 or 403."""
    g.auth_session_id = None
    if request.endpoint in OPEN_ENDPOINTS:
        return None
    view = current_app.view_functions.get(request.endpoint or "")
    user = somebody()
    if view is None or getattr(view, "public", False):
        return None  # no such page: the 404 is the same for everybody
    if user is None:
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
    if user.role not in getattr(view, "roles", frozenset()):
        # an address that names a thing must not tell that the thing exists
        abort(404 if request.view_args else 403)
    return None


def _recognise() -> User | None:
    """The person by the cookie, or None; says good-bye to an ended sign-in. Flask-Login asks once in a request."""
    token = session.get(TOKEN)
    if not isinstance(token, str):
        return None
    sign_in = sessions.by_token(token)
    if sign_in is None:
        _forget()
        return None
    now = clock.now()
    busy = _at_work(sign_in.user_id) if sessions.is_idle(sign_in, now) else False
    if why := sessions.why_over(sign_in, now, busy=busy):
        _say_goodbye(sign_in, why)
        return None
    passive_view = getattr(current_app.view_functions.get(request.endpoint or ""), "passive", False)
    if not passive_view and now - sign_in.last_seen_at >= sessions.SEEN_EVERY:
        with transaction(sign_in.user.actor):
            sessions.seen(sign_in.id)
    return _remember(sign_in)


def _at_work(user_id: int) -> bool:
    return any(hook(user_id) for hook in IDLE_EXEMPT)


def _remember(sign_in: sessions.SignIn) -> User:
    g.auth_session_id = sign_in.id
    db.session.rollback()
    return sign_in.user


def _say_goodbye(sign_in: sessions.SignIn, why: str) -> None:
    if sign_in.ended_at is None:
        with transaction(sign_in.user.actor):
            sessions.end(sign_in.id, why)
    _forget()
    if words := GOODBYES.get(why):
        minutes = sessions.idle_minutes(sign_in.user.role)
        flash(words.format(minutes=minutes, hours=settings().session_hours), "warning")


def _forget() -> None:
    """Drop what the browser carries, but for the token of the form it may be sending (to sign in, mostly)."""
    form_token = session.get("csrf_token")
    session.clear()
    if form_token:
        session["csrf_token"] = form_token


def _ask_to_sign_in() -> ResponseReturnValue:
    if wants_json():
        return answer(401, "Sign in first.")
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in", next=back if back != "/" else None), 303)


def enter(user: User, token: str) -> None:
    """Make the browser that is asking the one with this sign-in. What it carried before is dropped (fixation)."""
    session.clear()
    session[TOKEN] = token
    g._login_user = user  # whom Flask-Login answers with for the rest of this request


def carries_sign_in(app: Flask, cookie: str) -> bool:
    """Whether this cookie header is of a browser we once let in; the sign-in may be over. Asks no database."""
    browser = app.request_class({"HTTP_COOKIE": cookie})
    return TOKEN in (app.session_interface.open_session(app, browser) or {})


def local_path(address: str | None) -> str | None:
    """`address` if it is a path on this site, else None: a link to our sign-in page must not lead elsewhere."""
    if not address or not address.startswith("/") or address.startswith("//") or "\\" in address:
        return None
    if any(ord(character) < 32 for character in address):
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else address
