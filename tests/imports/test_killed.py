"""A load that dies, is doubled or cancelled: nothing is lost, nothing is there twice."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from ops import clock
from ops.background import queue
from ops.db import db, transaction
from ops.errors import Refused
from ops.imports import jobs, loading
from ops.imports.loading import alive
from ops.imports.loading.ahead import ahead
from ops.imports.loading.running import LoadError
from ops.imports.loading.seen import AGREED, DECEASED, MINOR, SUPPRESSED, UNREACHABLE, Seen
from ops.imports.loading.starting import SILENCE
from ops.imports.models import Import, ImportFile, ImportState, QuarantinedRow
from ops.imports.reading.apart import Apart
from ops.imports.reading.records import Unreadable
from ops.practices.models import Milestone, Patient
from tests import exports
from tests.processes import wait_until
from tests.world import make_practice

pytestmark = pytest.mark.kills

HEAD = "Patient ID,First Name,Last Name,Mobile,Email,DND,Date,Service\n"
ROWS = 60
FILE = HEAD + "".join(
    f"{number},Ada,Lane{number},312-555-01{number:02},,{'yes' if number % 7 == 0 else 'no'},"
    f"{'soon' if number % 10 == 9 else '2026-05-02'},Botox\n"
    for number in range(ROWS)
)
RUNNER = """
import os, sys, time
from ops import create_app
from ops.imports import loading
from ops.imports.loading import batches, writing

batches.ROWS = 7
write = writing.Writer.write
written = 0

def slow(self, session, batch, now):
    global written
    done = write(self, session, batch, now)
    written += 1
    if written == 4:  # in the middle of the fourth batch, its rows written and not yet true
        print("now", flush=True)
        time.sleep(60)
    return done

writing.Writer.write = slow
with create_app().app_context():
    loading.run(int(sys.argv[1]))
