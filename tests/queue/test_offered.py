"""What may be offered to whom: the claim, my day, the board, the story and the empty queue beside a reference that
knows nothing of the SQL."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from freezegun import freeze_time
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ops import clock
from ops.accounts.models import User
from ops.cadences import jobs as cadences
from ops.db import db, transaction
from ops.floor import board, board_lists, task_why
from ops.floor.task_story import story_of
from ops.messages.actions import receive
from ops.practices.models import Practice, PracticeStatus
from ops.queue import jobs
from ops.queue.models import KindPause, Task
from ops.queue.waiting import hindrances, keeper_of, piles, waits
from ops.queue.workers import lacks, worker
from ops.rhythm import today
from ops.work.kinds import Kind
from ops.work.states import TaskState
from tests.emptying import empty
from tests.floors import NOON, make_task
from tests.queue_world import profile
from tests.world import make_patient, make_practice, make_user

ANN, BOB = "ann", "bob"
ASLEEP = {"phone": "+18085550{:03}", "state": "HI"}
"""Seven in the morning in Hawaii when it is noon in Chicago."""
PHONE = "+13125550{:03}"


class Spec(NamedTuple):
    """One waiting task. `owner` may be whom it is kept for, or was (`kept` False); `about` the human bob speaks to: the
    same patient, another one with the same number, or nobody he speaks to."""

    practice: int
    kind: Kind
    language: str
    promised: bool
    owner: str | None
    kept: bool
    handed: bool
    due: bool
    awake: bool
    about: str
    wrote: bool = False
    """They wrote something, and nobody has read it."""


class World(NamedTuple):
    """A small state. Ann speaks `speaks`, does `does` (None: all), for practice 0 alone or everywhere; of practice 1
    the `status`, and whether asks are paused for practice 0."""

    tasks: list[Spec]
    speaks: tuple[str, ...]
    does: tuple[Kind, ...] | None
    everywhere: bool
    status: PracticeStatus
    asks_rest: bool


specs = st.builds(
    Spec,
    practice=st.sampled_from([0, 0, 1]),
    kind=st.sampled_from([Kind.ASK, Kind.RECALL]),
    language=st.sampled_from(["en", "en", "es"]),
    promised=st.booleans(),
    owner=st.sampled_from([None, None, ANN, BOB]),
    kept=st.booleans(),
    handed=st.booleans(),
    due=st.sampled_from([True, True, True, False]),
    awake=st.sampled_from([True, True, True, False]),
    about=st.sampled_from(["nobody", "nobody", "nobody", "patient", "number"]),
    wrote=st.sampled_from([False, False, False, True]),
)
worlds = st.builds(
    World,
    tasks=st.lists(specs, min_size=1, max_size=6),
    speaks=st.sampled_from([("en",), ("en", "es"), ("es",)]),
    does=st.sampled_from([None, None, (Kind.ASK,)]),
    everywhere=st.booleans(),
    status=st.sampled_from([PracticeStatus.ACTIVE, PracticeStatus.ACTIVE, PracticeStatus.PAUSED]),
    asks_rest=st.booleans(),
)


@dataclass
class Made:
    """The state in the database: the task of each spec."""

    world: World
    ann: User
    bob: User
    task_ids: list[int]


def make(world: World) -> Made:
    practices = [make_practice("zero"), make_practice("one")]
    for practice in practices:
        cadences.practice_added(practice.id)
    ann, bob = make_user("agent", name="Ann"), make_user("agent", name="Bob")
    profile(ann, languages=world.speaks, kinds=world.does, certified=None if world.everywhere else practices[:1])
    called = make_patient(practices[0], phone=PHONE.format(500))
    held = make_task(practices[0], Kind.FOLLOW_UP, patient=called)
    with transaction("test"):
        task = db.session.get_one(Task, held.id)
        task.state, task.offered, task.held_by, task.claimed_at = TaskState.CLAIMED, False, bob.id, clock.now()
        task.lease_until, task.fence = clock.now() + timedelta(minutes=30), 1
    people = {"ann": ann.id, "bob": bob.id, None: None}
    found = [_task(practices, called, spec, number, people) for number, spec in enumerate(world.tasks)]
    with transaction("test") as session:
        session.get_one(Practice, practices[1].id).status = world.status
        if world.asks_rest:
            rest = {"since": clock.now(), "paused_by": "test", "reason": "Full"}
            session.add(KindPause(practice_id=practices[0].id, kind=Kind.ASK, **rest))
    jobs.upkeep()
    return Made(world, ann, bob, found)


def _task(practices: list[Practice], called, spec: Spec, number: int, people: dict[str | None, int | None]) -> int:
    practice = practices[spec.practice]
    if spec.about == "patient":
        patient = called
    elif spec.about == "number":
        patient = make_patient(practice, phone=called.phone, language=spec.language)
    else:
        place = {"phone": PHONE.format(number)} if spec.awake else ASLEEP | {"phone": ASLEEP["phone"].format(number)}
        patient = make_patient(practice, language=spec.language, **place)
    when = clock.now() - timedelta(minutes=1) if spec.due else clock.now() + timedelta(hours=1)
    details = {"ready_at": when, "promised_at": when} if spec.promised else {"ready_at": when}
    home = practices[0] if spec.about == "patient" else practice
    made = make_task(home, spec.kind, patient=patient, **details)
    with transaction("test"):
        task = db.session.get_one(Task, made.id)
        task.owner_id, task.owner_until, task.handed_at = None, None, None
        if spec.about == "patient":  # as a call to the friend they sent
            task.person_key = b"a friend"
        if spec.wrote and spec.about == "nobody":
            one = {"channel": "sms", "from_address": patient.phone, "provider_id": f"reply {made.id}"}
            receive(practice, body="👍", **one).handled_at = clock.now()  # what it ends and opens is not asked here
        if spec.owner:
            task.owner_id = people[spec.owner]
            task.owner_until = clock.now() + timedelta(hours=2 if spec.kept else -2)
            task.handed_at = clock.now() if spec.handed else None
    return made.id


def facts(spec: Spec) -> tuple[int, str, bool]:
    """Practice, language and whether they are awake: whom bob speaks to is at noon, in practice 0, in English."""
    practice = 0 if spec.about == "patient" else spec.practice
    language = "en" if spec.about == "patient" else spec.language
    return practice, language, spec.awake or spec.about != "nobody"


def is_paused(world: World, spec: Spec) -> bool:
    practice = facts(spec)[0]
    status = world.status if practice else PracticeStatus.ACTIVE
    return status is not PracticeStatus.ACTIVE or (world.asks_rest and practice == 0 and spec.kind is Kind.ASK)


def ann_may(world: World, spec: Spec) -> bool:
    practice, language, _ = facts(spec)
    certified = world.everywhere or practice == 0
    return certified and language in world.speaks and (world.does is None or spec.kind in world.does)


def for_anybody(world: World, spec: Spec) -> bool:
    """Whether somebody could be given it now (Bob works everything in English)."""
    handed = spec.owner is not None and spec.kept and spec.handed
    somebody = handed or facts(spec)[1] == "en" or ann_may(world, spec)
    free = spec.about == "nobody" and not spec.wrote
    return spec.due and not is_paused(world, spec) and somebody and facts(spec)[2] and free


def for_ann(world: World, spec: Spec) -> bool:
    """Whether Ann could be given it now."""
    kept_from_her = spec.owner == BOB and spec.kept
    handed = spec.owner == ANN and spec.kept and spec.handed
    return for_anybody(world, spec) and not kept_from_her and (handed or ann_may(world, spec))


def all_she_gets(ann: User) -> set[int]:
    """What the claim hands her, one after the other, until there is nothing."""
    got = set()
    while claimed := jobs.next_for(ann.id, ann.actor):
        got.add(claimed.id)
        with transaction("test") as session:
            task = session.get_one(Task, claimed.id, populate_existing=True)
            task.state, task.held_by, task.lease_until = TaskState.CANCELLED, None, None
            task.finished_at = clock.now()
    return got


PLAIN = Spec(0, Kind.ASK, "en", False, None, False, False, True, True, "nobody")
ACTIVE = PracticeStatus.ACTIVE
EVERY_RULE = [
    PLAIN,
    PLAIN._replace(practice=1),
    PLAIN._replace(language="es"),
    PLAIN._replace(kind=Kind.RECALL),
    PLAIN._replace(due=False),
    PLAIN._replace(awake=False),
    PLAIN._replace(about="patient"),
    PLAIN._replace(about="number"),
    PLAIN._replace(wrote=True),
    PLAIN._replace(owner=BOB, kept=True),
    PLAIN._replace(owner=BOB, kept=False),
]
HANDED = [spec._replace(owner=ANN, kept=True, handed=True) for spec in EVERY_RULE]
PROMISED = [spec._replace(promised=True) for spec in EVERY_RULE]


@pytest.mark.parametrize("tasks", [EVERY_RULE, HANDED, PROMISED], ids=["in turn", "handed", "promised"])
@pytest.mark.parametrize(
    "world",
    [
        World([], ("en",), (Kind.ASK,), False, ACTIVE, False),
        World([], ("en", "es"), None, True, PracticeStatus.PAUSED, False),
        World([], ("en", "es"), None, True, ACTIVE, True),
        World([], ("es",), None, True, ACTIVE, False),
    ],
    ids=["certified for little", "a practice paused", "a kind paused", "another language"],
)
@freeze_time(NOON)
def test_each_rule_alone_is_the_same_everywhere(app, world, tasks):
    check(make(world._replace(tasks=tasks)))


@given(worlds)
@example(World([PLAIN], ("en",), None, True, ACTIVE, False))
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_claim_day_board_story_and_empty_queue_agree(app, own_database, world):
    db.session.remove()
    empty(own_database)
    with freeze_time(NOON):
        check(make(world))


def check(made: Made) -> None:
    """All of them say of every task what the reference says."""
    world, pairs = made.world, list(zip(made.task_ids, made.world.tasks, strict=True))
    hers = {task_id for task_id, spec in pairs if for_ann(world, spec)}
    anybodys = {task_id for task_id, spec in pairs if for_anybody(world, spec)}

    assert today.ready(made.ann.id) == len(hers), "what my day counts"
    counted = today._counted(worker(made.ann.id))
    assert counted.ready == len(hers), "what the empty queue counts"
    assert (today.waiting(made.ann.id).blocks == ()) == bool(hers or not counted.blocks)

    found = {pile.task_id: pile for pile in piles(task_ids=made.task_ids, agent_id=made.ann.id)}
    assert {number for number, pile in found.items() if not hindrances(pile, made.ann.id)} == hers, "reasons for her"

    lines = board.look(board.Asked()).lines
    assert sum(line.ready for line in lines) == len(anybodys), "what the board counts"
    assert sum(line.later for line in lines) == len(pairs) - len(anybodys)
    stories = {number: task_why.hindrances(story_of(number), str) for number in made.task_ids}
    assert {number for number, said in stories.items() if not said} == anybodys, "what the story says"
    listed = [one for slug in ("zero", "one") for one in board_lists.next_up(board.Asked(slug))]
    assert {one.task_id for one in listed if not one.waits} == anybodys, "what comes up next"

    assert all_she_gets(made.ann) == hers, "what the claim hands out"


# The same rule the other way round, and what keeps them cheap


@freeze_time(NOON)
def test_what_one_may_not_work_is_named_thing_by_thing(app):
    ann, lake = make_user("agent"), make_practice("lake")
    profile(ann, languages=["es"], kinds=["recall"], certified=[])
    assert lacks(lake.id, Kind.ASK, "en")[ann.id] == ["practice", "kind", "language"]
    assert lacks(lake.id, None, None)[ann.id] == ["practice"], "what is not asked is not lacking"


@freeze_time(NOON)
def test_a_story_without_a_number_takes_nobody_elses_call_for_theirs(app):
    lake = make_practice("lake")
    make_task(lake, patient=make_patient(lake, phone=None, email="a@example.com"))
    task = make_task(lake, patient=make_patient(lake, phone=None, email="b@example.com"))
    with transaction("test"):
        other = db.session.scalars(sa.select(Task).where(Task.id != task.id)).one()
        other.state, other.offered, other.held_by = TaskState.CLAIMED, False, make_user("agent").id
        other.claimed_at, other.lease_until, other.person_key = clock.now(), clock.now() + timedelta(minutes=9), None
        db.session.get_one(Task, task.id).person_key = None
    assert not any(wait.code == "on_another_call" for pile in piles(task_ids=[task.id]) for wait in waits(pile))
    assert not db.session.execute(sa.text("SELECT FROM spoken_to(:id, NULL)"), {"id": task.patient_id}).all()
    assert keeper_of(task) is None


ASKS = {
    "window_open": "SELECT FROM lanes l WHERE window_open(l.opens_at, l.closes_at, now())",
    "why_shut": "SELECT FROM lanes l WHERE why_shut(l.id, l.opens_at, l.closes_at, now()) IS NULL",
    "keeper": "SELECT FROM tasks t WHERE keeper(t.owner_id, t.owner_until, now()) = 1",
    "kept_from": "SELECT FROM tasks t WHERE kept_from(1, t.owner_id, t.owner_until, now())",
    "why_paused": "SELECT FROM tasks t WHERE EXISTS (SELECT FROM why_paused(t.practice_id, t.kind))",
    "spoken_to": "SELECT FROM tasks t WHERE EXISTS (SELECT FROM spoken_to(t.patient_id, t.person_key))",
    "read_on": "SELECT FROM tasks t WHERE EXISTS (SELECT FROM read_on(t.kind, t.practice_id, t.person_key, NULL))",
    "unread_of": "SELECT FROM tasks t WHERE EXISTS (SELECT FROM unread_of(t.kind, t.practice_id, t.person_key))",
    "may_work": """SELECT FROM skills s JOIN lanes l
                   ON may_work(1, l.kind, l.language, s.speaks, s.does, s.everywhere, s.theirs)""",
    "lacking": "SELECT * FROM lacking(1, 'ask', 'en')",
    "lanes_for": "SELECT FROM shares s WHERE EXISTS (SELECT FROM lanes_for(s.open_lanes, now(), '{en}', NULL))",
}


@pytest.mark.parametrize("rule", ASKS)
def test_a_rule_is_part_of_the_statement_that_asks_and_no_call(app, rule):
    plan = "\n".join(db.session.scalars(sa.text(f"EXPLAIN (VERBOSE) {ASKS[rule]}")))
    assert not re.search(rf"\b{rule}\(|Function Scan on .*{rule}|Subquery Scan on {rule}\(", plan), plan


def test_every_rule_of_the_file_is_asked_here(app):
    from ops.sql import units

    text = next(unit for unit in units.files() if unit.name == "queue/offered.sql").text
    assert set(re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)", text, re.MULTILINE)) == set(ASKS)


MANY = sa.text(
    """
    INSERT INTO tasks (practice_id, patient_id, kind, state, reason, created_at, ready_at, lane_id, person_key, offered,
                       rank, ranked_at, estimate_minutes, tries, max_tries, fence)
    SELECT practice_id, patient_id, kind, state, reason, created_at, ready_at, lane_id, person_key, offered,
           rank - n % 50, ranked_at, estimate_minutes, tries, max_tries, fence
    FROM tasks CROSS JOIN generate_series(1, 1000) n WHERE practice_id = :practice
    """
)
READ = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'tasks'"


@freeze_time(NOON)
def test_a_claim_reads_the_heads_of_a_lane_and_not_the_lane(app):
    """Although the statistics say that a practice has little waiting. (What a bitmap costs in a whole agency only
    `ops bench claim --scenario hot` shows: ten times fewer claims.)"""
    ann, lake = make_user("agent"), make_practice("lake")
    cadences.practice_added(lake.id)
    make_task(lake)
    with db.engine.connect() as connection:  # rolled back
        connection.execute(sa.text("ALTER TABLE tasks ALTER practice_id SET (n_distinct = 100)"))
        connection.execute(MANY, {"practice": lake.id})
        connection.execute(sa.text("ANALYZE tasks"))
        before = connection.scalar(sa.text(READ))
        query = sa.text("SELECT next_task(:agent, :at, 'test', '{}') IS NOT NULL")
        assert connection.scalar(query, {"agent": ann.id, "at": clock.now()})
        assert connection.scalar(sa.text(READ)) - before < 40
