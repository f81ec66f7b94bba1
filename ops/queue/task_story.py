"""The whole story of one task for a lead: what happened, why, what the gate said, and why it waits now."""

from dataclasses import dataclass

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.contact.models import GateDecision
from ops.db import db
from ops.practices.models import Patient, Practice, PracticeStatus
from ops.practices.queries import names_of
from ops.queue.board_words import Said, reasons_words
from ops.queue.cadence_words import count_of
from ops.queue.models import Attempt, CadenceRun, Lane, Share, Task, TaskEvent, TaskState

EVENTS = 200
DECISIONS = 20


@dataclass(frozen=True)
class Story:
    """Everything the task's page shows. `names` are those of people by actor, `practices` those of practices by id."""

    task: Task
    practice: Practice
    patient: Patient
    run: CadenceRun | None
    events: list[TaskEvent]
    attempts: list[Attempt]
    decisions: list[GateDecision]
    names: dict[str, str]
    practices: dict[int, str]


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
    return Story(
        task=task,
        practice=db.session.get_one(Practice, task.practice_id),
        patient=db.session.get_one(Patient, task.patient_id),
        run=db.session.get(CadenceRun, task.run_id) if task.run_id else None,
        events=events,
        attempts=attempts,
        decisions=_newest(subject, DECISIONS),
        names=names_of(_actors(task, events, attempts)),
        practices=_practices(events),
    )


def _newest(query: sa.Select, limit: int) -> list:
    return list(db.session.scalars(query.limit(limit)))


def _actors(task: Task, events: list[TaskEvent], attempts: list[Attempt]) -> set[str]:
    people = {event.facts.get("held_by") for event in events} | {attempt.agent_id for attempt in attempts}
    people |= {task.held_by, task.owner_id}
    return {event.actor for event in events} | {f"user:{person}" for person in people if person}


def _practices(events: list[TaskEvent]) -> dict[int, str]:
    """Names of the practices that came second in a claim."""
    second = {str((event.facts.get("second") or {}).get("practice_id", "")) for event in events}
    ids = [int(number) for number in second if number.isdigit()]
    if not ids:
        return {}
    return {
        row.id: row.name
        for row in db.session.execute(sa.select(Practice.id, Practice.name).where(Practice.id.in_(ids)))
    }


def why_waiting(story: Story, said: Said) -> list[str]:
    """Why a waiting task is not in anybody's hands yet, in sentences; empty for a task that does not wait."""
    task, now = story.task, clock.now()
    if task.state is not TaskState.WAITING:
        return []
    lines = []
    if story.practice.status is not PracticeStatus.ACTIVE:
        lines.append(f"{story.practice.name} is {story.practice.status}: nothing is done for it.")
    if task.ready_at > now:
        lines.append(_not_yet(task, said))
    elif shut := _lane_shut(task, said):
        lines.append(shut)
    elif holder := _patient_in_hands(task):
        lines.append(f"{holder} is speaking to this patient about another task; nobody else does at the same time.")
    elif _kept_for_owner(task, story):
        owner = story.names.get(f"user:{task.owner_id}", "an agent")
        until = said(task.owner_until or now)
        lines.append(f"Kept for {owner}, who promised the call, until {until}.")
    if task.ready_at <= now and not lines:
        lines.append(_in_turn(task))
    return lines


def _not_yet(task: Task, said: Said) -> str:
    if why := reasons_words(task.shut_reasons):
        return f"May not be contacted before {said(task.ready_at)}: {why}."
    if task.promised_at:
        return f"Promised for {said(task.promised_at)}; it comes first from then on."
    if task.tries:
        return f"Tried {count_of(task.tries, 'time')} without an answer; the next try is from {said(task.ready_at)} on."
    return f"It is due from {said(task.ready_at)} on."


def _lane_shut(task: Task, said: Said) -> str | None:
    lane = db.session.get(Lane, task.lane_id) if task.lane_id else None
    if lane is None or (lane.opens_at and lane.closes_at and lane.opens_at <= clock.now() < lane.closes_at):
        return None
    opens = f"they open {said(lane.opens_at)}" if lane.opens_at else "none are in sight within two weeks"
    return f"Outside the hours in which they may be called: {opens}."


def _patient_in_hands(task: Task) -> str | None:
    query = sa.select(User.name).join(Task, Task.held_by == User.id)
    return db.session.scalar(query.where(Task.patient_id == task.patient_id, Task.state == TaskState.CLAIMED))


def _kept_for_owner(task: Task, story: Story) -> bool:
    return bool(task.owner_id and task.owner_until and clock.now() < task.owner_until)


def _in_turn(task: Task) -> str:
    """It could be taken now: how many come before it."""
    now = clock.now()
    ready = sa.and_(Task.state == TaskState.WAITING, Task.ready_at <= now)
    if task.promised_at:
        before = sa.select(sa.func.count()).where(
            ready, sa.tuple_(Task.promised_at, Task.id) < sa.tuple_(task.promised_at, task.id)
        )
        return f"It is offered to the next agent who is free: a promise, {_ahead(db.session.scalar(before))} before it."
    better = sa.or_(Task.rank > task.rank, sa.and_(Task.rank == task.rank, Task.id < task.id))
    own = sa.and_(ready, Task.practice_id == task.practice_id, Task.promised_at.is_(None))
    before = sa.select(sa.func.count()).where(own, better)
    mine = sa.select(Share.virtual_time).where(Share.practice_id == task.practice_id).scalar_subquery()
    owed_more = (
        sa.select(sa.func.count())
        .select_from(Share)
        .join(Practice, Practice.id == Share.practice_id)
        .where(Share.has_work, Practice.status == PracticeStatus.ACTIVE, Share.virtual_time < mine)
    )
    return (
        f"It is ready and waits its turn: {_ahead(db.session.scalar(before))} of its practice before it, "
        f"and {_ahead(db.session.scalar(owed_more), 'practice')} owed more than its own."
    )


def _ahead(number: int | None, what: str = "task") -> str:
    return count_of(number, what) if number else f"no {what}"