"""


@pytest.fixture
def practice(app):
    return make_practice("lake", zone="America/Chicago")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr("ops.imports.loading.batches.ROWS", 7)


def waiting(practice, text: str = FILE) -> int:
    with transaction("test"):
        load = loading.receive(practice, [("clients.csv", exports.stream(text))], "test")
        loading.begin(load, ring_worker=False)
        return load.id


def row(number: int) -> Import:
    db.session.expire_all()
    return db.session.get_one(Import, number)


def count(table) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def whole(number: int) -> None:
    """Everything of FILE is there once."""
    load = row(number)
    assert load.state is ImportState.DONE
    assert (load.rows_read, load.patients_new, load.patients_updated) == (ROWS, 54, 0)
    assert (load.milestones_new, load.quarantined, load.suppressed) == (54, 6, 8)
    assert (count(Patient), count(Milestone), count(QuarantinedRow)) == (54, 54, 6)
    assert load.files[0].rows_done == ROWS and load.files[0].finished


def test_a_load_killed_in_the_middle_of_a_batch_goes_on_behind_the_last_one(practice):
    number = waiting(practice)
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(number)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        assert runner.stdout.readline() == "now\n"
        assert (row(number).rows_read, count(Patient)) == (21, 19), "three batches are true, the fourth is not"
    finally:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
    db.session.rollback()
    wait_until(_alone)
    assert not loading.run(number), "it does not wait to be run: a worker seems to have it"
    with freeze_time(clock.now() + SILENCE + timedelta(seconds=1)):
        jobs.resume()
        assert queue("imports").jobs[0].args == [number]
        assert loading.run(number)
    whole(number)


def _alone() -> bool:
    others = db.session.scalar(
        sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state <> 'idle'"
        )
    )
    db.session.rollback()
    return others == 0


def test_an_import_that_was_never_rung_is_rung_by_the_tick_and_one_that_lives_is_not(practice):
    number = waiting(practice)
    jobs.resume()
    assert queue("imports").jobs == []
    with freeze_time(clock.now() + SILENCE + timedelta(seconds=1)):
        jobs.resume()
        jobs.resume()
    assert len(queue("imports").jobs) == 1
    assert row(number).state is ImportState.QUEUED


def test_a_load_whose_file_takes_long_to_open_is_not_taken_for_dead(practice, monkeypatch):
    number, opened = waiting(practice), Apart.opened
    begun = clock.now()

    def slow(self, *args):
        with freeze_time(begun + SILENCE + timedelta(seconds=1), tick=True):
            wait_until(lambda: row(number).beat_at > begun + SILENCE)
            jobs.resume()
        return opened(self, *args)

    monkeypatch.setattr(alive, "BEAT_S", 0.01)
    monkeypatch.setattr(Apart, "opened", slow)
    assert loading.run(number)
    assert row(number).runner.endswith("/1")
    assert not queue("imports").jobs
    whole(number)


def test_a_runner_that_was_given_up_for_dead_stops_before_its_next_batch(practice, monkeypatch):
    from ops.imports.loading import writing

    number, write, seen = waiting(practice), writing.Writer.write, []

    def steal(self, session, batch, now):
        seen.append(batch.rows_done)
        if len(seen) == 3:
            with db.engine.begin() as other:
                other.execute(sa.update(Import).values(runner="somebody else/2"))
        return write(self, session, batch, now)

    monkeypatch.setattr(writing.Writer, "write", steal)
    assert not loading.run(number)
    assert (seen, row(number).rows_read, count(Patient)) == ([7, 14, 21], 14, 13)
    assert row(number).runner == "somebody else/2"


def test_two_workers_with_the_same_job_load_it_once(app, practice):
    number = waiting(practice)
    answers = []

    def work():
        with app.app_context():
            answers.append(loading.run(number))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(answers) == [False, True]
    whole(number)


def test_a_cancelled_import_stops_before_its_next_batch_and_keeps_what_it_has(practice, monkeypatch):
    from ops.imports.loading import running

    number = waiting(practice)

    def cancel(name, rows, share):
        if rows == 14:
            with transaction("user:1"):
                loading.cancel(row(number))

    assert not running.run(number, cancel)
    assert (row(number).state, row(number).rows_read) == (ImportState.CANCELLED, 14)
    with pytest.raises(Refused), transaction("user:1"):
        loading.cancel(row(number))


def test_a_load_that_kills_its_worker_each_time_is_given_up(practice):
    number = waiting(practice)
    with transaction("test"):
        row(number).runner = "abc/5"
    assert not loading.run(number)
    assert row(number).state is ImportState.FAILED
    assert "Given up" in row(number).problem


def test_an_error_of_ours_is_noted_in_words_and_raised(practice, monkeypatch):
    monkeypatch.setattr("ops.imports.loading.writing.write_visits", lambda *_: 1 / 0)
    number = waiting(practice)
    with pytest.raises(LoadError, match=r"ZeroDivisionError at test_killed.py"):
        loading.run(number)
    assert row(number).problem == "An error of ours (ZeroDivisionError). What was read before it is stored."
    assert (count(Patient), db.session.scalar(sa.select(ImportFile.rows_done))) == (0, 0), "its batch is not half there"


def test_rows_are_read_ahead_in_order_and_what_goes_wrong_there_is_raised_here():
    def rows():
        yield from range(5)
        raise Unreadable("line 6")

    found = []
    with pytest.raises(Unreadable, match="line 6"):
        for item in ahead(rows()):
            found.append(item)
    assert found == [0, 1, 2, 3, 4]


def test_leaving_early_stops_reading_ahead():
    before = threading.active_count()
    for item in ahead(iter(range(1_000_000))):
        if item == 3:
            break
    assert threading.active_count() == before


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([0, 256, 512]), st.integers(0, 255)), max_size=60)
)
def test_the_table_of_people_counts_like_a_plain_dict(notes):
    seen, plain = Seen(), {}
    for line, (number, identity, flags) in enumerate(notes, 1):
        known, was, at = plain.get(number, (0, 0, line))
        contradiction = number in plain and known and identity and known != identity
        assert seen.note(number, identity, flags, line) == (at if contradiction else 0)
        if not contradiction:
            plain[number] = (known or identity, flags | (was & SUPPRESSED), at)
    for flag in (UNREACHABLE, DECEASED, MINOR, SUPPRESSED, *AGREED.values()):
        assert seen.counts[flag] == sum(bool(flags & flag) for _, flags, _ in plain.values())


def test_a_hundred_thousand_people_are_told_apart_in_little_memory():
    seen = Seen()
    for number in range(100_000):
        assert seen.note(f"P{number}", hash(str(number)), 1, number + 2) == 0
    assert seen.note("P77", hash("another"), 1, 500_000) == 79
    assert seen.counts[UNREACHABLE] == 100_000
    assert sum(array.itemsize * len(array) for array in (seen._keys, seen._people, seen._lines)) < 6_000_000


def test_two_loads_of_one_practice_that_meet_in_opposite_orders_both_finish(app, practice, monkeypatch):
    monkeypatch.setattr("ops.imports.loading.batches.ROWS", 10_000)
    people = [f"P{number},Ada{{}},Lane,,a{number}@example.com,,,\n" for number in range(400)]
    assert loading.run(waiting(practice, HEAD + "".join(people).replace("{}", "")))
    orders = (("x", people), ("y", people[::-1]))
    numbers = [waiting(practice, HEAD + "".join(rows).replace("{}", name)) for name, rows in orders]
    start, answers = threading.Barrier(2), []

    def work(number):
        with app.app_context():
            start.wait()
            answers.append(loading.run(number))

    workers = [threading.Thread(target=work, args=(number,)) for number in numbers]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert answers == [True, True]
    assert {row(number).patients_updated for number in numbers} == {400}
