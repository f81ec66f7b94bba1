"""The moves of a task: those of the table and no others, each with its event, and one at a time."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.cadences import jobs as cadences
from ops.db import db, driver_transaction, transaction
from ops.desk.actions.recording import Saved, record_outcome
from ops.desk.actions.undoing import take_back
from ops.errors import Refused
from ops.queue import jobs, queries
from ops.queue.actions import assigning, claiming, ending, moves, tasks
from ops.queue.models import Attempt, CadenceRun, Task, TaskEvent
from ops.work import states
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome, rules_for
from ops.work.states import EventKind, RunState, TaskState
from tests.queue_world import NOON, claim_of, give_back, open_for, practice_of
from tests.world import make_milestone, make_patient, make_user

LEGAL = {
    "opened": ["- waiting"],
    "claimed": ["waiting claimed"],
    "skipped": ["claimed waiting"],
    "snoozed": ["claimed waiting"],
    "retry": ["claimed waiting"],
    "returned": ["claimed waiting"],
    "lease_expired": ["claimed waiting"],
    "pulled_back": ["claimed waiting"],
    "shut": ["waiting waiting"],
    "handed": ["waiting waiting"],
    "sent": ["claimed claimed"],
    "promise_broken": ["waiting waiting"],
    "corrected": ["waiting waiting", "claimed claimed"],
    "wrote_again": ["waiting waiting", "claimed claimed"],
    "done": ["claimed done"],
    "undone": ["done claimed", "waiting claimed", "cancelled waiting"],
    "cancelled": ["waiting cancelled", "claimed cancelled"],
}
"""What the agency allows, written down a second time: event -> from and to."""
LEADS = {(event, each.split()[0]): each.split()[1] for event, pairs in LEGAL.items() for each in pairs}
LATER = datetime.fromisoformat("2026-03-10T20:00:00+00:00")


@pytest.fixture
def noon(app) -> Iterator:
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def agent(noon):
    return make_user(Role.AGENT)


@pytest.fixture
def practice(noon):
    return practice_of()


def make(state: TaskState, practice, agent) -> Task:
    task = open_for(make_patient(practice))
    if state in (TaskState.CLAIMED, TaskState.DONE):
        task = claim_of(agent, task)
    with transaction("test"):
        if state is TaskState.DONE:
            tasks.finish(task, agent.actor)
        elif state is TaskState.CANCELLED:
            tasks.cancel(task, "test", "No use.")
    return task


def row(task: Task) -> dict:
    return db.session.scalar(sa.text("SELECT to_jsonb(t) FROM tasks t WHERE id = :id"), {"id": task.id})


def story(task_id: int) -> list[str]:
    told = sa.select(TaskEvent.kind).where(TaskEvent.task_id == task_id).order_by(TaskEvent.id)
    return [str(kind) for kind in db.session.scalars(told)]


def explained(events: list[str]) -> str:
    """The state in which these events leave a task."""
    state = "-"
    for event in events:
        state = LEADS[event, state]
    return state


class _Enough(Exception):
    pass


@contextmanager
def tried() -> Iterator[None]:
    """A transaction of which nothing stays."""
    with suppress(_Enough), transaction("test"):
        yield
        raise _Enough


def test_the_table_of_moves_is_what_the_agency_allows():
    table = {(str(event), str(was or "-")): becomes for event, move in states.MOVES.items()
             for was, becomes in move.leads.items()}  # fmt: skip
    assert table == LEADS
    assert set(states.MOVES) == set(EventKind)
    assert states.OPEN == (TaskState.WAITING, TaskState.CLAIMED)


@pytest.mark.parametrize("state", TaskState)
def test_every_event_moves_as_the_table_says_or_is_refused_and_changes_nothing(state, practice, agent):
    task = make(state, practice, agent)
    before, told = row(task), story(task.id)
    assert (before["state"], explained(told)) == (state, state)
    holder = moves.Holder(agent.id, clock.now(), LATER)
    for event in EventKind:
        becomes = LEADS.get((event, state))
        to_holder = becomes == "claimed" != state
        ways = {
            False: lambda event=event: moves.move(task, event, "test", note="x"),
            True: lambda event=event: moves.move_to_holder(task, event, "test", holder, note="x"),
        }
        with tried():
            for takes, way in ways.items():
                if becomes is None or (takes != to_holder and becomes != state):
                    with pytest.raises(Refused):
                        way()
                    assert (row(task), story(task.id)) == (before, told), event
        if becomes:
            with tried():
                ways[to_holder]()
                now = row(task)
                assert (now["state"], story(task.id)) == (becomes, [*told, event])
                assert now["fence"] == before["fence"] + to_holder
                assert (now["held_by"] is not None, now["finished_at"] is not None) == (
                    becomes == "claimed", becomes in ("done", "cancelled")
                )  # fmt: skip


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("behind", [0, 1])
def test_the_claims_statement_takes_what_waits_under_its_fence_and_writes_nothing_otherwise(
    state, behind, practice, agent
):
    task = make(state, practice, agent)
    other = make_user(Role.AGENT)
    tables = "task_events", "gate_decisions", "(SELECT minutes_charged FROM shares) AS shares"
    before = row(task), [db.session.execute(sa.text(f"SELECT * FROM {table}")).all() for table in tables]
    wanted = (
        {"agent": other.id, "actor": other.actor, "at": clock.now(), "lease_until": LATER, "version": None}
        | {"task": task.id, "fence": task.fence - behind, "estimate": 5.0, "band": 2}
        | {"why": "{}", "allow": True, "reasons": "[]", "facts": "{}", "rules": "test"}
    )
    db.session.rollback()
    with driver_transaction() as connection:
        taken = connection.execute(claiming.TAKE, wanted).rowcount
    assert taken == (state is TaskState.WAITING and not behind)
    after = row(task), [db.session.execute(sa.text(f"SELECT * FROM {table}")).all() for table in tables]
    assert (after != before) == bool(taken)
    assert explained(story(task.id)) == row(task)["state"]


VERBS = {
    "finish": lambda task: tasks.finish(task, "a"),
    "cancel": lambda task: tasks.cancel(task, "b", "No use."),
    "give back": lambda task: tasks.give_back(task, EventKind.RELEASED, "c"),
    "retry": lambda task: tasks.retry(task, LATER, "d"),
}


@pytest.mark.parametrize("pair", [("finish", "cancel"), ("give back", "finish"), ("cancel", "cancel"), ("retry",) * 2])
def test_of_two_who_move_a_task_in_the_same_moment_one_wins_and_one_event_is_told(pair, app, practice, agent):
    task_id, told = make(TaskState.CLAIMED, practice, agent).id, ["opened", "claimed"]
    db.session.rollback()
    both_read, ends = threading.Barrier(2), []

    def press(verb) -> None:
        with app.app_context(), clock.moved_to(datetime.fromisoformat(NOON + "+00:00")):
            try:
                with transaction("test"):
                    task = db.session.get_one(Task, task_id)
                    both_read.wait()
                    verb(task)
                ends.append("moved")
            except tasks.LeaseLost:
                ends.append("refused")

    in_threads(*(lambda verb=VERBS[name]: press(verb) for name in pair))
    assert sorted(ends) == ["moved", "refused"]
    events = story(task_id)
    assert len(events) == len(told) + 1
    assert explained(events) == db.session.get_one(Task, task_id, populate_existing=True).state


def in_threads(*works) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_who_read_the_task_in_an_earlier_hand_moves_nothing(verb, app, practice, agent, noon):
    task, other = make(TaskState.CLAIMED, practice, agent), make_user(Role.AGENT)
    read = {"state": task.state, "fence": task.fence}

    def meanwhile() -> None:
        with app.app_context():
            give_back(agent, task)
            claim_of(other, task)

    db.session.rollback()
    db.session.refresh(task)
    in_threads(meanwhile)
    assert {"state": task.state, "fence": task.fence} == read, "this session has not looked again"
    with pytest.raises(tasks.LeaseLost), transaction("test"):
        verb(task)
    now = db.session.get_one(Task, task.id, populate_existing=True)
    assert (now.state, now.held_by, now.fence) == (TaskState.CLAIMED, other.id, 2)
    assert story(task.id) == ["opened", "claimed", "returned", "claimed"]


def test_a_run_is_ended_once_and_keeps_why(app, practice):
    patient = make_patient(practice)
    make_milestone(patient)
    cadences.import_finished(practice.id)
    run_id = db.session.scalars(sa.select(CadenceRun.id)).one()
    db.session.rollback()
    both_read = threading.Barrier(2)

    def end(why: EndReason) -> None:
        with app.app_context(), transaction("test"):
            run = db.session.get_one(CadenceRun, run_id)
            both_read.wait()
            moves.end_run(run, Ending(why))
            assert run.state is RunState.ENDED
            first.append((run.end_reason, run.ended_at))

    first: list = []
    in_threads(lambda: end(EndReason.WROTE_BACK), lambda: end(EndReason.OPTED_OUT))
    run = db.session.get_one(CadenceRun, run_id, populate_existing=True)
    assert first == [(run.end_reason, run.ended_at)] * 2 and run.next_at is None
    with transaction("test"):
        moves.resume_run(run)
    assert (run.state, run.ended_at, run.end_reason) == (RunState.RUNNING, None, None)
    with pytest.raises(Refused), transaction("test"):
        moves.resume_run(run)


def test_somebody_is_spoken_to_when_another_task_of_theirs_or_of_their_number_is_in_progress(practice, agent):
    patient = make_patient(practice, phone="+13125550177")
    mine = open_for(patient)
    twin = open_for(make_patient(practice_of(hours=1), phone="+13125550177"), Kind.REVIEW_REQUEST)
    same, stranger = open_for(patient, Kind.FOLLOW_UP), open_for(make_patient(practice, phone=None))
    assert queries.on_another_call(twin) is None
    taken = jobs.next_for(agent.id, agent.actor).id
    spoken_to = {each.id for each in (mine, twin, same, stranger) if queries.on_another_call(each)}
    assert spoken_to == {mine.id, twin.id, same.id} - {taken} and len(spoken_to) == 2


class Floor:
    """Three agents, a lead and whatever befalls: each step one verb, with what it needs chosen at random."""

    def __init__(self, practice, agents) -> None:
        self.chance, self.practice, self.agents = random.Random(4), practice, agents
        self.patients = [make_patient(practice) for _ in range(5)]

    def any_task(self) -> Task:
        ids = db.session.scalars(sa.select(Task.id).order_by(Task.id)).all()
        return db.session.get_one(Task, self.chance.choice(ids), populate_existing=True)

    def held(self, verb, *given) -> None:
        agent = self.chance.choice(self.agents)
        task = queries.task_of(agent.id) or self.any_task()
        verb(task.id, agent.id, task.fence, agent.actor, *given)

    def record(self) -> None:
        outcome = self.chance.choice([each.outcome for each in rules_for(Kind.ASK)])
        at = clock.now() + timedelta(minutes=20) if outcome is Outcome.CALLBACK else None
        self.held(record_outcome, Saved(outcome, note="They said so.", callback_at=at))

    def undo(self) -> None:
        last = db.session.scalars(sa.select(Attempt).order_by(Attempt.id.desc())).first()
        if last:
            take_back(last.id, last.agent_id, f"user:{last.agent_id}")

    def befall(self) -> None:
        """One thing, in a transaction of its own where the verb has none."""
        task, agent, chance = self.any_task(), self.chance.choice(self.agents), self.chance
        own = [lambda: jobs.next_for(agent.id, agent.actor)] * 4 + [jobs.upkeep]
        verbs = [
            *[self.record] * 4, *[self.undo] * 4,
            lambda: self.held(tasks.release),
            lambda: self.held(tasks.skip, "I know them."),
            lambda: self.held(tasks.snooze, clock.now() + timedelta(minutes=15)),
            lambda: assigning.release(task.id, "lead", "Needed."),
            lambda: assigning.assign(task.id, agent.id, "lead", "Theirs."),
            lambda: assigning.unassign(task.id, "lead"),
            lambda: assigning.cancel_task(task.id, "lead", "No use."),
            lambda: ending.cancel_work_for(task.patient_id, "reply", Ending(EndReason.OPTED_OUT)),
            lambda: open_in(self.chance.choice(self.patients)),
        ]  # fmt: skip
        if chance.random() < 0.3:
            return chance.choice(own)()
        with transaction("test"):
            chance.choice(verbs)()


def open_in(patient) -> None:
    tasks.open_task(practice_id=patient.practice_id, patient_id=patient.id, kind=Kind.ASK, reason="x", actor="test")


def test_whatever_befalls_the_events_of_every_task_explain_its_state(practice, noon):
    floor = Floor(practice, [make_user(Role.AGENT) for _ in range(3)])
    for patient in floor.patients * 2:
        open_for(patient)
    told: set[str] = set()
    for _ in range(200):
        with suppress(Refused):
            floor.befall()
        db.session.rollback()
        rows = db.session.execute(sa.select(Task.id, Task.state)).all()
        stories = {task_id: story(task_id) for task_id, _ in rows}
        assert {task_id: explained(events) for task_id, events in stories.items()} == dict(map(tuple, rows))
        told |= {event for events in stories.values() for event in events}
        noon.tick(timedelta(seconds=floor.chance.choice((5, 20, 45, 200))))
    assert told >= set(LEGAL) - {"shut", "sent", "lease_expired", "promise_broken", "corrected", "wrote_again"}, (
        "it befell often enough"
    )
