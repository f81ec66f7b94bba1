"""Each rule of what may be offered, in each band a task can come from: what is forbidden is never handed out, and what
waits lawfully behind it is.

A claim looks three times (ops/queue/claim.sql): at what was assigned to the agent, at promises, and at the practice
owed most. Each look states the rules anew, so each rule is broken here in each look: one task that would come next but
for that rule, alone and with a lawful one behind it. The search itself is asked, and one claim whole: a rule that only
the gate or a unique index still holds is missing here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts.models import Role, User
from ops.contact.actions import suppress
from ops.contact.facts import Decision
from ops.contact.models import GateDecision
from ops.db import db, driver_transaction, transaction
from ops.floor.actions import pause_kind
from ops.practices import actions as practices
from ops.practices.models import Patient, Practice
from ops.queue import jobs
from ops.queue.actions import assigning, claiming, friends, lanes
from ops.queue.actions.claiming import Claimed, Refusal
from ops.queue.models import Task
from ops.referrals.actions import NewFriend, receive_referral
from ops.rhythm.actions.breaks import start_break
from ops.rhythm.models import BreakKind
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.states import TaskState
from tests.floors import claim
from tests.queue_world import claim_facts, never_offered, open_for, practice_of, profile, wrote
from tests.world import make_patient, make_user

NOON = datetime(2026, 3, 10, 18, tzinfo=UTC)
"""One in the afternoon in Chicago; all of the mainland is open."""
SIX_BEFORE_NINE = datetime(2026, 3, 10, 20, tzinfo=UTC)
NINE_IN_THE_EVENING = datetime(2026, 3, 11, 2, tzinfo=UTC)  # it is over in Chicago, and seven in California
EIGHT_IN_THE_MORNING = datetime(2026, 3, 10, 13, tzinfo=UTC)  # in Chicago, to the second
HALF_PAST_FOUR = datetime(2026, 3, 10, 21, 30, tzinfo=UTC)
THEIRS, PROMISE, FAIR = BANDS = ("assigned to me", "a promise", "by turn")


@dataclass
class Case:
    """An agent, and the task that would come to them next."""

    band: str
    agent: User
    colleague: User
    here: Practice
    elsewhere: Practice
    """Behind `here`: it joined later and is owed no more."""
    patient: Patient
    task: Task = field(init=False)

    def open(self, patient: Patient, kind: Kind = Kind.ASK, ready_at: datetime | None = None, later: int = 0) -> Task:
        """A task of this band, `later` minutes behind those agreed for now."""
        promised_at = clock.now() + timedelta(minutes=later) if self.band == PROMISE else None
        task = open_for(patient, kind, ready_at=ready_at, promised_at=promised_at)
        if self.band == THEIRS:
            with transaction("test"):
                assigning.assign(task.id, self.agent.id, "user:1")
        return task

    def in_progress_with_colleague(self, task: Task) -> None:
        assert claim(self.colleague).id == task.id


class Rule(NamedTuple):
    forbid: Callable[[Case], object]
    """Makes what would come next a task that may not."""
    lawful: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    """How the one behind it differs: `elsewhere`, `kind`, or its patient."""
    opened: datetime = NOON
    asked: datetime = NOON
    due_in: timedelta = timedelta(0)
    not_in: tuple[str, ...] = ()
    """Bands in which this keeps nothing back."""
    by_gate: bool = False
    """Found by the gate, which looks at what the search finds."""
    all_work: bool = False
    """Nothing else may be offered either."""


def nothing(case: Case) -> None:
    """It is the hour."""


def their_friend_is_being_called(case: Case) -> None:
    """The same patient, by another number."""
    with transaction("test"):
        friend = NewFriend("Bo Friend", "+13125550199", None, OptIn.FORM)
        referral = receive_referral(case.here, case.patient, friend, actor="test", ask=None)
        task = friends.open_friend_task(referral, "test")
        assigning.assign(task.id, case.colleague.id, "user:1")
    case.in_progress_with_colleague(task)


def their_number_is_being_called(case: Case) -> None:
    """The same human, as the patient of another practice."""
    same = open_for(make_patient(case.elsewhere, phone=case.patient.phone))
    with transaction("test"):
        assigning.assign(same.id, case.colleague.id, "user:1")
    case.in_progress_with_colleague(same)


def keep_for_colleague(case: Case) -> None:
    with transaction("test"):
        assigning.assign(case.task.id, case.colleague.id, "user:1")


def change(verb: Callable[[Practice], object]) -> Callable[[Case], object]:
    """Of the practice, and nothing was swept yet."""

    def made(case: Case) -> None:
        with transaction("test"):
            verb(db.session.get_one(Practice, case.here.id))

    return made


def some_only(verb: Callable[[Practice], object]) -> Callable[[Case], object]:
    """The same for an agent who works for some practices, this one too: those are found in another way."""

    def made(case: Case) -> None:
        profile(case.agent, certified=[case.here, case.elsewhere])
        change(verb)(case)

    return made


def pause_asks(case: Case) -> None:
    with transaction("test"):
        pause_kind(case.here.id, Kind.ASK, "user:1", "a flood of calls")


def never_again(case: Case) -> None:
    with transaction("test"):
        suppress(case.patient.phone_key, "all", "DNC_INTERNAL", "said so", "test", case.here.id)


def go_on_break(case: Case) -> None:
    with transaction("test"):
        start_break(case.agent.id, BreakKind.BREAK, "test")


REVIEW = {"kind": Kind.REVIEW_REQUEST}
ELSEWHERE = {"elsewhere": True}
FORBIDDEN = {
    "a language they do not speak": Rule(
        lambda case: profile(case.agent, languages=["es"]), {"language": "es"}, not_in=(THEIRS,)
    ),
    "a kind they do not do": Rule(lambda case: profile(case.agent, kinds=["review_request"]), REVIEW, not_in=(THEIRS,)),
    "a practice they are not certified for": Rule(
        lambda case: profile(case.agent, certified=[case.elsewhere]), ELSEWHERE, not_in=(THEIRS,)
    ),
    "a language they do not speak, not theirs any longer": Rule(
        lambda case: profile(case.agent, languages=["es"]),
        {"language": "es"},
        opened=EIGHT_IN_THE_MORNING,
        asked=HALF_PAST_FOUR,
    ),
    "a paused practice": Rule(change(practices.pause_practice), ELSEWHERE),
    "a paused practice, for who works for some": Rule(some_only(practices.pause_practice), ELSEWHERE),
    "a practice that has ended": Rule(change(practices.end_practice), ELSEWHERE),
    "a practice that has ended, for who works for some": Rule(some_only(practices.end_practice), ELSEWHERE),
    "a kind that is paused": Rule(pause_asks, REVIEW),
    "a window that is over": Rule(
        nothing,
        {"phone": "+14155550101", "state": "CA"},
        opened=SIX_BEFORE_NINE,
        asked=NINE_IN_THE_EVENING,
    ),
    "a window that opens in a minute": Rule(
        # by the clock of a node that is a minute behind
        nothing,
        {"phone": "+12125550101", "state": "NY"},
        opened=EIGHT_IN_THE_MORNING,
        asked=EIGHT_IN_THE_MORNING - timedelta(minutes=1),
    ),
    "a patient on another call": Rule(their_friend_is_being_called),
    "a number on another call": Rule(their_number_is_being_called),
    "assigned to a colleague": Rule(keep_for_colleague),
    "not due yet": Rule(nothing, due_in=timedelta(minutes=1)),
    "asked not to be called": Rule(never_again, by_gate=True),
    "wrote what nobody has read": Rule(lambda case: wrote(case.patient)),
    "wrote elsewhere": Rule(lambda c: wrote(make_patient(c.elsewhere, phone=c.patient.phone), email="b@example.com")),
    "somebody they know": Rule(lambda case: never_offered(case.task, case.agent, knows=True)),
    "what they skipped for good": Rule(lambda case: never_offered(case.task, case.agent, knows=False)),
    "on a break": Rule(go_on_break, all_work=True),
}


@pytest.fixture
def move_to() -> Iterator[Callable[[datetime], None]]:
    with clock.movable(NOON) as move:
        yield move


@pytest.fixture
def case_of(app, move_to) -> Callable[..., Case]:
    """`case_of(band, moment)`: a case opened at that moment, which is now."""

    def made(band: str, moment: datetime = NOON, due_in: timedelta = timedelta(0)) -> Case:
        move_to(moment)
        here, elsewhere = practice_of(), practice_of()
        agents = make_user(Role.AGENT), make_user(Role.AGENT)
        case = Case(band, *agents, here, elsewhere, patient=make_patient(here))
        case.task = case.open(case.patient, ready_at=moment + due_in)
        return case

    return made


def searched(case: Case, *refused: Refusal) -> Claimed | Refusal | None:
    """One look, with nothing swept and nothing put off."""
    with driver_transaction() as connection:
        return claiming.claim_next(connection, case.agent.id, case.agent.actor, list(refused))


def behind(case: Case, rule: Rule) -> Task:
    """A lawful task that comes after the forbidden one."""
    details = dict(rule.lawful)
    kind = details.pop("kind", Kind.ASK)
    practice = case.elsewhere if details.pop("elsewhere", False) else case.here
    return case.open(make_patient(practice, **details), kind, later=1)


def untouched(task: Task) -> bool:
    """Nobody had it and the gate was not asked."""
    now = db.session.get_one(Task, task.id, populate_existing=True)
    asked = db.session.scalars(sa.select(GateDecision.id).where(GateDecision.subject == f"task:{task.id}")).first()
    return (now.state, now.fence, asked) == (TaskState.WAITING, 0, None)


def given(case: Case) -> tuple[int, str] | None:
    """What one look finds: the task, and the band it came from."""
    found = searched(case)
    if not isinstance(found, Claimed):
        return None
    db.session.expire_all()
    return found.id, BANDS[claim_facts(db.session.get_one(Task, found.id))["chosen"]["band"]]


def id_of(found: Claimed | None) -> int | None:
    return found.id if found else None


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_a_rule_forbids_is_not_offered(case_of, move_to, name, band):
    rule = FORBIDDEN[name]
    case = case_of(band, rule.opened, rule.due_in)
    rule.forbid(case)
    move_to(rule.asked)
    if band in rule.not_in:
        assert id_of(searched(case)) == case.task.id, "what a lead assigns says so"
        return
    if not rule.by_gate:
        assert searched(case) is None
    assert jobs.next_for(case.agent.id, case.agent.actor) is None
    assert rule.by_gate or untouched(case.task)


@pytest.mark.parametrize(
    ("name", "band"), [each for each in product(FORBIDDEN, BANDS) if each[1] not in FORBIDDEN[each[0]].not_in]
)
def test_what_waits_lawfully_behind_it_is(case_of, move_to, name, band):
    rule = FORBIDDEN[name]
    case = case_of(band, rule.opened, rule.due_in)
    rule.forbid(case)
    lawful = behind(case, rule)
    move_to(rule.asked)
    found = jobs.next_for(case.agent.id, case.agent.actor) if rule.by_gate else searched(case)
    assert id_of(found) == (None if rule.all_work else lawful.id)
    assert rule.by_gate or untouched(case.task)


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("some_only", [False, True])
def test_without_any_of_them_what_came_first_is_first(case_of, band, some_only):
    case = case_of(band)
    if some_only:
        profile(case.agent, certified=[case.here, case.elsewhere])
    behind = [case.open(make_patient(practice), later=1) for practice in (case.here, case.here, case.elsewhere)]
    for task in (case.task, *behind[:2]):
        assert given(case) == (task.id, band)
        with transaction("test"):
            assigning.cancel_task(task.id, "user:1", "made no sense")


@pytest.mark.parametrize("band", BANDS)
def test_the_first_is_not_the_oldest(case_of, move_to, band):
    """Assigned first, agreed for earlier, of the better moment."""
    case = case_of(band)
    newer = case.open(make_patient(case.here), Kind.REPLY, later=-1)
    if band == THEIRS:
        move_to(NOON + timedelta(minutes=1))
        with transaction("test"):
            assigning.assign(case.task.id, case.agent.id, "user:1")
    assert given(case) == (newer.id, band)


@pytest.mark.parametrize("band", BANDS)
def test_what_the_gate_refused_to_this_claim_is_not_found_again(case_of, band):
    case = case_of(band)
    refused = Refusal(case.task.id, NOON, Decision(False, (), (), None, None, ""), {}, None)
    assert searched(case, refused) is None
    lawful = case.open(make_patient(case.here), later=1)
    assert id_of(searched(case, refused)) == lawful.id


# What looks like one of the rules and is not


def keep(case: Case, owner: User, until: datetime) -> None:
    with transaction("test") as session:
        kept = sa.update(Task).where(Task.id == case.task.id)
        session.execute(kept.values(owner_id=owner.id, owner_until=until))


def keep_for_them(case: Case) -> None:
    keep(case, case.agent, clock.now() + timedelta(minutes=1))


def was_kept_until_now(case: Case) -> None:
    keep(case, case.colleague, clock.now())


def somebody_else_is_being_called(case: Case) -> None:
    other = open_for(make_patient(case.here))
    with transaction("test"):
        assigning.assign(other.id, case.colleague.id, "user:1")
    case.in_progress_with_colleague(other)


def work_of_theirs_waits(case: Case) -> None:
    done = open_for(case.patient, Kind.REVIEW_REQUEST)
    open_for(case.patient, Kind.RECALL, ready_at=clock.now() + timedelta(hours=1))
    with transaction("test"):
        assigning.cancel_task(done.id, "user:1", "made no sense")


def other_work_is_paused(case: Case) -> None:
    """Of another kind, another practice, and what was assigned to them or agreed."""
    for _ in range(2):
        task = open_for(make_patient(case.here), Kind.REVIEW_REQUEST, promised_at=clock.now())
    with transaction("test"):
        assigning.assign(task.id, case.agent.id, "user:1")
        pause_kind(case.elsewhere.id, Kind.ASK, "user:1", "a flood of calls")
        pause_kind(case.here.id, Kind.REVIEW_REQUEST, "user:1", "a flood of calls")
        practices.pause_practice(db.session.get_one(Practice, case.elsewhere.id))


NO_RULE: dict[str, Callable[[Case], object]] = {
    "they speak it among others": lambda case: profile(case.agent, languages=["es", "en"]),
    "they do it among others": lambda case: profile(case.agent, kinds=["review_request", "ask"]),
    "they are certified for it": lambda case: profile(case.agent, certified=[case.here]),
    "assigned to them": keep_for_them,
    "assigned to a colleague until now": was_kept_until_now,
    "somebody else is being called": somebody_else_is_being_called,
    "work of theirs waits or is over": work_of_theirs_waits,
    "other work is paused": other_work_is_paused,
}


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("name", NO_RULE)
def test_what_is_no_rule_keeps_nothing_back(case_of, name, band):
    case = case_of(band)
    NO_RULE[name](case)
    came_by = FAIR if (name, band) == ("assigned to a colleague until now", THEIRS) else band
    assert given(case) == (case.task.id, came_by)


def test_what_is_only_kept_for_them_is_not_assigned(case_of):
    """Who spoke to them last is asked first, but for nothing they may not work."""
    case = case_of(FAIR)
    other_work_is_paused(case)
    keep_for_them(case)
    profile(case.agent, certified=[])
    assert searched(case) is None


@pytest.mark.parametrize("band", BANDS)
def test_what_opens_at_eight_is_offered_at_eight(case_of, move_to, band):
    case = case_of(band, EIGHT_IN_THE_MORNING - timedelta(minutes=30))
    assert searched(case) is None
    move_to(EIGHT_IN_THE_MORNING)
    with transaction("tick"):
        lanes.refresh()
    assert given(case) == (case.task.id, band)
