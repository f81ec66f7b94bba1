"""What one practice's row raises stops nobody else's work, is told by `ops doctor`, and is forgotten once it works."""

import ast
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

import ops
from ops import clock, isolated, schedule
from ops.background import Job, queue, ring
from ops.cadences import jobs as cadences
from ops.config import settings
from ops.db import db, transaction
from ops.isolated import FailedWork, awake, each, each_within
from ops.messages import actions as messages
from ops.messages.models import Message
from ops.practices.models import Practice
from ops.queue import jobs
from ops.queue.models import CadenceRun, Lane, Task
from ops.referrals.actions import NewFriend, receive_referral
from ops.referrals.models import Referral
from ops.runtime import health
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.states import TaskState
from tests.floors import NOON, claim, make_floor, make_task
from tests.world import make_milestone, make_patient, make_user

POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.practice_id = {practice} THEN RAISE EXCEPTION 'Maria Lane cannot be stored'; END IF; RETURN NEW; END $$;
CREATE TRIGGER poison BEFORE INSERT ON task_events FOR EACH ROW EXECUTE FUNCTION poison();
CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION poison();
"""
OPS = Path(ops.__file__).parent
LOOPS = {"call friends", "close stale work", "queue thank-yous", "read replies", "return expired leases", "take steps"}


@pytest.fixture(autouse=True)
def clock_():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def bad(app) -> Practice:
    """Its rows come first in every loop."""
    return make_floor("bad")


@pytest.fixture
def good(bad) -> Practice:
    return make_floor("good")


def run(statement: str, **given: object) -> None:
    with transaction("test") as session:
        session.execute(sa.text(statement), given)


@pytest.fixture
def poison(bad) -> Iterator[None]:
    """From `run(POISON)` on nothing of this practice's tasks or messages can be written."""
    yield
    run("DROP FUNCTION IF EXISTS poison() CASCADE")


def failing() -> dict[str, FailedWork]:
    db.session.rollback()
    found = db.session.scalars(sa.select(FailedWork), execution_options={"populate_existing": True})
    return {each.work: each for each in found}


def a_friend(practice: Practice, received_at: datetime | None = None) -> Referral:
    """Somebody to call, whose call was lost on the way."""
    referrer = make_patient(practice)
    with transaction("test"):
        friend = NewFriend("Ines", f"+13125550{referrer.id:03}", None, OptIn.FORM)
        referral = receive_referral(practice, referrer, friend, actor="test", ask=None)
        referral.received_at = received_at or referral.received_at
    return referral


def give_work(practice: Practice, number: int) -> None:
    """One unit for each of LOOPS: a lease that is over, a task whose days are, a friend, a reply and a milestone."""
    make_task(practice)
    held = claim(make_user("agent"))
    stale = make_task(practice, kind=Kind.RECALL)
    run("UPDATE tasks SET lease_until = :then WHERE id = :id", then=NOON - timedelta(minutes=1), id=held.id)
    run("UPDATE tasks SET closes_at = :then WHERE id = :id", then=NOON - timedelta(minutes=1), id=stale.id)
    a_friend(practice)
    writer = make_patient(practice)
    with transaction("test"):
        messages.receive(practice, channel="sms", from_address=writer.phone, body="When?", provider_id=str(number))
    make_milestone(make_patient(practice), "Toxin", days_ago=14)
    with transaction("test") as session:
        session.execute(sa.delete(Message))


def done_for(practice: Practice) -> set[str]:
    """Which of LOOPS have done their unit."""
    db.session.rollback()
    which = sa.select(Task.kind, Task.state).where(Task.practice_id == practice.id)
    found = {(Kind(kind), TaskState(state)) for kind, state in db.session.execute(which)}
    kinds = {kind for kind, _ in found}
    thanked = db.session.scalar(
        sa.select(sa.exists().where(Message.practice_id == practice.id, Message.kind == "loop_closing"))
    )
    stepped = sa.exists().where(CadenceRun.practice_id == practice.id, CadenceRun.next_at.is_(None))
    done = {
        "call friends": Kind.FRIEND_FOLLOW_UP in kinds,
        "close stale work": (Kind.RECALL, TaskState.CANCELLED) in found,
        "queue thank-yous": thanked,
        "read replies": Kind.REPLY in kinds,
        "return expired leases": TaskState.CLAIMED not in {state for _, state in found},
        "take steps": db.session.scalar(sa.select(stepped)),
    }
    return {loop for loop, is_done in done.items() if is_done}


def doctor() -> list[str]:
    db.session.rollback()
    return health.examine(settings()).problems


def test_what_one_practices_rows_raise_stops_nobody_elses_work_and_is_told_until_it_is_mended(
    bad, good, poison, clock_, capsys
):
    give_work(bad, 1)
    give_work(good, 2)
    run(POISON.format(practice=bad.id))
    schedule.run_due()
    assert done_for(good) == LOOPS
    assert done_for(bad) == set()
    assert {(work, each.practice_id) for work, each in failing().items()} == {(work, bad.id) for work in LOOPS}
    told = doctor()
    assert all(any(each.startswith(f"{work} fails for 1:") for each in told) for work in LOOPS)
    assert all(f"of practice {bad.id} (" in each for each in told if " fails for " in each)
    assert "Maria" not in str(told) + capsys.readouterr().err
    run("DROP FUNCTION poison() CASCADE")
    clock_.tick(timedelta(minutes=1))
    schedule.run_due()
    assert done_for(bad) == LOOPS
    assert failing() == {} and not [each for each in doctor() if " fails for " in each]


