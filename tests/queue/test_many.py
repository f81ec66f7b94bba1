"""Sixty-four agents at once and ten thousand tasks: nothing twice, nothing lost, everybody gets what they bought."""

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from statistics import median

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import Role
from ops.cadences import jobs
from ops.db import db, transaction
from ops.practices.models import Patient
from ops.queue.actions import lanes
from ops.queue.models import Share, Task, TaskEvent
from ops.work.states import EventKind, TaskState
from tests.world import make_practice, make_user

pytestmark = pytest.mark.kills

NOON = "2026-03-10 18:00:00"
WORKERS, PROCESSES, TASKS, CLAIMS_LOOKED_AT = 64, 4, 10_000, 8_000
HOURS = (10, 20, 30, 40) * 4
PATIENTS = sa.text(
    """
    INSERT INTO patients (practice_id, external_id, first_name, last_name, deceased, phone, phone_key, state, language,
                          created_at, updated_at)
    SELECT :practice, n::text, 'Ada', 'Lane', false, '+1312555' || lpad((n % 10000)::text, 4, '0'),
           sha256((:practice || ':' || n)::bytea), 'IL', 'en', :now, :now
    FROM generate_series(1, :number) n
    """
)
OPENED = sa.text(
    """
    INSERT INTO tasks (practice_id, patient_id, kind, state, reason, created_at, ready_at, rank, ranked_at,
                       estimate_minutes, tries, max_tries, fence, offered)
    SELECT practice_id, id, 'follow_up', 'waiting', 'Treated.', :now, :now, 60, :now, 5, 0, 3, 0, false
    FROM patients WHERE practice_id = :practice
    """
)
BESIDE = sa.text(
    """
    UPDATE tasks t SET lane_id = one.lane_id, person_key = a.phone_key, offered = true
    FROM patients a, (SELECT practice_id, max(lane_id) AS lane_id FROM tasks GROUP BY practice_id) one
    WHERE a.id = t.patient_id AND one.practice_id = t.practice_id AND t.lane_id IS NULL
    """
)
"""All patients of this test live in one place, so their tasks are in the lane that the product found for the first."""


def backlog(hours: float, number: int) -> int:
    """A practice with so many tasks, all of the same rank."""
    from ops import clock

    practice = make_practice(hours=hours)
    jobs.practice_added(practice.id)
    with transaction("test") as session:
        for statement in (PATIENTS, OPENED):
            session.execute(statement, {"practice": practice.id, "number": number, "now": clock.now()})
    return practice.id


def claimers(mode: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.claimers", mode, "2026-03-10T18:00:00+00:00", str(PROCESSES)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"WEB_THREADS": str(WORKERS // PROCESSES)},
    )


@pytest.mark.timeout(400)
def test_sixty_four_at_once_take_ten_thousand_tasks_once_each_and_fairly(app):
    with freeze_time(NOON):
        for _ in range(WORKERS):
            make_user(Role.AGENT)
        practices = {backlog(hours, TASKS * hours // sum(HOURS)): hours for hours in HOURS}
        lonely = backlog(5, 1)
        with transaction("test"):
            first = sa.select(sa.func.min(Task.id)).group_by(Task.practice_id)
            for task in db.session.scalars(sa.select(Task).where(Task.id.in_(first))).all():
                lanes.fit(task, db.session.get_one(Patient, task.patient_id))
            db.session.execute(BESIDE)
            lanes.refresh()
    done = claimers("claim")
    said, _ = done.communicate(timeout=400)
    took = [task for worker in json.loads(said.partition("\n")[2]) for task in worker]

    assert len(took) == len(set(took)) == TASKS + 1, "no double claim, none lost"
    assert set(db.session.scalars(sa.select(Task.state))) == {TaskState.DONE}
    claims = db.session.execute(
        sa.select(TaskEvent.practice_id, TaskEvent.task_id)
        .where(TaskEvent.kind == EventKind.CLAIMED)
        .order_by(TaskEvent.id)
    ).all()
    assert len(claims) == TASKS + 1

    served = Counter(practice for practice, _ in claims[:CLAIMS_LOOKED_AT])
    for practice, hours in practices.items():
        fair = CLAIMS_LOOKED_AT * hours / sum(HOURS)
        assert abs(served[practice] - fair) <= 0.02 * fair, "minutes within 2% of the contract"
    assert [practice for practice, _ in claims].index(lonely) < TASKS / 10, "who has one task does not starve"
    for practice in practices:
        order = [place for place, (whose, _) in enumerate(claims, 1) if whose == practice]
        assert max(order) <= 2.05 * median(order), "at equal rank the oldest waits no longer than its place in line"
        mine = [task for whose, task in claims if whose == practice]
        inversions = sum(1 for earlier, later in pairwise(mine) if earlier > later)
        assert inversions <= len(mine) * 0.2, "who came first goes first, but for who was locked at that moment"
    assert db.session.scalar(sa.select(sa.func.sum(Share.minutes_charged))) == 5 * (TASKS + 1), "nothing charged twice"
