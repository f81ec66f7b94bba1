"""Taking an outcome back gives the agent the call again: not while the person is on another one."""

from datetime import UTC, datetime

import pytest

from ops import clock
from ops.accounts.models import Role
from ops.db import db, transaction
from ops.desk.actions import recording, undoing
from ops.desk.actions.recording import Saved
from ops.errors import Refused
from ops.practices.models import Practice
from ops.queue.actions import assigning, friends
from ops.queue.models import Attempt, Task
from ops.referrals.actions import NewFriend, receive_referral
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import TaskState
from tests.floors import claim
from tests.queue_world import give_back, open_for, practice_of
from tests.world import make_patient, make_user

NOON = datetime(2026, 3, 10, 18, tzinfo=UTC)
FRIEND = NewFriend("Ines", "+13125550177", None, OptIn.ON_THE_CALL)


@pytest.fixture
def recorded(app):
    """(the agent, the patient, the task they just finished, its attempt)."""
    with clock.movable(NOON):
        practice, agent = practice_of(), make_user(Role.AGENT)
        patient = make_patient(practice, "Maria", "Okafor")
        open_for(patient)
        held = claim(agent)
        with transaction(agent.actor):
            saved = Saved(Outcome.NOT_NOW)
            attempt = recording.record_outcome(held.id, agent.id, held.fence, agent.actor, saved)
        yield agent, patient, held, attempt


def take_back(attempt: Attempt, agent) -> dict:
    with transaction(agent.actor):
        return undoing.take_back(attempt.id, agent.id, agent.actor)


def their_other_work(patient) -> Task:
    return open_for(patient, Kind.REPLY)


def their_friend(patient) -> Task:
    with transaction("test"):
        practice = db.session.get_one(Practice, patient.practice_id)
        return friends.open_friend_task(receive_referral(practice, patient, FRIEND, actor="test", ask=None), "test")


def their_number_at_another_practice(patient) -> Task:
    return open_for(make_patient(practice_of(), "Maria", "Okafor", phone=patient.phone), Kind.REPLY)


@pytest.mark.parametrize("on_a_call", [their_other_work, their_friend, their_number_at_another_practice])
def test_while_the_person_is_on_another_call_nothing_is_taken_back(recorded, on_a_call):
    agent, patient, held, attempt = recorded
    task, colleague = on_a_call(patient), make_user(Role.AGENT)
    with transaction("test"):
        assigning.assign(task.id, colleague.id, "user:1")
    assert claim(colleague).id == task.id
    with pytest.raises(Refused, match="somebody else is talking to them"):
        take_back(attempt, agent)
    db.session.rollback()
    assert db.session.get_one(Task, held.id).state is TaskState.DONE
    assert db.session.get(Attempt, attempt.id) is not None
    give_back(colleague, db.session.get_one(Task, task.id))
    take_back(attempt, agent)
    assert db.session.get_one(Task, held.id).held_by == agent.id
