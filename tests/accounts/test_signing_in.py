"""Signing in and out, as a browser does it: what lets in, what locks out, what nobody learns."""

import re
import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from ops import clock
from ops.accounts import access, actions, jobs, links, passwords, tries
from ops.accounts.models import AuthSession, LinkPurpose, SignInTries
from ops.db import db, transaction
from ops.web import limiter
from tests.browser import Browser
from tests.world import make_user

PASSWORD = "four unrelated words"
WRONG = "do not belong together"
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.7"}
HERE = tries.stranger("127.0.0.1")


def enter(client, email="ada@example.com", password=PASSWORD, **words):
    return client.post("/sign-in", data={"email": email, "password": password}, **words)


def browser_of(app):
    app.test_client_class = Browser
    return app.test_client()


@pytest.fixture
def ada(app):
    return make_user("admin", email="ada@example.com", password=PASSWORD)


@pytest.fixture
def later(monkeypatch):
    """`later(minutes=5)` moves the clock of everything on."""
    real, moved = clock.now, timedelta(0)

    def on(**how_far):
        nonlocal moved
        moved += timedelta(**how_far)

    monkeypatch.setattr(clock, "now", lambda: real() + moved)
    return on


def test_a_person_signs_in_with_the_right_password_and_out_again(client, ada):
    client.get("/sign-in", expect=200)
    enter(client, " Ada@Example.com ", expect=303)
    client.get("/me/sign-ins", expect=200)
    client.post("/sign-out", expect=303)
    assert client.get("/me/sign-ins").location.startswith("/sign-in")


@pytest.mark.parametrize(
    "email", ["ada@example.com", "nobody@example.com", "closed@example.com", "invited@example.com"]
)
def test_every_failed_sign_in_is_answered_alike(client, ada, email):
    closed = make_user("agent", email="closed@example.com", password=PASSWORD)
    make_user("agent", email="invited@example.com")
    with transaction("test"):
        actions.deactivate(closed)
    password = "not the password" if email == "ada@example.com" else PASSWORD
    page = enter(client, email, password, expect=422)
    other = enter(client, "other@example.com", "another password", expect=422)
    assert WRONG in page.text
    assert _bare(page.text, email) == _bare(other.text, "other@example.com")
    client.get("/me/sign-ins", expect=303)


def _bare(html, email):
    """The page without what differs by itself: the form's token and what was typed."""
    return re.sub(r'(csrf[-_]token" (?:content|value))="[^"]*"', r"\1", html).replace(email, "")


def test_an_unknown_address_takes_as_long_as_a_wrong_password(client, monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())
    passwords._nobodys.cache_clear()
    make_user("admin", email="ada@example.com", password=PASSWORD)
    enter(client, "warm@example.com", "up")

    def seconds(email):
        began = time.perf_counter()
        enter(client, email, "wrong", expect=422)
        return time.perf_counter() - began

    known, unknown = seconds("ada@example.com"), seconds("nobody@example.com")
    assert 0.25 < known / unknown < 4  # without the hash for nobody it is above 10


def test_the_fifth_failure_locks_the_account_and_even_the_right_password_is_answered_like_a_wrong_one(
    client, ada, later
):
    for _ in range(5):
        enter(client, password="wrong", expect=422)
    assert WRONG in enter(client, expect=422).text
    later(seconds=61)
    enter(client, expect=303)
    assert db.session.scalars(sa.select(SignInTries)).all() == []


def count(user, source=HERE):
    """One try; the row of its source."""
    with transaction("test"):
        tries.count(user, source)
    return db.session.get(SignInTries, (user.id, source.name), populate_existing=True)


def test_the_lock_grows_from_one_to_fifteen_minutes(ada, later):
    minutes = []
    for _ in range(11):
        row = count(ada)
        if row.locked_until:
            minutes.append(round((row.locked_until - clock.now()).total_seconds() / 60))
            later(minutes=minutes[-1], seconds=1)
    assert minutes == [1, 2, 4, 8, 15, 15, 15]


def test_tries_while_locked_do_not_lengthen_the_lock(ada, later):
    for _ in range(30):
        row = count(ada)
    assert row.failed == 5


def test_failures_of_a_day_ago_count_no_more(ada, later):
    for _ in range(4):
        count(ada)
    later(days=1, seconds=1)
    assert count(ada).failed == 1
    later(days=1, seconds=1)
    jobs.upkeep()
    assert db.session.scalars(sa.select(SignInTries)).all() == []


def test_twenty_guesses_at_the_same_moment_are_still_five(app, ada):
    let_through = []

    def guess():
        with app.app_context():
            with transaction("test"):
                let_through.append(tries.count(tries.account("ada@example.com"), HERE))
            db.session.remove()

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(let_through) == 5


