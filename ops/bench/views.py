"""The yardstick of `ops bench desk`: one page with one indexed query, as small as Flask makes it."""

import sqlalchemy as sa
from flask import Flask, render_template_string
from flask_sqlalchemy import SQLAlchemy


def bare_page(url: str) -> Flask:
    """An application with the one page, at /TASK."""
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
