"""Somebody signs out, or goes, in the moment in which they are given a card: it is kept for nobody who has left."""

import threading
import time

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts import sessions
from ops.db import db, driver_transaction, transaction
from ops.queue import jobs
from ops.queue.actions import assigning, claiming
from ops.queue.models import Task
from ops.rhythm.actions.breaks import CardIsOpen, start_break
from ops.rhythm.models import BreakKind
from ops.work.states import TaskState
from tests.floors import NOON, fresh, make_floor, make_task
from tests.world import make_user

WAITS = sa.text(
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
    " WHERE NOT l.granted AND l.locktype = 'advisory' AND d.datname = current_database()"
)


@pytest.fixture(autouse=True)
def clock_():
    with clock.movable(NOON) as move:
        yield move


def beside(app, work):
    """`work` in a session of its own; returns when it waits for a lock of ours."""

    def run() -> None:
        with app.app_context(), clock.moved_to(NOON):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 5
    while thread.is_alive() and time.monotonic() < until:
        with db.engine.connect() as look:
            if look.scalar(WAITS):
                return thread
    raise AssertionError("it did not wait")


@pytest.fixture
def given(app):
    task = make_task(make_floor("lake"))
    return task, make_user("agent")


def sign_out(ann) -> None:
    sessions.end_all(ann.id, sessions.SIGNED_OUT)


def is_free(task) -> bool:
    now = fresh(task)
    return (now.state, now.held_by, now.owner_id) == (TaskState.WAITING, None, None)


def test_who_signs_out_while_their_claim_is_going_on_gives_it_back(app, given):
    task, ann = given

    def leave() -> None:
        with transaction(ann.actor):
            sign_out(ann)

    with driver_transaction() as connection:
        assert claiming.claim_next(connection, ann.id, ann.actor, []).id == task.id
        thread = beside(app, leave)
    thread.join()
    assert is_free(task)


def test_a_claim_that_waited_for_a_sign_out_gives_it_back(app, given):
    task, ann = given

    def take() -> None:
        jobs.next_for(ann.id, ann.actor)
        with transaction(ann.actor):
            assert assigning.left_meanwhile(ann.id, ann.actor)

    with transaction(ann.actor):
        sign_out(ann)
        thread = beside(app, take)
    thread.join()
    assert is_free(task)


def test_who_says_done_for_the_day_while_their_claim_is_going_on_is_told_of_the_card(app, given):
    task, ann = given
    told = []

    def leave() -> None:
        try:
            with transaction(ann.actor):
                start_break(ann.id, BreakKind.DONE, ann.actor)
        except CardIsOpen as problem:
            told.append(problem)

    with driver_transaction() as connection:
        assert claiming.claim_next(connection, ann.id, ann.actor, []).id == task.id
        thread = beside(app, leave)
    thread.join()
    assert len(told) == 1 and db.session.get_one(Task, task.id, populate_existing=True).held_by == ann.id