def test_a_stranger_who_guesses_for_ever_locks_out_only_the_stranger(app, ada, later):
    stranger, owner = browser_of(app), browser_of(app)
    for _ in range(100):  # most of two days, at every moment that is open
        count(ada, tries.stranger(ELSEWHERE["REMOTE_ADDR"]))
        later(minutes=15, seconds=1)
    enter(stranger, environ_overrides=ELSEWHERE, password="wrong", expect=422)
    assert WRONG in enter(stranger, environ_overrides=ELSEWHERE, expect=422).text
    enter(owner, expect=303)


def test_a_browser_that_was_let_in_before_is_let_in_beside_a_stranger_at_the_same_address(app, client, ada):
    enter(client, expect=303)
    client.post("/sign-out", expect=303)
    stranger = browser_of(app)
    for _ in range(40):
        enter(stranger, password="wrong")
    assert enter(stranger).status_code == 429
    enter(client, expect=303)


def test_strangers_at_many_addresses_close_the_account_to_unknown_browsers_for_an_hour_and_to_known_ones_never(
    app, client, ada, later
):
    enter(client, expect=303)
    client.post("/sign-out", expect=303)
    for number in range(10):
        for _ in range(5):
            count(ada, tries.stranger(f"203.0.113.{number}"))
    other = browser_of(app)
    assert WRONG in enter(other, environ_overrides=ELSEWHERE, expect=422).text
    enter(client, expect=303)
    later(hours=1, seconds=1)
    enter(other, environ_overrides=ELSEWHERE, expect=303)


def test_a_reset_link_makes_a_browser_known(app, ada):
    browser = browser_of(app)
    with transaction("test"):
        token = links.make_link(ada, LinkPurpose.RESET)
    browser.post(f"/link/{token}", data={"password": "other unrelated words"}, expect=303)
    for number in range(10):
        for _ in range(5):
            count(ada, tries.stranger(f"203.0.113.{number}"))
    enter(browser, password="other unrelated words", environ_overrides=ELSEWHERE, expect=303)


def test_a_known_browser_is_known_to_its_own_account_only_and_by_nothing_but_our_signature(app, client, ada):
    make_user("agent", email="bea@example.com", password="words of another person")
    enter(client, "bea@example.com", "words of another person", expect=303)
    client.post("/sign-out", expect=303)
    for _ in range(5):
        enter(client, password="wrong", expect=422)
    assert WRONG in enter(client, expect=422).text, "to Ada's account it is a stranger"
    forger = browser_of(app)
    forger.set_cookie("loopkeeper-known", f'{{"{ada.id}":"mine"}}')
    assert WRONG in enter(forger, expect=422).text


def test_a_known_browser_has_twenty_tries_before_it_waits(client, ada):
    enter(client, expect=303)
    client.post("/sign-out", expect=303)
    for _ in range(19):
        enter(client, password="wrong", expect=422)
    enter(client, expect=303)


def test_neighbors_in_an_ipv6_network_are_one_party():
    assert tries.stranger("2001:db8::1") == tries.stranger("2001:db8::ffff:1") != tries.stranger("2001:db8:0:1::1")


def test_one_address_may_fail_thirty_times_a_minute_and_people_who_succeed_are_not_counted(client, ada, monkeypatch):
    monkeypatch.setattr("ops.accounts.passwords.fits", lambda kept, password: kept is not None and password == PASSWORD)
    answers = [enter(client, f"a{n}@example.com", "wrong").status_code for n in range(31)]
    assert answers[:30] == [422] * 30 and answers[30] == 429
    # another address is not affected
    other = {"REMOTE_ADDR": "198.51.100.7"}
    enter(client, environ_overrides=other, expect=303)


def test_sign_in_works_while_redis_is_away(database_url, monkeypatch):
    from ops import create_app
    from ops.config import settings

    for name, value in vars(limiter).items():  # one object serves every application of this process: leave it as it was
        monkeypatch.setattr(limiter, name, value)
    monkeypatch.setenv("REDIS_URL", "unix:///nowhere/at/all.sock")
    settings.cache_clear()
    app = create_app()
    app.config.update(TESTING=True)
    app.test_client_class = Browser
    with app.app_context():
        make_user("admin", email="ada@example.com", password=PASSWORD)
        enter(app.test_client(), expect=303)
        db.session.remove()
        db.engine.dispose()


