"""A floor with agents, practices and tasks, for the tests of the queue."""

import sqlalchemy as sa

from ops import clock
from ops.cadences import jobs
from ops.db import db, transaction
from ops.desk.actions.recording import Saved, record_outcome
from ops.messages import actions as messages
from ops.practices.models import Patient, Practice
from ops.queue.actions import tasks
from ops.queue.models import AgentProfile, Certification, Share, Task, TaskEvent
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import EventKind
from tests.floors import claim
from tests.world import make_practice

NOON = "2026-03-10 18:00:00"
"""One in the afternoon in Chicago; all of the mainland is open."""
MORNING = "2026-03-10 12:30:00"
"""Half past eight in New York, half past seven in Chicago."""


def practice_of(zone: str = "America/Chicago", state: str = "IL", hours: float = 20) -> Practice:
    practice = make_practice(zone=zone, state=state, hours=hours)
    jobs.practice_added(practice.id)
    return practice


def open_for(patient: Patient, kind: Kind = Kind.ASK, **details) -> Task:
    with transaction("test"):
        return tasks.open_task(
            practice_id=patient.practice_id,
            patient_id=patient.id,
            kind=kind,
            reason="Treated.",
            actor="test",
            **details,
        )


def wrote(patient: Patient, body: str = "ok then", email: str | None = None) -> None:
    """They wrote from their number, or from an address nobody knew; nobody has read it."""
    with transaction("inbound") as session:
        practice = session.get_one(Practice, patient.practice_id)
        over, address = ("email", email) if email else ("sms", patient.phone)
        one = {"channel": over, "from_address": address, "provider_id": f"reply {patient.id}"}
        reply = messages.receive(practice, body=body, **one)
        reply.patient_id = patient.id


def profile(agent, *, languages=("en",), kinds=None, certified: list[Practice] | None = None) -> None:
    with transaction("test") as session:
        session.merge(
            AgentProfile(user_id=agent.id, languages=list(languages), kinds=kinds, everywhere=certified is None)
        )
        for practice in certified or ():
            session.add(
                Certification(user_id=agent.id, practice_id=practice.id, certified_at=clock.now(), certified_by="test")
            )


def give_back(agent, task: Task) -> None:
    with transaction("test"):
        tasks.release(task.id, agent.id, task.fence, agent.actor)


def never_offered(task: Task, agent, *, knows: bool) -> None:
    """What a skip says of it; whoever it is assigned to, it stays so."""
    with transaction("test") as session:
        tasks.never_again(session.get_one(Task, task.id), agent.id, knows=knows)


def record(agent, task: Task, outcome: Outcome, **typed) -> None:
    with transaction(agent.actor):
        record_outcome(task.id, agent.id, task.fence, agent.actor, Saved(outcome, **typed))


def share_of(practice: Practice) -> Share:
    return db.session.get_one(Share, practice.id, populate_existing=True)


def claim_of(agent, task: Task) -> Task:
    taken = claim(agent)
    assert taken.id == task.id
    return taken


def claim_facts(task: Task) -> dict:
    return db.session.scalars(
        sa.select(TaskEvent.facts)
        .where(TaskEvent.task_id == task.id, TaskEvent.kind == EventKind.CLAIMED)
        .order_by(TaskEvent.id.desc())
        .limit(1)
    ).one()
