"""The card's server time beside a bare page, in one process and in turns (`ops.bench.desk`)."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.util import setup_testing_defaults

import psycopg

from ops.bench.views import bare_page

WARM_UP = 30


def measure(cards: int) -> dict[str, Any]:
    """Medians of `cards` pages of each kind."""
    from ops import create_app
    from ops.accounts.access import TOKEN
    from ops.config import settings

    app = create_app()
    token = an_open_card(app)
    client = app.test_client()
    with client.session_transaction() as session:
        session[TOKEN] = token
    card = _page(app, "/desk", _cookie(client))
    bare = _page(bare_page(settings().database_url or ""), "/1", "")
    for page in (card, bare):
        for _ in range(WARM_UP):
            page()
    with counted() as statements:
        size = card()
    told = {"statements": len(statements), "page_kb": round(size / 1024, 1)}
    took: dict[str, list[float]] = {"card": [], "bare": []}
    for _ in range(cards):
        for name, page in (("card", card), ("bare", bare)):
            began = time.perf_counter()
            page()
            took[name].append(time.perf_counter() - began)
    card_ms, bare_ms = (1000 * sorted(took[name])[cards // 2] for name in ("card", "bare"))
    return told | {
        "card_ms": round(card_ms, 2),
        "bare_ms": round(bare_ms, 2),
        "ratio": round(card_ms / bare_ms, 2),
    }


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement the driver is given, whoever asks for it."""
    given: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(cursor: psycopg.Cursor[Any], query: Any, *more: Any, **named: Any) -> Any:
        given.append(str(query))
        return execute(cursor, query, *more, **named)

    psycopg.Cursor.execute = counting  # type: ignore[method-assign, assignment]
    try:
        yield given
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def an_open_card(app: Any, agent_id: int = 1) -> str:
    """Have the agent take a task; the token of a new sign-in of theirs."""
    from ops.accounts import sessions
    from ops.accounts.models import User
    from ops.db import db, transaction
    from ops.queue import jobs

    with app.app_context():
        agent = db.session.get_one(User, agent_id)
        actor = agent.actor
        with transaction("bench"):
            token = sessions.begin(agent, address=None, browser=None)
        if jobs.next_for(agent_id, actor) is None:
            raise RuntimeError("there is no task to take")
        return token


def _cookie(client: Any) -> str:
    cookie = client.get_cookie("loopkeeper")
    assert cookie
    return f"{cookie.key}={cookie.value}"


def _page(app: Any, path: str, cookie: str) -> Any:
    """A function that asks for the page once and says its length; it must be answered with 200."""

    def ask() -> int:
        environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_COOKIE": cookie, "REQUEST_METHOD": "GET"}
        setup_testing_defaults(environ)
        told: list[str] = []
        answer = app.wsgi_app(environ, lambda status, headers, exc_info=None: told.append(status))
        size = sum(len(part) for part in answer)
        close = getattr(answer, "close", None)
        if close:
            close()
        assert told[0].startswith("200"), told
        return size

    return ask


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))  # noqa: T201 (for the one who started us)
