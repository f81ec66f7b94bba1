"""The card's server time beside a bare page, in one process and in turns (`ops.bench.desk`)."""

import json
import sys
import time
from typing import Any
from wsgiref.util import setup_testing_defaults

import sqlalchemy as sa
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy

WARM_UP = 30


def measure(cards: int) -> dict[str, Any]:
    """Medians of `cards` pages of each kind."""
    from ops import create_app
    from ops.accounts.access import TOKEN
    from ops.config import settings
    from ops.db import db

    app = create_app()
    token = a_card_in_hand(app)
    statements: list[str] = []
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    client = app.test_client()
    with client.session_transaction() as session:
        session[TOKEN] = token
    card = _page(app, "/desk", _cookie(client))
    bare = _page(_bare(settings().database_url or ""), "/1", "")
    for page in (card, bare):
        for _ in range(WARM_UP):
            page()
    statements.clear()
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


def a_card_in_hand(app: Flask, agent_id: int = 1) -> str:
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


def _cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("loopkeeper")
    assert cookie
    return f"{cookie.key}={cookie.value}"


def _page(app: Flask, path: str, cookie: str) -> Any:
    """A function that asks for the page once and says its length; it must be answered with 200."""

    def ask() -> int:
        environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_COOKIE": cookie, "REQUEST_METHOD": "GET"}
        setup_testing_defaults(environ)
        told: list[str] = []
        answer = app.wsgi_app(environ, lambda status, headers, exc_info=None: told.append(status))  # type: ignore
        size = sum(len(part) for part in answer)
        close = getattr(answer, "close", None)
        if close:
            close()
        assert told[0].startswith("200"), told
        return size

    return ask


def _bare(url: str) -> Flask:
    """One page with one indexed query, as small as Flask and Flask-SQLAlchemy make it."""
    app = Flask("bare")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db = SQLAlchemy(app)
    by_key = sa.text("SELECT id, reason FROM tasks WHERE id = :id")
    line = "<!doctype html><title>Bare</title><h1>{{ row.id }}</h1>{{ row.reason }}"

    @app.get("/<int:task_id>")
    def page(task_id: int) -> str:
        row = db.session.execute(by_key, {"id": task_id}).one()
        return render_template_string(line, row=row)

    return app


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))  # noqa: T201 (for the one who started us)
