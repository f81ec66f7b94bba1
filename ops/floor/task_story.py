"""The whole story of one task for a lead: what happened, why, and what the gate said."""

from dataclasses import dataclass

import sqlalchemy as sa

from ops.accounts.queries import names_of
from ops.cadences.models import Cadence
from ops.cadences.words import left_out_words
from ops.contact.models import GateDecision
from ops.db import db
from ops.floor.words import practices_named
from ops.practices.models import Patient, Practice
from ops.queue.models import Attempt, CadenceRun, Task, TaskEvent

EVENTS = 200
DECISIONS = 20


@dataclass(frozen=True)
class Story:
    """Everything the task's page shows. `names` are those of people by actor, `practices` those of practices by id."""

    task: Task
    practice: Practice
    patient: Patient
    run: CadenceRun | None
    cadence: Cadence | None
    events: list[TaskEvent]
    attempts: list[Attempt]
    decisions: list[GateDecision]
    names: dict[str, str]
    practices: dict[int, str]

    @property
    def left_out(self) -> list[str]:
        """The steps of its cadence that could not be taken, and why."""
        return left_out_words(self.run.left_out) if self.run else []


def story_of(task_id: int) -> Story | None:
    """The task and what happened to it, oldest first; the gate's answers newest first. None: no such task."""
    task = db.session.get(Task, task_id)
    if task is None:
        return None
    events = _newest(sa.select(TaskEvent).where(TaskEvent.task_id == task_id).order_by(TaskEvent.id.desc()), EVENTS)[
        ::-1
    ]
    attempts = _newest(sa.select(Attempt).where(Attempt.task_id == task_id).order_by(Attempt.id.desc()), EVENTS)[::-1]
    subject = sa.select(GateDecision).where(GateDecision.subject == f"task:{task_id}").order_by(GateDecision.id.desc())
    run = db.session.get(CadenceRun, task.run_id) if task.run_id else None
    return Story(
        task=task,
        practice=db.session.get_one(Practice, task.practice_id),
        patient=db.session.get_one(Patient, task.patient_id),
        run=run,
        cadence=db.session.get(Cadence, run.cadence_id) if run else None,
        events=events,
        attempts=attempts,
        decisions=_newest(subject, DECISIONS),
        names=names_of(_actors(task, events, attempts)),
        practices=_practices(events),
    )


def _newest(query: sa.Select, limit: int) -> list:
    return list(db.session.scalars(query.limit(limit)))


def _actors(task: Task, events: list[TaskEvent], attempts: list[Attempt]) -> set[str]:
    people = {event.facts.get(who) for event in events for who in ("held_by", "to", "from")}
    people |= {attempt.agent_id for attempt in attempts}
    people |= {task.held_by, task.owner_id}
    return {event.actor for event in events} | {f"user:{person}" for person in people if person}


def _practices(events: list[TaskEvent]) -> dict[int, str]:
    """Names of the practices that the records of the claims speak of."""
    ids = {number for event in events for number in practices_named(event.facts or {})}
    if not ids:
        return {}
    return {
        row.id: row.name
        for row in db.session.execute(sa.select(Practice.id, Practice.name).where(Practice.id.in_(ids)))
    }