def test_after_signing_in_the_page_that_was_asked_for_comes(client, ada):
    door = client.get("/people?q=ada", expect=303).location
    assert door == "/sign-in?next=/people?q%3Dada"
    assert client.post(door, data={"email": ada.email, "password": PASSWORD}, expect=303).location == "/people?q=ada"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.com/",
        "//evil.example.com",
        "/\\evil.example.com",
        "\\\\evil",
        "javascript:alert(1)",
        "/\t/evil.example.com",
    ],
)
def test_the_sign_in_page_leads_nowhere_else(client, ada, elsewhere):
    answer = client.post("/sign-in", query_string={"next": elsewhere}, data={"email": ada.email, "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/")


def test_the_token_is_new_at_each_sign_in_and_what_the_browser_brought_is_dropped(client, ada):
    with client.session_transaction() as session:
        session["brought"] = "by an attacker"
    enter(client, expect=303)
    with client.session_transaction() as session:
        assert "brought" not in session
        first = session[access.TOKEN]
    client.post("/sign-out", expect=303)
    with client.session_transaction() as session:
        session[access.TOKEN] = "chosen by an attacker"
    enter(client, expect=303)
    with client.session_transaction() as session:
        assert session[access.TOKEN] not in (first, "chosen by an attacker")


def test_the_database_keeps_no_token(client, ada):
    enter(client, expect=303)
    with client.session_transaction() as session:
        token = session[access.TOKEN]
    kept = db.session.execute(sa.text("SELECT to_jsonb(s)::text FROM auth_sessions s")).scalar_one()
    assert token not in kept and token.encode().hex() not in kept


def test_a_cookie_that_was_signed_out_is_of_no_use(client, ada):
    enter(client, expect=303)
    with client.session_transaction() as session:
        token = session[access.TOKEN]
    client.post("/sign-out", expect=303)
    with client.session_transaction() as session:
        session[access.TOKEN] = token
    client.get("/me/sign-ins", expect=303)


def test_a_form_without_our_token_changes_nothing(client, ada):
    assert enter(client, csrf=False).status_code == 400
    client.get("/me/sign-ins", expect=303)


@pytest.mark.parametrize(
    ("role", "minutes"),
    [("agent", 10), ("lead", 30), ("admin", 30), ("member", 30)],
)
def test_who_is_idle_is_signed_out_an_agent_sooner_and_told_so(sign_in, later, role, minutes):
    browser = sign_in(make_user(role, present=False))
    later(minutes=minutes - 1, seconds=59)
    browser.get("/me/sign-ins", expect=200)
    later(minutes=minutes)
    answer = browser.get("/me/sign-ins", expect=303)
    words = f"after {minutes} minutes without activity"
    assert words in browser.get(answer.location).text
    assert words not in browser.get("/sign-in").text  # said once
    assert db.session.scalar(sa.select(AuthSession.ended_why)) == "idle"


def test_an_agent_with_a_task_in_hand_is_not_signed_out(sign_in, later, monkeypatch):
    agent = make_user("agent")
    monkeypatch.setattr(access, "IDLE_EXEMPT", [lambda user_id: user_id == agent.id])
    busy, idle = sign_in(agent), sign_in(make_user("agent"))
    later(minutes=30)
    busy.get("/me/sign-ins", expect=200)
    idle.get("/me/sign-ins", expect=303)


def test_everybody_is_signed_out_after_twelve_hours_whatever_happens(sign_in, later, monkeypatch):
    monkeypatch.setattr(access, "IDLE_EXEMPT", [lambda user_id: True])
    browsers = [sign_in(make_user(role)) for role in ("agent", "lead", "admin", "member")]
    for _ in range(2):
        later(hours=5, minutes=59)
        for browser in browsers:
            browser.get("/me/sign-ins", expect=200)
    later(minutes=2)
    for browser in browsers:
        answer = browser.get("/me/sign-ins", expect=303)
        assert "a sign-in lasts 12 hours" in browser.get(answer.location).text


def test_being_seen_is_written_once_in_fifteen_seconds(sign_in, later):
    browser = sign_in(make_user("agent", present=False))

    def seen():
        return db.session.scalar(sa.select(AuthSession.last_seen_at))

    first = seen()
    browser.get("/me/sign-ins")
    assert seen() == first
    later(seconds=16)
    browser.get("/me/sign-ins")
    assert seen() - first > timedelta(seconds=15)


def test_what_a_page_fetches_by_itself_is_no_activity(app, sign_in, later, monkeypatch):
    monkeypatch.setattr(app.view_functions["accounts.home"], "passive", True, raising=False)
    browser = sign_in(make_user("agent"))
    later(minutes=6)
    browser.get("/", expect=302)
    later(minutes=6)
    browser.get("/me/sign-ins", expect=303)


def test_a_closed_account_is_signed_out_at_once(sign_in):
    agent = make_user("agent")
    browser = sign_in(agent)
    with transaction("test"):
        actions.deactivate(agent)
    answer = browser.get("/me/sign-ins", expect=303)
    assert "this account is not active" in browser.get(answer.location).text


def test_programs_are_told_in_json(client, ada):
    answer = client.get("/people", headers={"Accept": "application/json"}, expect=401)
    assert answer.json["message"] == "Sign in first."
