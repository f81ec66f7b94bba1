"""Whoever collects numbers is shown no more of them, and leads hear of it; whoever works never notices."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import PatientRead
from ops.db import db, transaction
from ops.desk import mailing
from ops.desk.models import NumberStop
from ops.mail.models import StaffMail
from ops.queue.actions import tasks
from ops.rhythm.actions.breaks import set_desk
from ops.rhythm.models import WrapUp
from ops.work.outcomes import Outcome
from tests.floors import NOON, claim, do, make_floor, make_task, record
from tests.world import make_user


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


def show(browser, task, expect=200):
    return browser.post(f"/tasks/{task.id}/reveal", data={"fence": task.fence}, expect=expect).text


def stops():
    return [(stop.shown, stop.unused) for stop in db.session.scalars(sa.select(NumberStop).order_by(NumberStop.id))]


def test_who_shows_and_lets_go_is_stopped_and_leads_are_told_once(lake, ann, sign_in, at_noon):
    do(set_desk, WrapUp.OPEN, 60, 120, 3, 90)
    lead, browser = make_user("lead", name="Lena Lead"), sign_in(ann)
    for _ in range(5):
        make_task(lake)
    for _ in range(3):
        task = claim(ann)
        show(browser, task)
        show(browser, task)  # looking again is no new number
        do(tasks.skip, task.id, ann.id, task.fence, ann.actor, "known", by=ann.actor)
        at_noon.tick(timedelta(minutes=2))
    task = claim(ann)
    page = show(browser, task, 409)
    assert "You were shown 3 numbers in the last hour for which you recorded nothing" in page
    assert "can be shown in 54 minutes. Your leads are told." in page
    show(browser, task, 409)
    browser.post(f"/tasks/{task.id}/reveal-address", data={"fence": task.fence}, expect=409)
    assert stops() == [(3, 3)]
    with transaction("mail"):
        [mail] = db.session.scalars(sa.select(StaffMail).where(StaffMail.kind == "numbers"))
        letter = mailing.letter(mail)
    assert letter.to == (lead.email,)
    assert "Ann Agent was shown 3 numbers within an hour and recorded nothing for 3" in letter.words
    board = " ".join(sign_in(lead).get("/queue", expect=200).text.split())
    assert "was shown 3 numbers within an hour and recorded nothing for 3 of them" in board
    seen = db.session.scalars(sa.select(PatientRead.what).where(PatientRead.user_id == ann.id)).all()
    assert seen.count("number") == 6
    at_noon.tick(timedelta(minutes=54))
    show(browser, claim(ann))  # an hour later the first of them counts no more


def test_who_calls_is_never_stopped_but_by_more_than_anybody_can_call(lake, ann, sign_in, at_noon):
    do(set_desk, WrapUp.OPEN, 60, 120, 3, 10)
    browser = sign_in(ann)
    for _ in range(12):
        make_task(lake)
    for _ in range(10):
        task = claim(ann)
        show(browser, task)
        record(task, ann, Outcome.NO_ANSWER)
        at_noon.tick(timedelta(seconds=30))
    page = show(browser, claim(ann), 409)
    assert "You were shown 10 numbers in the last hour, as many as anybody may be" in page
    assert stops() == [(10, 0)]


def test_leads_set_how_many_and_what_is_out_of_range_is_refused(lake, sign_in):
    browser = sign_in(make_user("lead"))
    form = {"wrap_up": "open", "wrap_up_seconds": 60, "idle_seconds": 120, "unused_numbers": 20, "numbers_an_hour": 60}
    browser.post("/floor/desk", data=form, expect=303)
    assert "20 numbers an hour without an outcome" in browser.get("/floor/desk", expect=200).text
    page = browser.post("/floor/desk", data=form | {"unused_numbers": 500}, expect=422).text
    assert "Numbers without an outcome must be 3 to 60" in page
