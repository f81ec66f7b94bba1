"""The first start: what the sign-in page says until people can sign in, and who may know the demo's password."""

import pytest

from ops.accounts.passwords import fits
from ops.config import EVERY_ADDRESS, settings
from ops.db import db
from ops.demo import agency
from ops.demo.cli import new_passwords
from ops.runtime import first_start, state
from ops.runtime.first_start import Progress
from tests.world import make_user


@pytest.fixture
def starting(app, tmp_path, monkeypatch):
    """An app that runs on a folder of its own; the phase it is in is written by the function that is given."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    settings.cache_clear()
    (tmp_path / "run").mkdir()
    lock = state.take(tmp_path)
    yield lambda phase: state.write(tmp_path, state.AppState(1, "http://127.0.0.1:8000", phase, "2026-03-11T12:00:00Z"))
    lock.close()
    settings.cache_clear()


def test_until_people_can_sign_in_the_page_says_how_far_the_demo_is(starting, client, tmp_path):
    starting("starting")
    assert "Building the demo agency" in client.get("/sign-in").text, "nobody is there yet"
    starting("demo")
    make_user("admin")
    first_start.note(tmp_path, Progress(0.4, "day 37 of 91"))
    page = client.get("/sign-in")
    assert page.status_code == 200
    for words in ("Day 37 of 91", 'value="40"', '<meta http-equiv="refresh"'):
        assert words in page.text, words
    assert client.get("/healthz").status_code == 200
    (tmp_path / "run" / "demo.json").write_text("{")
    assert "Starting" in client.get("/sign-in").text, "what cannot be read is no reason not to answer"
    first_start.over(tmp_path)
    starting("running")
    assert "Password" in client.get("/sign-in").text


def test_an_app_that_starts_with_people_in_it_lets_them_in_at_once(starting, client):
    make_user("admin")
    starting("starting")
    assert "Password" in client.get("/sign-in").text


@pytest.mark.parametrize(
    ("given", "private", "address"),
    [
        ({}, True, "http://127.0.0.1:8000"),
        ({"HOST": "::1"}, True, "http://[::1]:8000"),
        ({"HOST": "192.0.2.7"}, False, "http://192.0.2.7:8000"),
        ({"PUBLIC_URL": "https://ops.example.com/"}, False, "https://ops.example.com"),
        ({"HOST": "0.0.0.0", "PUBLIC_URL": "http://127.0.0.1:8000"}, False, "http://127.0.0.1:8000"),
    ],
)
def test_an_installation_is_private_only_where_this_machine_alone_reaches_it(monkeypatch, given, private, address):
    for name in ("HOST", "PORT", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    assert (settings().is_private, settings().address) == (private, address)
    settings.cache_clear()


@pytest.mark.parametrize("host", sorted(EVERY_ADDRESS - {""}))
def test_links_never_lead_to_every_address(monkeypatch, host):
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    monkeypatch.setenv("HOST", host)
    settings.cache_clear()
    assert not settings().is_private
    assert host not in settings().address
    settings.cache_clear()


def test_before_others_reach_the_pages_the_demos_people_get_a_password_of_their_own(starting, tmp_path, capsys):
    known = make_user("admin", email=agency.ADMIN[1], password=agency.PASSWORD)
    changed = make_user("lead", email=agency.LEADS[0][1], password="a word of my own 7")
    stranger = make_user("agent", email="dana@clinic.example.net", password=agency.PASSWORD)
    new_passwords()
    db.session.expire_all()
    said = (tmp_path / "demo-accounts.txt").read_text()
    password = said.rpartition(" ")[2].strip()
    assert said == capsys.readouterr().out
    assert not fits(known.password_hash, agency.PASSWORD)
    assert fits(known.password_hash, password)
    assert fits(changed.password_hash, "a word of my own 7")
    assert fits(stranger.password_hash, agency.PASSWORD), "nobody of the demo"
    new_passwords()
    assert (tmp_path / "demo-accounts.txt").read_text() == said, "and only once"
