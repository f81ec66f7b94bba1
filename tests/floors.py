"""Builders for tests of the lead's board and of the floor: practices with work, agents who take it."""

from datetime import UTC, datetime

from ops.cadences.actions import starting
from ops.db import db, transaction
from ops.desk.actions import recording
from ops.queue import jobs
from ops.queue.actions import lanes, tasks
from ops.queue.models import Task
from ops.scripts.actions import ensure_defaults
from ops.work.kinds import Kind
from tests.world import make_patient, make_practice

NOON = datetime(2026, 3, 11, 17, 0, tzinfo=UTC)
"""A Wednesday, noon in Chicago: calls are allowed."""
MIDNIGHT = datetime(2026, 3, 12, 5, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 12, 13, 0, tzinfo=UTC)
"""Eight in Chicago."""


def make_floor(slug="lake", **details):
    """A practice with its default cadences and share."""
    practice = make_practice(slug, **details)
    with transaction("test"):
        ensure_defaults()
        starting.add_default_cadences(practice.id)
    return practice


def make_task(practice, kind=Kind.ASK, language="en", **details):
    with transaction("test"):
        patient = details.pop("patient", None) or make_patient(practice, language=language)
        return tasks.open_task(
            practice_id=practice.id, patient_id=patient.id, kind=kind, reason="Why it exists", actor="test", **details
        )


def claim(agent):
    taken = jobs.next_for(agent.id, agent.actor)
    return db.session.get(Task, taken.id) if taken else None


def record(task, agent, outcome, **words):
    with transaction(agent.actor):
        saved = recording.Saved(outcome=outcome, **words)
        return recording.record_outcome(task.id, agent.id, task.fence, agent.actor, saved)


def sweep():
    """What the minute's upkeep does about hours."""
    with transaction("tick"):
        lanes.refresh()


def do(verb, *given, by="user:1", **words):
    """The verb in a transaction of its own."""
    with transaction(by):
        return verb(*given, **words)


def fresh(task):
    db.session.expire_all()
    return db.session.get_one(Task, task.id)
