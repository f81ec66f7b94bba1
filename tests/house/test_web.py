"""What every page has in common: headers, errors that tell nothing, input no database can hold, discreet logs."""

import io
import json
import logging
import re

import pytest
import structlog
from flask import Flask

from ops.config import settings
from ops.errors import Refused
from ops.web import filters, requests
from tests.browser import check_house_style
from tests.world import make_user

NAME = "Josephine Example"


@pytest.fixture
def own_app(database_url, redis_url):
    """An application of its own, to which a test may add routes or settings."""
    from ops import create_app
    from ops.db import db
    from tests.browser import Browser

    made = []

    def make(**environment) -> Flask:
        app = create_app()
        app.test_client_class = Browser
        made.append(app)
        context = app.app_context()
        context.push()
        made.append(context)
        return app

    yield make
    for context in reversed(made[1::2]):
        db.session.remove()
        db.engine.dispose()
        context.pop()


def test_every_answer_has_the_security_headers(client, sign_in):
    admin = sign_in(make_user("admin"))
    for answer in (client.get("/sign-in"), client.get("/nowhere"), client.get("/people"), admin.get("/people")):
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        for part in (
            "default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"
        ):  # fmt: skip
            assert part in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


def test_over_tls_the_cookie_is_secure_and_browsers_are_told_to_stay(own_app, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "https://desk.example.com")
    settings.cache_clear()
    answer = own_app().test_client().get("/sign-in", base_url="https://desk.example.com")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-loopkeeper=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_the_cookie_is_closed_to_scripts_and_to_other_sites(client):
    cookie = client.get("/sign-in").headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; ")) and "Domain" not in cookie


@pytest.mark.parametrize(("hops", "seen"), [(0, "127.0.0.1"), (1, "198.51.100.2"), (2, "203.0.113.9")])
def test_forwarded_addresses_are_believed_for_exactly_our_proxies(own_app, monkeypatch, hops, seen):
    monkeypatch.setenv("TRUSTED_PROXIES", str(hops))
    settings.cache_clear()
    app = own_app()
    from flask import request

    from ops.accounts.access import public

    app.add_url_rule("/whence", "whence", public(lambda: {"address": request.remote_addr}))
    headers = {"X-Forwarded-For": "10.6.6.6, 203.0.113.9, 198.51.100.2"}
    assert app.test_client().get("/whence", headers=headers).json == {"address": seen}


@pytest.mark.parametrize("code", [400, 403, 404, 405, 413, 429, 500])
def test_every_error_has_a_page_that_helps_and_a_json_that_says_the_same(own_app, code):
    app = own_app()
    from flask import abort

    from ops.accounts.access import public

    app.add_url_rule("/broken", "broken", public(lambda: abort(code)))
    page = app.test_client().get("/broken", expect=code)
    check_house_style(page.text)
    answer = app.test_client().get("/broken", headers={"Accept": "application/json"}, expect=code)
    assert answer.json["message"] in page.text.replace("&#39;", "'")
    assert answer.json["request"] == answer.headers["X-Request-Id"]


def crash():
    raise ValueError(f"duplicate key: Key (name)=({NAME}) already exists")


def test_an_unforeseen_error_tells_its_number_to_the_person_and_its_place_but_no_data_to_the_log(own_app, capsys):
    app = own_app()
    from ops.accounts.access import public

    app.add_url_rule("/crash/<name>", "crash", public(lambda name: crash()))
    page = app.test_client().get(f"/crash/{NAME}", expect=500)
    told = capsys.readouterr().err
    assert NAME not in page.text and "ValueError" not in page.text and "Traceback" not in page.text
    assert NAME not in told and "Josephine" not in told
    lines = [json.loads(line) for line in told.splitlines()]
    [failure] = [line for line in lines if line["event"] == "request_failed"]
    assert failure["error"] == "ValueError" and failure["raised"][-1].endswith("crash")
    assert failure["request"] == page.headers["X-Request-Id"] and failure["request"] in page.text