def test_a_practice_whose_zone_python_does_not_know_starts_nothing_and_the_others_do(bad, good, clock_):
    for practice in (bad, good):
        make_milestone(make_patient(practice), "Toxin", days_ago=14)
    run("UPDATE practices SET zone = 'Mars5' WHERE id = :id", id=bad.id)  # PostgreSQL takes it for a POSIX zone
    cadences.start_cadences()
    assert {each.practice_id for each in db.session.scalars(sa.select(CadenceRun))} == {good.id}
    assert {(each.work, each.row, each.error) for each in failing().values()} == {
        ("start cadences", str(bad.id), "ZoneInfoNotFoundError")
    }
    run("UPDATE practices SET zone = 'America/Chicago' WHERE id = :id", id=bad.id)
    cadences.start_cadences()
    assert set(failing()) == {"start cadences"}  # it rests for the minute
    clock_.tick(timedelta(minutes=1))
    cadences.start_cadences()
    assert {each.practice_id for each in db.session.scalars(sa.select(CadenceRun))} == {bad.id, good.id}
    assert failing() == {}


def test_a_zone_postgresql_does_not_know_cannot_be_stored(bad):
    with pytest.raises(sa.exc.DataError, match="not recognized"):
        run("UPDATE practices SET zone = 'Mars/Olympus' WHERE id = :id", id=bad.id)


END_OF_TIME = datetime.fromisoformat("9999-12-31T12:00+00:00")


def test_rows_that_always_fail_do_not_fill_the_batch(bad, good, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    for _ in range(2):
        a_friend(bad, received_at=END_OF_TIME)  # a day after it there is none
    waiting = a_friend(good)
    jobs.upkeep()
    assert failing()["call friends"].error == "OverflowError"
    assert not db.session.scalar(sa.select(sa.exists().where(Task.referral_id == waiting.id)))
    jobs.upkeep()
    assert db.session.scalar(sa.select(sa.exists().where(Task.referral_id == waiting.id)))


def test_a_lane_that_cannot_be_read_leaves_the_others_their_windows(bad, good, clock_):
    broken, whole = make_task(bad).lane_id, make_task(good, kind=Kind.RECALL).lane_id
    run("""UPDATE lanes SET places = '[["IL", "Mars/Olympus"]]' WHERE id = :id""", id=broken)
    clock_.tick(timedelta(days=1))
    jobs.upkeep()
    assert db.session.get_one(Lane, whole, populate_existing=True).opens_at.date() == clock.now().date()
    assert [each.row for each in failing().values()] == [str(broken)]


def test_what_fails_waits_longer_each_time_and_no_longer_than_an_hour(app, clock_):
    tried = []

    def fail(row: int) -> None:
        tried.append(clock.now())
        raise ValueError("Maria Lane")

    for _ in range(4 * 60):
        each("look", [7], fail)
        clock_.tick(timedelta(minutes=1))
    rests = [round((after - before).total_seconds() / 60) for before, after in pairwise(tried)]
    assert rests == [1, 5, 30, 60, 60, 60]
    (look,) = failing().values()
    assert (look.times, look.error, look.first_at) == (7, "ValueError", NOON)


def test_what_is_not_due_any_more_is_forgotten_but_not_behind_a_full_batch(app, clock_):
    each("look", [7], lambda row: 1 / 0)
    clock_.tick(timedelta(minutes=1))
    each("look", [8, 9], str, limit=2)
    assert set(failing()) == {"look"}
    assert each("look", [8], str, limit=2) == ["8"]
    assert failing() == {}


def test_a_row_that_waits_is_not_looked_for(bad, good):
    which = sa.select(Practice.id).where(awake("look", Practice.id))
    each("look", [bad.id], lambda row: 1 / 0, owner=Practice.id)
    assert db.session.scalars(which).all() == [good.id]


def test_inside_one_transaction_what_fails_takes_back_its_own_rows_and_doorbells_only(bad, good):
    def rename(practice: Practice) -> None:
        practice.spoken_name = "renamed"
        db.session.flush()
        ring(Job.PRACTICE_CHANGED, practice.id)
        if practice is bad:
            raise ValueError

    queue("work").empty()
    with transaction("test") as session:
        rows = {row.id: row for row in session.scalars(sa.select(Practice).order_by(Practice.id))}
        assert each_within("rename", rows, rename, owner=Practice.id) == 1
    assert [list(job.args) for job in queue("work").jobs] == [[good.id]]
    names = dict(db.session.execute(sa.select(Practice.slug, Practice.spoken_name)).all())
    assert names["good"] == "renamed" != names["bad"]
    assert failing()["rename"].practice_id == bad.id


def test_the_doctor_tells_what_failed_as_a_whole_too(app):
    run("INSERT INTO ticks (name, started_at, problem) VALUES ('rank again', :now, 'KeyError')", now=NOON)
    assert "rank again failed: KeyError" in doctor()


def test_a_loop_over_rows_in_a_job_isolates_each():
    """A `for` in a jobs.py goes over numbers only; rows go through `each`."""
    found = []
    for path in OPS.glob("*/jobs.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.For) and not ast.unparse(node.iter).startswith("range("):
                found.append(f"{path.parent.name}/{path.name}:{node.lineno}")
    assert found == [] and isolated.each is each
