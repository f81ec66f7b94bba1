"""A skip means something for good: whom an agent knows, and what somebody else should do, never comes to them again."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.db import db, transaction
from ops.errors import Refused
from ops.queue import jobs
from ops.queue.actions import assigning, tasks
from ops.queue.models import Task
from ops.queue.waiting import hindrances, piles
from ops.rhythm import today
from ops.work.kinds import Kind
from ops.work.skips import Skip, meant
from tests.floors import claim
from tests.queue_world import NOON, open_for, practice_of
from tests.world import make_patient, make_user


@pytest.fixture
def agent(app):
    return make_user(Role.AGENT)


@freeze_time(NOON)
@pytest.mark.parametrize("reason", ["I know her personally", "She is my neighbor"])
def test_who_an_agent_knows_never_comes_to_them_again_on_any_record(agent, reason):
    practice, other = practice_of(), make_user(Role.AGENT)
    elsewhere = practice_of()
    her = make_patient(practice, "Eva", "Low")
    again = make_patient(practice, "Eva", "Low", phone=her.phone)
    there = make_patient(elsewhere, "Eva", "Other", phone=her.phone)
    open_for(her)
    task = claim(agent)
    mine = open_for(make_patient(practice), Kind.RECALL)
    with transaction(agent.actor):
        tasks.skip(task.id, agent.id, task.fence, agent.actor, reason)
    assert claim(agent).id == mine.id, "there is other work"
    with transaction("test"):
        tasks.cancel(db.session.get_one(Task, mine.id), "test", "done")
    promised = {"promised_at": clock.now()}
    hers = [task, open_for(her, Kind.RECALL), open_for(again), open_for(there), open_for(there, Kind.REPLY, **promised)]
    with freeze_time("2026-06-10 18:00:00"):
        jobs.upkeep()
        assert claim(agent) is None and today.ready(agent.id) == today.waiting(agent.id).ready == 0
        with pytest.raises(Refused, match="not for them"), transaction("lead"):
            assigning.assign(hers[1].id, agent.id, "lead")
        assert claim(other).id in {each.id for each in hers}


@freeze_time(NOON)
def test_who_skips_a_task_for_somebody_else_still_gets_other_work_about_them(agent):
    patient = make_patient(practice_of())
    open_for(patient)
    task, other = claim(agent), open_for(patient, Kind.RECALL)
    with transaction(agent.actor):
        tasks.skip(task.id, agent.id, task.fence, agent.actor, "they asked for a man")
    assert claim(agent).id == other.id
    with transaction("test"):
        tasks.cancel(db.session.get_one(Task, other.id), "test", "done")
    assert claim(agent) is None
    stand = hindrances(piles(task_ids=[task.id])[0])
    assert [wait.code for [wait] in stand] == ["nobody_may"], "and the board says that nobody may"
    assert claim(make_user(Role.AGENT)).id == task.id


def test_what_is_not_for_somebody_is_found_without_going_through_the_tasks(agent):
    """The claim asks it each time, over a backlog that was perhaps never analyzed."""
    for _ in range(30):
        open_for(make_patient(practice_of()))
    for how in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off"):
        db.session.execute(sa.text(f"SET LOCAL {how}"))
    plan = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT n.task_id FROM not_for n WHERE n.user_id = {agent.id}"
    assert db.session.scalar(sa.text(plan))[0]["Plan"]["Shared Hit Blocks"] < 10


@pytest.mark.parametrize(
    ("words", "means"),
    [
        ("I know her personally", Skip.KNOWS),
        ("my sister's boss", Skip.KNOWS),
        ("they asked for a man", Skip.NOT_MINE),
        ("not today", Skip.NOT_MINE),
    ],
)
def test_what_is_only_written_is_read(words, means):
    assert meant(words) is means
