"""Lanes: tasks that open and shut together, so that what is shut costs nothing when the next task is claimed.

A lane is a window group (`windows.window_group`), a language and a kind of work. Which lanes a practice has work in,
and which of them are open now, stands in its ledger row (`shares`); the minute's upkeep moves lanes from shut to open
and puts what has come due into its lane.
"""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.contact import rules as rulebook
from ops.contact.asking import Person
from ops.contact.places import Place, places_of
from ops.contact.rules import RulesError
from ops.contact.windows import open_window, window_group
from ops.db import db
from ops.isolated import awake, each_within
from ops.languages import base_language
from ops.practices.models import Patient
from ops.queue.actions import leaving, moves, shares
from ops.queue.models import Lane, Task
from ops.queue.people import person_of
from ops.work.kinds import Kind
from ops.work.states import TaskState

log = structlog.get_logger()

BATCH = 2000
LOOK_AGAIN = timedelta(hours=1)
"""How soon a lane without any window in sight is looked at again."""


def fit(task: Task, patient: Patient) -> None:
    """Find the lane and the person of a task anew, and offer it there if it is due."""
    place(task, patient)
    offer(task)


def place(task: Task, patient: Patient) -> None:
    """Find the lane and the person of a task."""
    person = person_of(task, patient)
    task.person_key = person.phone_key
    try:
        task.lane_id = lane_of(places_for(person), patient.language, task.kind)
    except RulesError:  # the work is kept, and waits for somebody to mend the tables of the law
        task.lane_id = None


def enter(task: Task, actor: str) -> None:
    """A new task, placed, comes into the queue: in one statement, as far as it goes."""
    task.offered = _is_due(task)
    moves.put_in(task, actor)
    _note(task)


def offer(task: Task) -> None:
    """Make a waiting task a candidate if it is due; otherwise the upkeep does when it is."""
    task.offered = _is_due(task)
    _note(task)


def _is_due(task: Task) -> bool:
    return task.state is TaskState.WAITING and task.lane_id is not None and task.ready_at <= clock.now()


def _note(task: Task) -> None:
    """The practice has work in the lane of what is offered."""
    if task.offered and task.lane_id is not None and task.promised_at is None:
        db.session.flush()
        shares.note_work(task.practice_id, {task.lane_id})


def places_for(person: Person) -> tuple[Place, ...]:
    """Where this person may be."""
    try:
        return places_of(person.state, person.zip, person.phone, person.stated_zone)
    except ValueError:  # a zone nobody knows: the unknown rule, and the gate says what is wrong
        return places_of(person.state, person.zip, person.phone)


def lane_of(places: Iterable[Place], language: str, kind: Kind) -> int:
    """The number of the lane of these places, language and kind; made when it is new."""
    rules = rulebook.current()
    places = tuple(places)
    key = {"window_group": window_group(places, rules), "language": base_language(language), "kind": kind}
    found = db.session.scalar(sa.select(Lane.id).filter_by(**key))
    if found is not None:
        return found
    row = key | {"places": [list(place) for place in places], **_window(places)}
    # whoever made it in the same moment is waited for; the update that changes nothing returns their number
    made = insert(Lane).values(**row)
    made = made.on_conflict_do_update(
        index_elements=["window_group", "language", "kind"], set_={"kind": made.excluded.kind}
    )
    return db.session.execute(made.returning(Lane.id)).scalar_one()


def _window(places: tuple[Place, ...]) -> dict:
    rules, now = rulebook.current(), clock.now()
    window = open_window(places, "call", now, rules)
    opens_at, closes_at = window or (None, None)
    return {"opens_at": opens_at, "closes_at": closes_at, "looked_at": now, "rules_version": rules.version}


def refresh() -> None:
    """Lanes whose window is over get their next one; what came due is offered, to everybody where whom it is kept
    for is absent; the ledger says which lanes are open. Of many who want it at once one does it, and the others wait
    for that."""
    if not shares.hold_floor_or_wait():
        return
    try:
        refresh_windows()
        fit_waiting()
    except RulesError as problem:  # the lanes keep the window they have; the gate allows nothing meanwhile
        log.error("windows_unknown", problem=str(problem))
    offer_due()
    leaving.let_go_of_absent()
    shares.clear_dry()
    shares.refresh_open()


def refresh_windows() -> int:
    """Give every lane its window that is open or comes next; how many were out of date.

    Under new rules places that opened together may not any more: then every waiting task is fitted again.
    """
    now, version = clock.now(), rulebook.current().version
    stale = db.session.scalars(
        sa.select(Lane)
        .where(
            sa.or_(
                Lane.closes_at <= now,
                sa.and_(Lane.closes_at.is_(None), Lane.looked_at < now - LOOK_AGAIN),
                Lane.looked_at > now,
                Lane.rules_version != version,
            )
        )
        .with_for_update(skip_locked=True)
    ).all()
    if any(lane.rules_version != version for lane in stale):
        db.session.execute(
            sa.update(Task)
            .where(Task.state == TaskState.WAITING, Task.lane_id.is_not(None))
            .values(lane_id=None, offered=False)
            .execution_options(synchronize_session=False)
        )
    each_within("open lanes", {lane.id: lane for lane in stale}, _renew)
    return len(stale)


def _renew(lane: Lane) -> None:
    for name, value in _window(tuple(Place(*place) for place in lane.places)).items():
        setattr(lane, name, value)


def fit_waiting(limit: int = BATCH) -> int:
    """Find lanes for waiting tasks that have none, at most `limit`; how many. They were opened before there were
    lanes, or who they call has moved."""
    rows = db.session.execute(
        sa.select(Task, Patient)
        .join(Patient, Patient.id == Task.patient_id)
        .where(Task.state == TaskState.WAITING, ~Task.offered, Task.lane_id.is_(None), awake("find lanes", Task.id))
        .order_by(Task.promised_at.is_(None), Task.ready_at, Task.id)  # nobody's work is behind all of another's
        .limit(limit)
        .with_for_update(skip_locked=True, of=Task),
        execution_options={"populate_existing": True},
    ).all()
    found = {task.id: (task, patient) for task, patient in rows}
    return each_within("find lanes", found, lambda both: fit(*both), owner=Task.practice_id, limit=limit)


DUE = sa.text(
    """
    WITH due AS (
        SELECT id FROM tasks WHERE state = 'waiting' AND NOT offered AND ready_at <= :now AND lane_id IS NOT NULL
        ORDER BY ready_at LIMIT :batch FOR UPDATE SKIP LOCKED
    )
    UPDATE tasks SET offered = true FROM due WHERE tasks.id = due.id
    RETURNING tasks.practice_id, tasks.lane_id, tasks.promised_at IS NOT NULL AS promised
    """
)


def offer_due() -> int:
    """Offer every waiting task whose time has come; how many."""
    offered = 0
    while rows := db.session.execute(DUE, {"now": clock.now(), "batch": BATCH}).all():
        offered += len(rows)
        by_practice: dict[int, set[int]] = {}
        for practice_id, lane_id, promised in rows:
            if promised:
                continue
            by_practice.setdefault(practice_id, set()).add(lane_id)
        for practice_id in sorted(by_practice):  # in one order, so that two who do this do not wait for each other
            shares.note_work(practice_id, by_practice[practice_id])
        if len(rows) < BATCH:
            break
    if offered:
        db.session.expire_all()
    return offered
