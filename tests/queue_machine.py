"""The queue driven beside its reference (tests/queue_model.py): each step is made by the product's own verbs and by the
reference, and after each the two agree."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from ops import clock
from ops.accounts.models import Role
from ops.cadences import jobs
from ops.db import db, transaction
from ops.desk.actions import recording
from ops.floor import actions as floor
from ops.practices import actions as practices
from ops.practices.models import Practice
from ops.queue import jobs as queue_jobs
from ops.queue.actions import claiming, tasks
from ops.queue.models import Share, Task
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.skips import Skip
from tests.emptying import empty
from tests.queue_model import LEASE, Agent, Lane, Queue, Work
from tests.world import make_patient, make_practice, make_user

ZONE = "America/Chicago"
FIRST_EVENING = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
"""A Tuesday, half past seven in New York, where calls end in an hour and a half; in California they go on for hours."""
LONGEST_DAY = timedelta(hours=3)
ENDS = {
    Kind.ASK: Outcome.NOT_NOW,
    Kind.FOLLOW_UP: Outcome.ALL_WELL,
    Kind.REVIEW_REQUEST: Outcome.REVIEW_PROMISED,
    Kind.RECALL: Outcome.ANSWERED,
    Kind.REPLY: Outcome.ANSWERED,
}
"""The kinds used here, with an outcome of each that ends the work and has no other effect."""
MOST_PRACTICES, MOST_PATIENTS, AGENTS = 5, 40, 3
AREAS = {"CA": "415", "NY": "212"}

hours = st.sampled_from([1, 4, 10, 20, 50])
minutes = st.integers(1, 35)
which = st.integers(0, 7)
agents = st.integers(0, AGENTS - 1)
languages = st.sampled_from(["en", "en", "en", "es"])
places = st.sampled_from(sorted(AREAS))


class Someone(NamedTuple):
    practice: int
    patient: int
    person: int
    place: str
    language: str


class Worker(NamedTuple):
    id: int
    actor: str


class QueueMachine(RuleBasedStateMachine):
    """Every step is made by the product's own verbs and by the reference."""

    database: sa.Engine

    def __init__(self) -> None:
        super().__init__()
        db.session.remove()
        empty(self.database)
        self.time = ExitStack()
        self.move_to = self.time.enter_context(clock.movable(FIRST_EVENING))
        self.model = Queue(FIRST_EVENING, ZONE)
        self.evening = FIRST_EVENING
        self.agents = [Worker(each.id, each.actor) for each in [make_user(Role.AGENT) for _ in range(AGENTS)]]
        self.model.agents = {each.id: Agent(each.id) for each in self.agents}
        self.fences: dict[int, int] = {}
        self.patients: list[Someone] = []
        self.contacts: dict[int, list[datetime]] = {}

    def teardown(self) -> None:
        self.time.close()
        db.session.remove()

    # what comes in

    @initialize(
        bought=st.lists(hours, min_size=2, max_size=3), kinds=st.lists(st.sampled_from(sorted(ENDS)), max_size=8)
    )
    def a_morning(self, bought: list[int], kinds: list[Kind]) -> None:
        for each in bought:
            self.add_practice(each)
        for index, kind in enumerate(kinds):
            self.open_task(index, kind, later=0)

    @precondition(lambda self: len(self.model.practices) < MOST_PRACTICES)
    @rule(bought=hours)
    def add_practice(self, bought: int) -> None:
        practice = make_practice(hours=bought)
        jobs.practice_added(practice.id)
        self.model.add_practice(practice.id, bought)

    @precondition(lambda self: len(self.patients) < MOST_PATIENTS)
    @rule(index=which, kind=st.sampled_from(sorted(ENDS)), later=st.just(0) | minutes, place=places, language=languages)
    def open_task(self, index: int, kind: Kind, later: int, place: str = "CA", language: str = "en") -> None:
        someone = self._new_patient(index, place=place, language=language)
        self._open(someone, kind, ready_at=self.model.now + timedelta(minutes=later))

    @precondition(lambda self: len(self.patients) < MOST_PATIENTS)
    @rule(index=which, kind=st.sampled_from(sorted(ENDS)), due=st.integers(-10, 30), place=places, language=languages)
    def open_promise(self, index: int, kind: Kind, due: int, place: str = "CA", language: str = "en") -> None:
        at = self.model.now + timedelta(minutes=due)
        someone = self._new_patient(index, place=place, language=language)
        self._open(someone, kind, ready_at=self.model.now, promised_at=at)

    @precondition(lambda self: any(self._lonely(each.person) for each in self.patients))
    @rule(index=which, kind=st.sampled_from(sorted(ENDS)), later=st.just(0) | minutes, elsewhere=st.booleans())
    def open_second_task(self, index: int, kind: Kind, later: int, elsewhere: bool) -> None:
        """Of a patient, or of the same human as a patient of perhaps another practice."""
        lonely = [each for each in self.patients if self._lonely(each.person)]
        someone = lonely[index % len(lonely)]
        if elsewhere:
            someone = self._new_patient(index, someone.person, place=someone.place, language=someone.language)
        self._open(someone, kind, ready_at=self.model.now + timedelta(minutes=later))

    def _new_patient(self, index: int, person: int | None = None, *, place: str, language: str) -> Someone:
        practice_id = list(self.model.practices)[index % len(self.model.practices)]
        person = len(self.patients) if person is None else person
        practice = db.session.get_one(Practice, practice_id)
        phone = f"+1{AREAS[place]}55501{person:02}"
        patient = make_patient(practice, phone=phone, state=place, language=language)
        self.patients.append(Someone(practice_id, patient.id, person, place, language))
        return self.patients[-1]

    def _open(self, someone: Someone, kind: Kind, **when: datetime) -> None:
        with transaction("test"):
            task = tasks.open_task(
                practice_id=someone.practice,
                patient_id=someone.patient,
                kind=kind,
                reason="Treated.",
                actor="test",
                **when,
            )
        practice, lane = self.model.practices[someone.practice], Lane(someone.place, someone.language, kind)
        self.model.open_task(Work(task.id, practice, someone.patient, someone.person, lane, task.max_tries, **when))

    # hands

    @rule(index=agents, how_many=st.integers(1, 6), took=st.integers(0, 9))
    def work_through(self, index: int, how_many: int, took: int) -> None:
        """A busy agent: the ledger moves far in few steps."""
        for _ in range(how_many):
            self.claim(index)
            task = self.model.held_by(self.agents[index].id)
            if task is None or self._contacts_left(task.person) < 1:
                return
            self._move(self.model.now + timedelta(seconds=20 * took))
            self._finish(task)

    @rule(index=agents)
    def claim(self, index: int) -> None:
        agent = self.agents[index]
        expected = self.model.claim(agent.id)
        claimed = queue_jobs.next_for(agent.id, agent.actor)
        given = claimed.id if claimed else None
        assert given == (expected.id if expected else None), f"given {given}, expected {expected}"
        if claimed:
            self.fences[claimed.id] = claimed.fence

    @precondition(lambda self: self._held(lambda task: self._contacts_left(task.person) >= 1))
    @rule(index=which)
    def end(self, index: int) -> None:
        task = self._pick(index, lambda task: self._contacts_left(task.person) >= 1)
        self._finish(task)

    def _finish(self, task: Work) -> None:
        self._record(task, recording.Saved(ENDS[task.lane.kind]))
        self.model.end(task)

    @precondition(lambda self: self._held(self._may_try_again))
    @rule(index=which)
    def no_answer(self, index: int) -> None:
        task = self._pick(index, self._may_try_again)
        self._record(task, recording.Saved(Outcome.NO_ANSWER))
        self.model.no_answer(task)

    @precondition(lambda self: self._held(lambda task: self._contacts_left(task.person) >= 2))
    @rule(index=which, later=minutes, mine=st.booleans())
    def call_back(self, index: int, later: int, mine: bool) -> None:
        task = self._pick(index, lambda task: self._contacts_left(task.person) >= 2)
        at = self.model.now + timedelta(minutes=later)
        self._record(task, recording.Saved(Outcome.CALLBACK, callback_at=at, mine=mine))
        self.model.call_back(task, at, mine=mine)

    @precondition(lambda self: self._held())
    @rule(index=which)
    def release(self, index: int) -> None:
        task = self._pick(index)
        self._with(task, tasks.release)
        self.model.give_back(task)

    @precondition(lambda self: self._held())
    @rule(index=which, means=st.sampled_from(Skip))
    def skip(self, index: int, means: Skip) -> None:
        task = self._pick(index)
        agent = task.held_by
        self._with(task, tasks.skip, "", means)
        self.model.skip(task, agent, means)

    @precondition(lambda self: self._held())
    @rule(index=which, later=minutes)
    def snooze(self, index: int, later: int) -> None:
        task, until = self._pick(index), self.model.now + timedelta(minutes=later)
        self._with(task, tasks.snooze, until)
        self.model.give_back(task, until)

    @precondition(lambda self: self._held())
    @rule(index=which)
    def heartbeat(self, index: int) -> None:
        task = self._pick(index)
        with transaction("test"):
            claiming.heartbeat(task.id, task.held_by, self.fences[task.id])
        task.lease_until = self.model.now + LEASE

    @precondition(lambda self: any(each.state in ("waiting", "claimed") for each in self.model.tasks.values()))
    @rule(index=which)
    def cancel(self, index: int) -> None:
        running = [each for each in self.model.tasks.values() if each.state in ("waiting", "claimed")]
        task = running[index % len(running)]
        with transaction("test"):
            tasks.cancel(db.session.get_one(Task, task.id), "test", "Makes no sense any more.")
        self.model.cancel(task)

    # the floor

    @rule(index=which, rung=st.booleans())
    def pause_or_resume(self, index: int, rung: bool = True) -> None:
        """Whether the doorbell was heard or not."""
        practice = list(self.model.practices.values())[index % len(self.model.practices)]
        with transaction("test"):
            verb = practices.pause_practice if practice.active else practices.resume_practice
            verb(db.session.get_one(Practice, practice.id))
        practice.active = not practice.active
        if rung:
            jobs.practice_changed(practice.id)
            self.model.look_again()

    @rule(index=which, kind=st.sampled_from(sorted(ENDS)))
    def rest_or_resume_kind(self, index: int, kind: Kind) -> None:
        practice = list(self.model.practices.values())[index % len(self.model.practices)]
        with transaction("test"):
            if kind in practice.resting:
                floor.resume_kind(practice.id, kind)
            else:
                floor.pause_kind(practice.id, kind, "test", "a flood of calls")
        practice.resting ^= {kind}
        self.model.refresh_open()

    @rule(
        index=agents,
        spoken=st.sampled_from([("en",), ("es",), ("en", "es")]),
        kinds=st.none() | st.sets(st.sampled_from(sorted(ENDS)), min_size=2),
        certified=st.none() | st.sets(which, max_size=4),
    )
    def train(
        self, index: int, spoken: tuple[str, ...], kinds: set[Kind] | None = None, certified: set[int] | None = None
    ) -> None:
        """What an agent speaks, does and for whom is said anew; `certified` are places in the list of practices."""
        agent = self.model.agents[self.agents[index].id]
        wanted = None
        if certified is not None:
            there = list(self.model.practices)
            wanted = {there[each % len(there)] for each in certified}
        with transaction("test"):
            if agent.certified:
                floor.withdraw(agent.id, agent.certified)
            floor.set_profile(agent.id, spoken, kinds, wanted is None)
            if wanted:
                floor.certify(agent.id, wanted, "test")
        agent.languages, agent.kinds, agent.certified = set(spoken), kinds, wanted

    @rule(index=which, bought=hours)
    def change_contract(self, index: int, bought: int) -> None:
        practice_id = list(self.model.practices)[index % len(self.model.practices)]
        with transaction("test"):
            practices.set_contract(db.session.get_one(Practice, practice_id), bought, clock.today(ZONE))
        jobs.practice_changed(practice_id)
        self.model.change_hours(practice_id, bought)
        self.model.look_again()

    @precondition(lambda self: self.model.now - self.evening < LONGEST_DAY)
    @rule(later=minutes)
    def pass_time(self, later: int) -> None:
        self._move(self.model.now + timedelta(minutes=later))

    @precondition(lambda self: self.evening - FIRST_EVENING < timedelta(days=3))
    @rule()
    def next_day(self) -> None:
        """The tick of the night runs too."""
        self.evening += timedelta(days=1)
        self._move(self.evening)
        self.sweep()

    @rule()
    def sweep(self) -> None:
        queue_jobs.upkeep()
        self.model.sweep()

    # helpers

    def _move(self, moment: datetime) -> None:
        self.model.now = moment
        self.move_to(moment)

    def _held(self, fits: Any = lambda task: True) -> bool:
        return any(each.state == "claimed" and fits(each) for each in self.model.tasks.values())

    def _pick(self, index: int, fits: Any = lambda task: True) -> Work:
        held = [each for each in self.model.tasks.values() if each.state == "claimed" and fits(each)]
        return held[index % len(held)]

    def _with(self, task: Work, verb: Any, *details: Any) -> None:
        with transaction("test"):
            verb(task.id, task.held_by, self.fences[task.id], "test", *details)

    def _record(self, task: Work, saved: recording.Saved) -> None:
        self.contacts.setdefault(task.person, []).append(self.model.now)
        with transaction("test"):
            recording.record_outcome(task.id, task.held_by, self.fences[task.id], "test", saved)

    def _lonely(self, person: int) -> bool:
        """Has one task and may get another without the law's cap on calls a day coming into play."""
        theirs = [each for each in self.model.tasks.values() if each.person == person]
        return len(theirs) == 1 and self._contacts_left(person) >= 1

    def _may_try_again(self, task: Work) -> bool:
        """Who wrote is tried again today."""
        return self._contacts_left(task.person) >= (2 if task.lane.kind is Kind.REPLY else 1)

    def _contacts_left(self, person: int) -> int:
        """Calls they may get without the limits of the gate (two in 24 hours, a few in all) coming into play, those
        kept for their other tasks not counted."""
        made = self.contacts.get(person, [])
        lately = [at for at in made if at > self.model.now - timedelta(hours=24)]
        running = [e for e in self.model.tasks.values() if e.person == person and e.state in ("waiting", "claimed")]
        return min(2 - len(lately), 7 - len(made)) - (len(running) > 1)

    @invariant()
    def the_ledger_agrees(self) -> None:
        rows = db.session.execute(
            sa.select(
                Share.practice_id,
                Share.virtual_time,
                Share.minutes_charged,
                Share.hours,
                sa.func.cardinality(Share.lanes).label("lanes"),
                sa.func.cardinality(Share.open_lanes).label("open"),
            )
        ).all()
        assert {row.practice_id for row in rows} == set(self.model.practices)
        for row in rows:
            practice = self.model.practices[row.practice_id]
            same = (
                abs(row.virtual_time - practice.virtual_time) < 1e-6
                and abs(float(row.minutes_charged) - practice.minutes) < 0.01
                and float(row.hours) == practice.hours
                and (row.lanes, row.open) == (len(practice.lanes), len(practice.open_lanes))
            )
            assert same, f"expected {practice}, found {row}"

    @invariant()
    def the_tasks_agree(self) -> None:
        rows = db.session.scalars(sa.select(Task)).all()
        assert {row.id for row in rows} == set(self.model.tasks)
        for row in rows:
            task = self.model.tasks[row.id]
            assert (row.state.value, row.held_by, row.tries) == (task.state, task.held_by, task.tries), task
            if task.state == "waiting":
                assert (row.offered, row.ready_at, row.promised_at) == (task.offered, task.ready_at, task.promised_at)
        db.session.remove()
