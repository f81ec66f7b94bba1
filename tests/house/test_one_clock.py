"""A process whose clock is not the database's takes nothing from anybody and sends nothing; tests and demos may move
theirs."""

import time
import uuid

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock, one_clock, schedule
from ops.accounts.models import Role
from ops.background import Job, queue
from ops.config import settings
from ops.db import db
from ops.messages import sending
from ops.one_clock import WrongClock, must_agree
from ops.queue import jobs
from ops.runtime import health, web_server
from ops.runtime.models import Tick
from ops.runtime.worker import OnlyOurs
from tests.world import make_user

MINUTES = 11


def offset(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    monkeypatch.setenv("CLOCK_OFFSET_MINUTES", str(minutes))
    settings.cache_clear()
    monkeypatch.setattr(one_clock, "_known", one_clock._Known())


@pytest.fixture(autouse=True)
def as_it_was(app, monkeypatch):
    """Nothing known of the clock before, and the installation's row as it was after."""
    monkeypatch.setattr(one_clock, "_known", one_clock._Known())
    yield
    say_offset(None)
    settings.cache_clear()
    one_clock._known = one_clock._Known()


@pytest.fixture(params=["the machine's clock", "the setting"])
def wrong(request, app, monkeypatch):
    """This process is eleven minutes ahead of the database, one way or the other."""
    if request.param == "the setting":
        say_offset(0)
        offset(monkeypatch, MINUTES)
    else:
        real = one_clock.machine_time
        monkeypatch.setattr(one_clock, "machine_time", lambda: real() + MINUTES * 60)


def say_offset(minutes: int | None) -> None:
    """What the web says when it starts."""
    with db.engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO installation (id, pepper_fingerprint) VALUES (1, 'x') ON CONFLICT DO NOTHING")
        )
        connection.execute(sa.text(web_server.SAY_OFFSET), {"minutes": minutes})


def test_a_wrong_clock_claims_sweeps_and_sends_nothing(wrong) -> None:
    agent = make_user(Role.AGENT)
    with pytest.raises(WrongClock, match="660 seconds off"):
        jobs.next_for(agent.id, agent.actor)
    with pytest.raises(WrongClock):
        schedule.run_due()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Tick)) == 0
    with pytest.raises(WrongClock):
        sending.deliver(uuid.uuid4())
    with pytest.raises(WrongClock):
        _ = job(Job.SEND_MESSAGE).func


def job(which: Job) -> OnlyOurs:
    made = OnlyOurs(str(uuid.uuid4()), connection=queue("work").connection)
    made._func_name, made._instance = which.value, None
    return made


def test_who_presses_next_is_told_and_doctor_and_readyz_say_it(wrong, sign_in) -> None:
    page = sign_in(make_user(Role.AGENT)).post("/desk/next")
    assert page.status_code in (303, 400)
    found = health.Findings({})
    with db.engine.connect() as connection:
        health._examine_clock(found, connection)
    assert "660 seconds off the database's" in found.problems[0]
    assert health.ready(db.engine, queue("work").connection) == {"clock": "not the database's"}


def test_a_clock_that_is_set_while_a_tick_works_ends_that_tick(app, monkeypatch) -> None:
    real, run = one_clock.machine_time, schedule._run

    def run_and_jump(*work: str) -> str | None:
        monkeypatch.setattr(one_clock, "machine_time", lambda: real() + MINUTES * 60)
        return run(*work)

    monkeypatch.setattr(schedule, "_run", run_and_jump)
    with pytest.raises(WrongClock):
        schedule.run_due()
    ran = set(db.session.scalars(sa.select(Tick.name)))
    assert ran == {"tick", next(iter(schedule.WORK))}


def test_the_right_clock_is_asked_for_a_few_times_a_minute_and_again_when_it_jumps(app, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(one_clock, "read_row", lambda *a: asked.append(1) or READ(*a))
    for _ in range(5):
        must_agree()
    assert len(asked) == 1
    real = one_clock.machine_time
    monkeypatch.setattr(one_clock, "machine_time", lambda: real() - 3600)
    with pytest.raises(WrongClock):
        must_agree()
    monkeypatch.setattr(one_clock, "machine_time", real)
    must_agree()


READ = one_clock.read_row


def test_a_shift_that_the_whole_installation_has_is_right(app, monkeypatch) -> None:
    say_offset(600)
    offset(monkeypatch, 600)
    must_agree()
    offset(monkeypatch, 0)
    with pytest.raises(WrongClock):
        must_agree()


def test_a_shift_where_no_web_ever_started_is_nobody_elses_business(app, monkeypatch) -> None:
    offset(monkeypatch, 600)
    must_agree()


def test_times_moved_by_tests_and_the_demo_are_not_compared(app, monkeypatch) -> None:
    with freeze_time("2026-03-10 18:00:00"):
        must_agree()
    real = time.time
    monkeypatch.setattr(one_clock, "machine_time", lambda: real() + 3600)
    with clock.moved_to(clock.now()):
        must_agree()
    with pytest.raises(WrongClock):
        must_agree()
