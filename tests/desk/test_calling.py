"""An idle desk calls its agent: what it asks for is cheap and true, and is no sign of life."""

from datetime import timedelta

import pytest
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import AuthSession
from ops.db import db
from ops.desk.actions.key_settings import keys_of
from ops.rhythm.actions import breaks
from ops.rhythm.models import BreakKind
from tests.floors import do, make_floor, make_task
from tests.world import make_user

JSON = {"Accept": "application/json"}
NOON = "2026-03-11 17:00:00"


@pytest.fixture
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


def asked(browser):
    return browser.get("/desk/calls", headers=JSON, expect=200).json


def test_work_and_promises_are_told_apart_and_a_break_is_quiet(app, sign_in, at_noon):
    ann, bob = make_user("agent"), make_user("agent")
    browser = sign_in(ann)
    assert (asked(browser)["ready"], asked(browser)["says"]) == (0, "Nothing can be worked right now.")
    task = make_task(make_floor())
    assert (asked(browser)["ready"], asked(browser)["promised"]) == (1, 0)
    assert asked(browser)["says"] == "1 task can be worked now."
    task.owner_id, task.owner_until = ann.id, clock.now() + timedelta(hours=1)
    task.promised_at = clock.now() + timedelta(minutes=1)
    db.session.commit()
    assert asked(browser)["promised"] == 0
    task.promised_at = clock.now() - timedelta(minutes=1)
    db.session.commit()
    assert asked(browser)["says"] == "1 callback you promised is due. 1 task can be worked now."
    assert asked(browser)["title"] == "Callback due · Loopkeeper"
    assert asked(sign_in(bob))["promised"] == 0
    do(breaks.start_break, ann.id, BreakKind.LUNCH, ann.actor)
    assert asked(browser)["ready"] == asked(browser)["promised"] == 0


def test_what_cannot_be_made_now_does_not_call(app, sign_in, at_noon):
    ann = make_user("agent")
    task = make_task(make_floor())
    task.owner_id, task.owner_until = ann.id, clock.now() + timedelta(hours=1)
    task.promised_at, task.offered = clock.now(), False
    db.session.commit()
    assert (asked(sign_in(ann))["promised"], asked(sign_in(ann))["ready"]) == (0, 0)


def test_asking_is_no_sign_of_life_and_ends_with_the_sign_in(app, sign_in):
    browser = sign_in(make_user("agent"))
    before = clock.now() - timedelta(minutes=9)
    db.session.query(AuthSession).update({"last_seen_at": before})
    db.session.commit()
    asked(browser)
    assert {each.last_seen_at for each in db.session.query(AuthSession)} == {before}
    db.session.query(AuthSession).update({"last_seen_at": before - timedelta(minutes=2)})
    db.session.commit()
    browser.get("/desk/calls", headers=JSON, expect=401)


@pytest.mark.parametrize("ring", ["title", "nothing", "sound"])
def test_each_person_says_how_they_are_called_and_their_keys_stay(app, sign_in, ring):
    ann = make_user("agent")
    browser = sign_in(ann)
    assert 'data-ring="sound"' in browser.get("/desk").text
    browser.post("/desk/keys", data={"no_answer": "q", "dials": "y"}, expect=303)
    browser.post("/desk/ring", data={"ring": ring}, expect=303)
    assert f'data-ring="{ring}"' in browser.get("/desk").text
    own = keys_of(ann.id)
    assert (own.keys, own.dials, own.ring) == ({"no_answer": "q"}, True, ring)
    browser.post("/desk/keys", data={"no_answer": "q"}, expect=303)
    assert keys_of(ann.id).ring == ring
    for wrong in ("loud", ""):
        browser.post("/desk/ring", data={"ring": wrong}, expect=400)
