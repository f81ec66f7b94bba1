"""kill -9 of those who claim and of the database in the middle of it: no task lost, held for ever, or counted twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests import processes
from tests.processes import wait_until

pytestmark = pytest.mark.kills

PRACTICES, TASKS, AGENTS = 4, 45, 8
SETUP = f"""
from freezegun import freeze_time
import sqlalchemy as sa
from ops import create_app
from ops.db import db
from ops.migrate import upgrade
with create_app().app_context():
    upgrade(db.engine)
    from ops.db import transaction
    from ops.cadences import jobs
    from ops.queue.actions import tasks
    from ops.work.kinds import Kind
    from tests.world import make_patient, make_practice, make_user
    with freeze_time("2026-03-10 18:00:00"):
        for _ in range({AGENTS}):
            make_user("agent")
        number = 0
        for turn in range({PRACTICES}):
            practice = make_practice(hours=10 * (turn + 1))
            jobs.practice_added(practice.id)
            for _ in range({TASKS}):
                number += 1
                patient = make_patient(practice, phone=f"+1312555{{number:04}}")
                with transaction("test"):
                    tasks.open_task(practice_id=practice.id, patient_id=patient.id, kind=Kind.FOLLOW_UP,
                                    reason="Treated.", actor="test")
"""


class Agency:
    """Servers of our own, which may be killed."""

    def __init__(self, var: Path) -> None:
        self.client = processes.Client(var)
        self.var = var
        url, self.redis = self.client.urls()
        self.url = url
        self.env = processes.environment(var) | {"DATABASE_URL": url, "REDIS_URL": self.redis}
        subprocess.run([sys.executable, "-c", SETUP], env=self.env, check=True)

    def claimers(self, mode: str, moment: str, count: int = 2) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.claimers", mode, moment, str(count)],
            env=self.env,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ask(self, query: str) -> list[tuple]:
        address = self.url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(address, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def count(self, query: str) -> int:
        return self.ask(query)[0][0]

    def outcomes(self) -> int:
        return self.count("SELECT count(*) FROM attempts")

    def kill_database(self) -> None:
        """kill -9 of PostgreSQL itself; its watchdog starts it again."""
        postmaster = int((self.var / "postgres" / "postmaster.pid").read_text().split()[0])
        processes.kill(postmaster)
        wait_until(lambda: not processes.alive([postmaster]))
        wait_until(self._is_back, 60)

    def _is_back(self) -> bool:
        self.client.look_after_watchdogs()
        try:
            return self.count("SELECT 1") == 1
        except psycopg.OperationalError:
            return False


@pytest.fixture
def agency(tmp_path):
    made = Agency(tmp_path)
    yield made
    made.client.leave()


def kill_all(claimers: subprocess.Popen) -> None:
    os.killpg(claimers.pid, signal.SIGKILL)
    claimers.wait(10)


@pytest.mark.timeout(300)
def test_no_task_is_lost_held_for_ever_or_counted_twice_whoever_is_killed(agency):
    noon = "2026-03-10T18:00:00+00:00"
    for number in range(3):
        working = agency.claimers("work", noon)
        before = agency.outcomes()
        wait_until(lambda before=before: agency.outcomes() > before + 12, 60)
        if number == 1:
            agency.kill_database()
        kill_all(working)
    assert agency.count("SELECT count(*) FROM tasks WHERE state = 'waiting'") > 0, "killed in the middle"

    for minute in (11, 22):  # what dead hands held comes back when its lease is over, and is done by others
        later = f"2026-03-10T18:{minute}:00+00:00"
        assert agency.claimers("settle", later, 1).wait(120) == 0
        assert agency.claimers("work", later).wait(120) == 0

    states = dict(agency.ask("SELECT state, count(*) FROM tasks GROUP BY state"))
    assert states.get("claimed", 0) == 0, "nothing is held for ever"
    assert sum(states.values()) == PRACTICES * TASKS, "nothing is lost"
    assert agency.count("SELECT count(*) FROM tasks WHERE state = 'waiting' AND ready_at <= '2026-03-10 18:22+00'") == 0
    ended = "kind IN ('done', 'retry', 'returned', 'lease_expired')"
    assert (
        agency.ask(
            f"SELECT task_id FROM task_events GROUP BY task_id HAVING count(*) FILTER (WHERE kind = 'claimed')"
            f" <> count(*) FILTER (WHERE {ended})"
        )
        == []
    ), "each claim ended once"
    assert (
        agency.ask(
            "SELECT s.practice_id, s.minutes_charged, coalesce(sum(a.minutes), 0) FROM shares s"
            " LEFT JOIN attempts a USING (practice_id) GROUP BY 1, 2"
            " HAVING s.minutes_charged <> coalesce(sum(a.minutes), 0)"
        )
        == []
    ), "the ledger is the sum of the calls that were made"
    assert agency.ask("SELECT task_id FROM attempts GROUP BY task_id, fence HAVING count(*) > 1") == [], (
        "no outcome is counted twice"
    )
    assert agency.count("SELECT count(*) FROM contact_attempts") == agency.outcomes(), "nor a call against the cap"
    assert agency.count("SELECT count(*) FROM gate_decisions WHERE allow") == agency.count(
        "SELECT count(*) FROM task_events WHERE kind = 'claimed'"
    ), "and the gate was asked for every one"