def test_what_is_asked_all_the_time_writes_no_lines(app, client, capsys):
    assert set(app.view_functions) >= requests.QUIET
    capsys.readouterr()
    client.get("/healthz")
    assert capsys.readouterr().err == ""


def test_a_request_is_one_line_without_its_address(client, sign_in, capsys):
    user = make_user("admin")
    capsys.readouterr()
    sign_in(user).get(f"/people?q={NAME}", expect=200)
    [line] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert NAME not in json.dumps(line)
    assert set(line) == {"event", "level", "timestamp", "request", "method", "endpoint", "status", "ms", "user"}
    assert (line["endpoint"], line["status"], line["user"]) == ("accounts.people", 200, user.id)


def test_a_log_line_keeps_only_what_is_allowed(app, capsys):
    structlog.get_logger().info("imported", patient=NAME, phone="+13125550100", row={"name": NAME}, count=3)
    line = json.loads(capsys.readouterr().err)
    assert line["count"] == 3 and not {"patient", "phone", "row"} & set(line)


def test_other_libraries_warnings_are_told_without_their_words(app, capsys):
    logging.getLogger("some.library").warning("could not parse %s", NAME)
    try:
        crash()
    except ValueError:
        logging.getLogger("some.library").exception("while reading %s", NAME)
    told = capsys.readouterr().err
    assert NAME not in told
    first, second = (json.loads(line) for line in told.splitlines())
    assert first["logger"] == "some.library" and second["error"] == "ValueError"


@pytest.mark.parametrize("address", ["/people?q=%00", "/people?%00=1", "/people?q=%ed%a0%80", "/sign-in?next=%00"])
def test_a_query_no_database_can_hold_is_a_bad_request(sign_in, address):
    assert sign_in(make_user("admin")).get(address).status_code in (200, 303, 400)
    if "%00" in address:
        sign_in(make_user("admin")).get(address, expect=400)


@pytest.mark.parametrize("path", ["/people/%00", "/link/%00", "/%00", "/practices/%00", "/people/1%00"])
def test_a_path_no_database_can_hold_is_not_found(sign_in, path):
    sign_in(make_user("admin")).get(path, expect=404)


@pytest.mark.parametrize("field", ["email", "name"])
def test_a_form_no_database_can_hold_is_a_bad_request(sign_in, field):
    good = {"email": "a@example.com", "name": "A", "role": "agent"}
    sign_in(make_user("admin")).post("/people/add", data={**good, field: "a\0b@example.com"}, expect=400)


