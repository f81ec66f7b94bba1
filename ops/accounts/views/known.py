"""The mark by which a browser is known to have been let into an account: a signed cookie that outlives the sign-in.

It opens nothing. Whoever has it is told apart from strangers who guess at the same account (`ops/accounts/tries.py`).
"""

from flask import after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug import Response

from ops.accounts import tries
from ops.accounts.models import User
from ops.crypto import new_token

DAYS = 365
MOST = 8
"""Accounts that one browser is known to: a shared desk."""


def source(user: User) -> tries.Source:
    """Where the try comes from that is being made on this account."""
    mark = _marks().get(str(user.id))
    return tries.known_browser(mark) if mark else tries.stranger(request.remote_addr)


def is_known_to(email: str) -> bool:
    """Whether the browser is known to the account with this address: what strangers at its address do is not its
    doing."""
    marks = _marks()
    user = tries.account(email) if marks else None
    return user is not None and str(user.id) in marks


def remember(user: User) -> None:
    """From the answer to this request on the browser is known to the account."""
    marks = _marks()
    mark = marks.pop(str(user.id), None) or new_token()[:22]
    kept = dict([*marks.items()][-(MOST - 1) :]) | {str(user.id): mark}
    signed = _serializer().dumps(kept)
    config = current_app.config

    @after_this_request
    def _set(response: Response) -> Response:
        response.set_cookie(
            _name(),
            signed,
            max_age=DAYS * 86_400,
            secure=config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response


def _marks() -> dict[str, str]:
    """By account, as the browser says and we signed."""
    try:
        marks = _serializer().loads(request.cookies.get(_name(), ""), max_age=DAYS * 86_400)
    except BadSignature:
        return {}
    return dict(marks)


def _name() -> str:
    return str(current_app.config["SESSION_COOKIE_NAME"]) + "-known"


def _serializer() -> URLSafeTimedSerializer:
    assert current_app.secret_key
    return URLSafeTimedSerializer(current_app.secret_key, salt="known browser")
