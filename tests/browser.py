"""A test client that is as alone as a browser (its requests share nothing with the test's session) and as strict as a
reviewer: every page it is given is checked against the house style.
"""

import re
import secrets
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
UNLABELLED = {"hidden", "submit", "button"}


class Browser(FlaskClient):
    """Posts with a valid CSRF token of its own unless `csrf=False`; `expect` in a call asserts the status."""

    application: Flask

    def open(self, *args: Any, csrf: bool = True, expect: int | None = None, **words: Any) -> TestResponse:
        from ops.db import db

        if csrf and words.get("method") == "POST":
            words["headers"] = {**(words.get("headers") or {}), "X-CSRFToken": self._token()}
        if self.application.config["SESSION_COOKIE_SECURE"]:
            words.setdefault("base_url", "https://localhost")
        with self.application.app_context():
            response = super().open(*args, **words)
        db.session.expire_all()  # what the test reads next is what the request left behind
        if expect is not None:
            assert response.status_code == expect, f"{response.status_code}: {response.get_data(as_text=True)[:3000]}"
        if response.mimetype == "text/html" and not 300 <= response.status_code < 400:
            check_house_style(response.get_data(as_text=True))
        return response

    def _token(self) -> str:
        with self.application.app_context(), self.session_transaction() as session:
            raw = session.setdefault("csrf_token", secrets.token_hex(20))
        return URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token").dumps(raw)


class Page(HTMLParser):
    """What the house style looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: set[str] = set()
        self.labelled: set[str] = set()
        self.wanting: list[tuple[str, str]] = []
        self.headings = self.tables = self.captions = self.mains = 0
        self.title = ""
        self.language: str | None = None
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        self._count(tag)
        self._check_attributes(tag, given)
        if tag == "html":
            self.language = given.get("lang")
        if tag == "label" and given.get("for"):
            self.labelled.add(str(given["for"]))
        if (tag in ("select", "textarea") or (tag == "input" and given.get("type") not in UNLABELLED)) and not (
            "label" in self._open or given.get("aria-label") or given.get("aria-labelledby")
        ):
            self.wanting.append((tag, str(given.get("id"))))

    def _count(self, tag: str) -> None:
        self.headings += tag == "h1"
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.mains += tag == "main"

    def _check_attributes(self, tag: str, given: dict[str, str | None]) -> None:
        for name, value in given.items():
            if name == "style" or name.startswith("on"):
                self.faults.append(f"inline {name} on <{tag}>")
            if name in ("src", "href", "action") and value and value.strip().lower().startswith("javascript:"):
                self.faults.append(f"javascript: in {name}")
            if name == "src" and value and "//" in value:
                self.faults.append(f"<{tag}> loads from another host: {value}")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.faults.append("inline <script>")
        if tag == "style":
            self.faults.append("inline <style>")
        if tag == "img" and "alt" not in given:
            self.faults.append("<img> without alt")
        if (own := given.get("id")) is not None:
            if own in self.ids:
                self.faults.append(f"id {own!r} twice")
            self.ids.add(own)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title" and "svg" not in self._open:
            self.title += data
        if re.search(r"\bUTC\b", data):
            self.faults.append(f"a time in nobody's zone: {data.strip()!r}")


def check_house_style(html: str) -> None:
    """One h1, a language and a title, labels, captions, nothing inline, no UTC: what every page of ours owes its
    reader."""
    page = Page()
    page.feed(html)
    assert page.headings == 1, f"{page.headings} h1 on the page"
    assert page.mains == 1, f"{page.mains} main on the page"
    assert page.language, "the page does not say its language"
    assert page.title.split("·")[0].strip(), "the page has no title"
    assert page.tables == page.captions, "a table without a caption"
    unlabelled = [what for what in page.wanting if what[1] not in page.labelled]
    assert not unlabelled, f"no label for {unlabelled}"
    assert not page.faults, page.faults