def test_strange_bodies_break_nothing(client, sign_in):
    admin = sign_in(make_user("admin"))
    for kind, body in (
        ("application/x-www-form-urlencoded", b"%ff%fe=%00&=&&"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("application/json", b"{"),
        ("text/plain", b"\xff" * 100),
    ):
        for browser in (client, admin):
            answer = browser.post("/people/add", data=body, content_type=kind)
            assert answer.status_code in (303, 400, 422), f"{kind}: {answer.status_code}"
            browser.post("/sign-in", data=body, content_type=kind)


def test_a_body_that_is_too_large_is_refused_in_words(client):
    for body in ({"email": "x" * 3_000_000, "password": "x"}, {"email": (io.BytesIO(b"x" * 3_000_000), "a.csv")}):
        answer = client.post("/sign-in", data=body, expect=413)
        assert "larger than this page takes" in answer.text


def test_a_strangers_body_is_not_read(own_app):
    app = own_app()

    class Stream(io.BytesIO):
        def readinto(self, buffer):
            raise AssertionError("the body was read before anybody asked who sent it")

        read = readline = read1 = readinto

    answer = app.test_client().post(
        "/people/add", input_stream=Stream(), content_length=10, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 303


def test_a_refusal_no_view_caught_goes_back_to_the_form_with_its_sentence(own_app):
    app = own_app()
    from ops.accounts.access import public

    def refuse():
        raise Refused("This cannot be done on a Sunday.")

    app.add_url_rule("/refuse", "refuse", public(refuse), methods=["GET", "POST"])
    client = app.test_client()
    client.post("/refuse", headers={"Referer": "http://localhost/sign-in"}, expect=303)
    assert "on a Sunday" in client.get("/sign-in").text
    elsewhere = client.post("/refuse", headers={"Referer": "http://evil.example.com/"}, expect=400)
    assert "on a Sunday" in elsewhere.text
    assert "on a Sunday" in client.get("/refuse", expect=400).text


def test_without_the_access_check_nothing_is_answered(own_app):
    app = own_app()
    del app.extensions["access"]
    app.test_client().get("/sign-in", expect=500)


def test_the_wrong_method_says_which_are_right(sign_in):
    answer = sign_in(make_user("admin")).get("/sign-out", expect=405)
    assert "POST" in answer.headers["Allow"]


def test_everything_a_page_loads_is_there_and_ours(client):
    page = client.get("/sign-in").text
    loaded = re.findall(r'(?:src|href)="([^"]+\.(?:css|js|svg)[^"]*)"', page)
    assert len(loaded) >= 4
    for address in loaded:
        assert address.startswith("/")
        client.get(address, expect=200)


def test_navigation_shows_what_the_role_may_open_and_nothing_else(sign_in):
    agent, admin = (sign_in(make_user(role)).get("/me/sign-ins").text for role in ("agent", "admin"))
    assert "People" not in agent.split("</header>")[0]
    assert "People" in admin.split("</header>")[0]


@pytest.mark.parametrize(
    ("filter_", "value", "more", "words"),
    [
        ("moment", "2026-03-03T19:05:00+00:00", ("America/New_York",), "Mar 3, 2026, 2:05 PM EST"),
        ("moment", "2026-07-03T19:05:00+00:00", ("America/Los_Angeles",), "Jul 3, 2026, 12:05 PM PDT"),
        ("moment", "2026-11-01T06:30:00+00:00", ("America/New_York",), "Nov 1, 2026, 1:30 AM EST"),
        ("moment", "2026-03-03T19:05:00+00:00", ("Asia/Manila",), "Mar 4, 2026, 3:05 AM Manila time"),  # not "PST"
        ("moment", "2026-03-03T19:05:00+00:00", ("America/Havana",), "Mar 3, 2026, 2:05 PM Havana time"),  # not "CST"
        ("clock_time", "2026-03-03T19:05:00+00:00", ("America/Sao_Paulo",), "4:05 PM Sao Paulo time"),  # not "-03"
        ("clock_time", "2026-03-03T19:05:00+00:00", ("Pacific/Guam",), "5:05 AM ChST"),
        ("moment", "2026-03-03T19:05:00+00:00", (), "Mar 3, 2026, 2:05 PM EST"),
        ("day", "2026-03-04T02:00:00+00:00", ("America/New_York",), "Mar 3, 2026"),
        ("day", "2026-03-04T02:00:00+00:00", (), "Mar 3, 2026"),
    ],
)
def test_moments_are_written_in_the_zone_that_matters(filter_, value, more, words):
    from datetime import datetime

    assert getattr(filters, filter_)(datetime.fromisoformat(value), *more) == words


def test_lengths_of_work_are_in_hours_and_minutes():
    from ops.phrases import length_words

    assert [length_words(each) for each in (0, 9, 59.6, 120, 312, 72_000)] == [
        "0 min",
        "9 min",
        "1 h",
        "2 h",
        "5 h 12 min",
        "1,200 h",
    ]


def test_shares_carry_their_counts():
    assert filters.percent_of(16, 20) == "80% (16 of 20)"
    assert filters.percent_of(1, 3) == "33% (1 of 3)"
    assert filters.percent_of(0, 0) == "0 of 0"
