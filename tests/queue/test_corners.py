"""Corners of the queue: work nobody would get, friends known by an address, hours that change, accounts that close."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.contact import actions as contact
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.errors import Refused
from ops.floor import actions
from ops.practices import actions as practices
from ops.practices.models import Practice
from ops.queue import jobs
from ops.queue.actions import assigning, friends, lanes, shares, tasks
from ops.queue.models import Share, Task
from ops.referrals.actions import NewFriend, receive_referral
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.states import TaskState
from tests.queue_world import NOON, claim, open_for, practice_of, share_of
from tests.world import make_patient, make_user


@pytest.fixture
def agent(app):
    with freeze_time(NOON):
        yield make_user(Role.AGENT)


def finish_next(agent) -> int:
    """Take the next task and finish it, its estimate charged; whose it was."""
    task = claim(agent)
    with transaction("test"):
        tasks.finish(db.session.get_one(Task, task.id), "test")
    return task.practice_id


def friend_with_address(practice: Practice) -> Task:
    with transaction("test"):
        friend = NewFriend("Bo Friend", "+13125550199", "bo@example.com", OptIn.FORM)
        referral = receive_referral(practice, make_patient(practice), friend, actor="test", ask=None)
        return friends.open_friend_task(referral, "test")


def test_a_friend_who_opted_out_by_email_is_not_called(agent):
    practice = practice_of()
    task = friend_with_address(practice)
    with transaction("test"):
        contact.suppress(contact_key("bo@example.com"), "all", "DNC_INTERNAL", "wrote so", "test", practice.id)
    assert claim(agent) is None
    assert db.session.get_one(Task, task.id, populate_existing=True).state is TaskState.CANCELLED


def test_a_friend_with_an_address_nobody_minds_is_called(agent):
    assert claim(agent) is None
    task = friend_with_address(practice_of())
    assert claim(agent).id == task.id


@pytest.mark.parametrize("language", ["en-US", "pt-BR"])
def test_whoever_speaks_a_language_speaks_it_with_every_country(agent, language):
    task = open_for(make_patient(practice_of(), language=language))
    with transaction("test"):
        actions.set_profile(agent.id, [language], None, True)
    assert claim(agent).id == task.id


def test_who_has_no_number_any_more_comes_onto_no_card_and_is_not_lost(agent):
    practice = practice_of()
    patient = make_patient(practice)
    task = open_for(patient)
    with transaction("test"):
        practices.correct_patient(practice, patient, phone=None)
    assert claim(agent) is None
    task = db.session.get_one(Task, task.id, populate_existing=True)
    assert (task.state, task.shut_reasons) == (TaskState.WAITING, ["no_number"])


def test_a_practice_whose_baa_ran_out_hides_no_work_of_others(agent):
    without, other = practice_of(), practice_of()
    for _ in range(130):
        open_for(make_patient(without))
    task = open_for(make_patient(other))
    with transaction("test") as session:
        session.execute(sa.update(Practice).where(Practice.id == without.id).values(baa_on=None))
        session.execute(sa.update(Share).where(Share.practice_id == other.id).values(virtual_time=50))
    assert claim(agent).id == task.id


def test_who_was_served_without_a_contract_is_served_again_under_one(agent):
    old, new = practice_of(hours=20), practice_of(hours=None)
    for _ in range(30):
        open_for(make_patient(old))
    for _ in range(8):
        open_for(make_patient(new), promised_at=clock.now())
    assert {finish_next(agent) for _ in range(8)} == {new.id}
    for _ in range(20):
        open_for(make_patient(new))
    with transaction("test"):
        practices.set_contract(new, 20, clock.today(new.zone))
        shares.refresh_shares()
    served = [finish_next(agent) for _ in range(24)]
    assert served.count(new.id) == pytest.approx((24 - 8) / 2, abs=1), "the eight calls it had count, and no more"


def test_a_weight_that_is_changed_back_leaves_what_was_owed_as_it_was(agent):
    one, other = practice_of(), practice_of()
    for practice in (one, other):
        open_for(make_patient(practice))
    with transaction("test") as session:
        session.execute(sa.update(Share).where(Share.practice_id == other.id).values(virtual_time=2.0))
    for weight, behind in ((4, 0.5), (1, 2.0)):
        with transaction("test"):
            actions.set_weight(other.id, Decimal(weight), "busy week")
        assert share_of(other).virtual_time == pytest.approx(behind)


def test_shares_that_are_as_they_should_be_are_not_locked(agent):
    practice = practice_of()
    with db.engine.connect() as other, other.begin():
        other.execute(sa.text("SELECT FROM shares WHERE practice_id = :id FOR UPDATE"), {"id": practice.id})
        with transaction("test") as session:
            session.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
            shares.refresh_shares()


def test_what_was_assigned_to_an_account_that_is_closed_is_everybodys(agent):
    gone = make_user(Role.AGENT)
    task = open_for(make_patient(practice_of()))
    with transaction("test") as session:
        assigning.assign(task.id, gone.id, "test")
        gone.active = False
        session.merge(gone)
    assert claim(agent).id == task.id


def test_nothing_is_shut_for_more_than_a_month(agent):
    open_for(make_patient(practice_of()), Kind.REPLY)
    task = claim(agent)
    with transaction("test"), pytest.raises(Refused, match="too far"):
        tasks.snooze(task.id, agent.id, task.fence, agent.actor, clock.now() + timedelta(days=31))


def test_two_who_find_nothing_as_lanes_open_and_work_comes_due_do_not_wait_for_each_other(app, monkeypatch):
    with freeze_time("2026-03-10 12:30:00"):  # before eight in Chicago
        opening, coming = practice_of(), practice_of()
        for practice in (opening, coming):
            open_for(make_patient(practice))
        jobs.upkeep()
        open_for(make_patient(coming), Kind.RECALL, ready_at=datetime(2026, 3, 10, 13, 0, tzinfo=UTC))
        ids = [opening.id, coming.id]
        db.session.remove()
    offered, blocked, problems = threading.Event(), threading.Event(), []
    refresh, first = shares.refresh_open, threading.current_thread

    def slowly() -> None:
        if first().name == "first":
            offered.set()
            blocked.wait(0.5)
        refresh()

    monkeypatch.setattr(shares, "refresh_open", slowly)

    def press() -> None:
        try:
            moment = clock.moved_to(datetime(2026, 3, 10, 13, 0, 1, tzinfo=UTC))
            with app.app_context(), moment, transaction("tick"):
                lanes.refresh()
        except sa.exc.OperationalError as problem:
            problems.append(str(problem.orig))

    one, other = threading.Thread(target=press, name="first"), threading.Thread(target=press, name="second")
    one.start()
    assert offered.wait(10)
    other.start()
    one.join()
    other.join()
    assert problems == []
    assert [db.session.get_one(Share, one).has_open for one in ids] == [True, True]


def test_work_without_a_lane_is_found_again_promises_first_then_the_oldest_whosever_it_is(agent):
    first, second = practice_of(), practice_of()
    late, early = open_for(make_patient(first)), open_for(make_patient(second))
    promised = open_for(make_patient(second), promised_at=clock.now())
    with transaction("test") as session:
        session.execute(sa.update(Task).values(lane_id=None, offered=False))
        session.execute(sa.update(Task).where(Task.id == early.id).values(ready_at=clock.now() - timedelta(hours=1)))
    found = []
    for _ in range(3):
        with transaction("test"):
            lanes.fit_waiting(1)
        found += set(db.session.scalars(sa.select(Task.id).where(Task.offered))) - set(found)
    assert found == [promised.id, early.id, late.id]
