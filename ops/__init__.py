"""Loopkeeper: one prioritized queue of referral follow-up for the patients of many practices. This file is the
factory."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """The web application, also the context of jobs and commands.

    Needs DATABASE_URL (or the embedded servers started by `ops.runtime.servers`). Raises RuntimeError without a
    database address and pydantic.ValidationError for a wrong setting.
    """
    gc.disable()  # what is made here stays: to look through it for garbage again and again is a sixth of a start
    try:
        return _made()
    finally:
        gc.freeze()
        gc.enable()


def _made() -> Flask:
    from flask import Flask  # here, not above: the small processes of ops.runtime start three times as fast without it

    from ops import models, patience, web
    from ops.config import settings
    from ops.crypto import secret_key
    from ops.db import db

    conf = settings()
    if not conf.database_url:
        raise RuntimeError("DATABASE_URL is not set and no embedded server was started")
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=secret_key(),
        SQLALCHEMY_DATABASE_URI=conf.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": conf.web_threads,
            "max_overflow": 4,
            "pool_timeout": 5,
            "hide_parameters": True,
        },
        MAX_CONTENT_LENGTH=(conf.import_max_mb + 1) * 1024 * 1024,
    )
    assert models.metadata.tables
    db.init_app(app)
    with app.app_context():
        patience.install(db.engine)
    _say_who_answers()
    _say_who_writes_mails()
    _say_who_hears_of_leaving()
    web.prepare(app)
    _register(app)
    return app


def _say_who_answers() -> None:
    """What a package asks of one above it, which it may not import: each question by whoever knows."""
    from ops.agency.queries import hours
    from ops.cadences import readiness
    from ops.cadences.last_look import look
    from ops.contact import rules
    from ops.contact.actions import follow_refusals, keep_refusals
    from ops.contact.said_yes import keep_yes
    from ops.messages import last_look
    from ops.practices import lacking, refusals

    refusals.kept_by(keep_refusals, follow_refusals, keep_yes)
    last_look.answered_by(look)
    lacking.looked_at_by(readiness.look)
    rules.courtesy_by(hours)


def _say_who_writes_mails() -> None:
    """Each kind of email to people with an account is written by the package it is about."""
    from ops.accounts import mailing as accounts
    from ops.concerns import mailing as concerns
    from ops.desk import mailing as desk
    from ops.mail.models import MailKind
    from ops.mail.outbox import written_by
    from ops.scripts import mailing as scripts

    written_by(MailKind.INVITATION, accounts.letter)
    written_by(MailKind.RESET, accounts.letter)
    written_by(MailKind.APPROVAL, scripts.letter)
    written_by(MailKind.CONCERN, concerns.letter)
    written_by(MailKind.NUMBERS, desk.letter)


def _say_who_hears_of_leaving() -> None:
    """The queue keeps nothing for who is away."""
    from ops.accounts import sessions
    from ops.queue.actions.assigning import sign_in_ended

    sessions.WHEN_ENDED[:] = [sign_in_ended]


def _register(app: Flask) -> None:
    """Every blueprint of the product, outermost package first."""
    from importlib import import_module

    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"ops.{name}.views").bp)


BLUEPRINTS = (
    "runtime", "accounts", "practices", "agency", "imports", "scripts", "messages", "referrals", "cadences", "concerns",
    "rhythm", "desk", "floor", "coaching", "experiments", "metrics", "record",
)  # fmt: skip
"""Packages that have pages; each has a `views.py` with a blueprint `bp`."""
