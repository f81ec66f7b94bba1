"""Every outcome of every kind: what changes in the database is what the effects of its row say, and nothing else."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from math import isclose
from typing import Any, assert_never

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role, User
from ops.cadences.models import CadenceStep
from ops.db import db, transaction
from ops.desk.actions import undoing
from ops.desk.actions.recording import Saved, record_outcome
from ops.models import metadata
from ops.queue import jobs as queue_jobs
from ops.queue.actions import friends, tasks
from ops.queue.models import Task
from ops.referrals.actions import NewFriend
from ops.work.answers import OptIn, ReferralState
from ops.work.effects import Do, Effect, Later, MoveReferral, NoteAnswer, Suppress, Then
from ops.work.kinds import Kind, StepMode
from ops.work.outcomes import Rule, rules_for
from tests.cohorts import start_ask
from tests.floors import make_floor
from tests.world import edge, make_milestone, make_patient, make_user

NOON = "2026-03-10 18:00:00"
INES = NewFriend("Ines", "+13125550177", None, OptIn.ON_THE_CALL)
OTTO = NewFriend("Otto", "+13125550188", "otto@example.com", OptIn.ON_THE_CALL)
SOME = object()
"""Another value than before."""
NAMED_BY = {
    "asks": ("answer",),
    "messages": ("kind",),
    "referral_events": ("state",),
    "suppressions": ("channel", "reason"),
    "task_events": ("kind",),
    "tasks": ("kind",),
}
"""By which of its columns a new row is told from others of its table."""

Rows = dict[tuple[str, Any], dict[str, Any]]


@dataclass
class Changes:
    """What columns of which rows become, and which rows are new."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    new: Counter = field(default_factory=Counter)

    def __add__(self, other: "Changes") -> "Changes":
        rows = {name: self.rows.get(name, {}) | other.rows.get(name, {}) for name in self.rows | other.rows}
        return Changes(rows, self.new + other.new)


def made(table: str, *names: str, count: int = 1) -> Changes:
    return Changes(new=Counter({(table, *names): count}))


def becomes(row: str, **columns: Any) -> Changes:
    return Changes({row: columns})


@dataclass
class World:
    """A task in progress, with other work about the same patient, and of somebody else."""

    kind: Kind
    agent: User
    task_id: int
    names: dict[tuple[str, Any], str]


@dataclass
class Case:
    """One outcome of it."""

    world: World
    rule: Rule
    variant: str = ""
    """"last": of the last try; "friend": with a friend typed."""

    def __str__(self) -> str:
        return f"{self.rule.outcome} {self.variant}".strip()

    @property
    def mine(self) -> Task:
        return db.session.get_one(Task, self.world.task_id)

    @property
    def of_friend(self) -> bool:
        """Whether the task is about a friend."""
        return self.world.kind is Kind.FRIEND_FOLLOW_UP

    @property
    def saved(self) -> Saved:
        return Saved(
            self.rule.outcome,
            note="It hurt for days." if self.rule.needs_note else "",
            callback_at=clock.now() + timedelta(hours=2) if self.rule.then is Then.PROMISE else None,
            friend=INES if self.variant == "friend" else None,
        )

    @property
    def then(self) -> Then | Later:
        """Where the task goes, the tries counted."""
        if self.variant != "last":
            return self.rule.then
        return Then.NEXT_STEP if self.rule.then in (Then.RETRY, Then.TODAY) else Then.END

    def prepare(self) -> None:
        task, last = self.mine, self.variant == "last"
        task.max_tries = 1 if last else 3
        task.tries = 1 if last and isinstance(self.rule.then, Later) else 0
        db.session.flush()


def cases(world: World) -> Iterator[Case]:
    for rule in rules_for(world.kind):
        yield Case(world, rule)
        if rule.then in (Then.RETRY, Then.TODAY) or isinstance(rule.then, Later):
            yield Case(world, rule, "last")
        if Do.TAKE_FRIEND in rule.effects:
            yield Case(world, rule, "friend")


def make_world(kind: Kind) -> World:
    practice = make_floor(shareable="They never push.", website="https://one.example.com")
    agent, _ = make_user(Role.AGENT, name="Dana Reyes"), make_user(Role.LEAD)
    maria, noor = (make_patient(practice, name, email=f"{name}@example.com") for name in ("maria", "noor"))
    mine = _friends_task(practice, maria) if kind is Kind.FRIEND_FOLLOW_UP else _open(kind, maria)
    claimed = queue_jobs.next_for(agent.id, agent.actor)
    assert claimed and claimed.id == mine.id
    names: dict[tuple[str, Any], str] = {("tasks", mine.id): "mine", ("cadence_runs", mine.run_id): "run"}
    for whose, patient in (("other", maria), ("bystander", noor)):
        task = _open(Kind.REPLY, patient)
        run = start_ask(make_milestone(patient, "Filler"), clock.now(), kind=Kind.RECALL)
        names |= {("tasks", task.id): whose, ("cadence_runs", run.id): f"{whose} run"}
    if mine.referral_id:
        names["referrals", mine.referral_id] = "referral"
    names["shares", practice.id] = "share"
    return World(kind, agent, mine.id, names)


def _friends_task(practice, patient) -> Task:
    with transaction("test"):
        referral = friends.receive_friend(practice, patient, OTTO, "test", None)
        return db.session.scalars(sa.select(Task).where(Task.referral_id == referral.id)).one()


def _open(kind: Kind, patient) -> Task:
    """A task of that kind, of a run with one more step to come unless it answers a message."""
    with edge():
        run = None
        if kind is not Kind.REPLY:
            run = start_ask(make_milestone(patient), clock.now(), kind=kind)
            run.closes_at = clock.now() + timedelta(days=5)
            last = sa.select(sa.func.max(CadenceStep.position)).where(CadenceStep.cadence_id == run.cadence_id)
            for mode in (StepMode.CALL, StepMode.SMS):
                position = db.session.scalar(sa.select(sa.func.coalesce(last.scalar_subquery(), -1))) + 1
                db.session.add(CadenceStep(cadence_id=run.cadence_id, position=position, mode=mode, gap_hours=24))
                db.session.flush()
        return tasks.open_task(
            practice_id=patient.practice_id, patient_id=patient.id, kind=kind, reason="Why.", actor="test", run=run
        )


def everything() -> Rows:
    """Every row of every table but the audit log: (table, id) -> columns."""
    db.session.expire_all()
    tables = [table for table in metadata.sorted_tables if table.name != "audit_log"]
    each = " UNION ALL ".join(f"SELECT '{table.name}', to_jsonb(t) FROM {table.name} t" for table in tables)
    keys = {table.name: [column.name for column in table.primary_key] for table in tables}

    def key(table: str, row: dict) -> Any:
        found = tuple(row[name] for name in keys[table])
        return found[0] if len(found) == 1 else found

    return {(table, key(table, row)): row for table, row in db.session.execute(sa.text(each))}


def alike(one: Any, other: Any) -> bool:
    """Whether two values of a column are the same; sums of minutes are rounded."""
    both = isinstance(one, float) and isinstance(other, float)
    return isclose(one, other, abs_tol=0.0005) if both else one == other


def seen(before: Rows, after: Rows, names: dict) -> Changes:
    """What became of the rows; a row without a name is called after its table."""
    assert before.keys() <= after.keys(), "nothing is ever deleted by an outcome"
    rows = {
        names.get(key, f"{key[0]} {key[1]}"): {
            column: value for column, value in row.items() if not alike(before[key][column], value)
        }
        for key, row in after.items()
        if key in before and before[key] != row
    }
    rows = {name: columns for name, columns in rows.items() if columns}
    new = Counter((key[0], *(row[name] for name in NAMED_BY.get(key[0], ()))) for key, row in after.items()
                  if key not in before)  # fmt: skip
    return Changes(rows, new)


def of_every_call(case: Case) -> Changes:
    return (
        made("attempts")
        + made("contact_attempts")
        + becomes("mine", tries=case.mine.tries + 1)
        + becomes("share", minutes_charged=SOME, virtual_time=SOME)
    )


def of(effect: Effect, case: Case) -> Changes:
    """What one effect changes in this case."""
    match effect:
        case NoteAnswer(answer):
            return made("asks", answer) if case.world.kind is Kind.ASK else Changes()
        case MoveReferral(state):
            return becomes("referral", state=state) + made("referral_events", state)
        case Suppress(channels, code):
            keys = 2 if channels == ("all",) else 1
            return sum((made("suppressions", each, code, count=keys) for each in channels), Changes())
        case Do():
            return also(effect, case)
        case Then() | Later():
            return moved(case)
        case _:
            assert_never(effect)


def also(effect: Do, case: Case) -> Changes:
    match effect:
        case Do.RAISE_CONCERN:
            return made("concerns") + made("staff_mails")
        case Do.SEND_NOTE:
            return Changes() if case.saved.friend else message(Kind.ASK)
        case Do.TAKE_FRIEND:
            return received() if case.saved.friend else Changes()
        case Do.CANCEL_OTHER_WORK if not case.of_friend:
            gone = {"offered": False, "finished_at": SOME, "owner_id": None, "owner_until": None, "handed_at": None}
            return (
                becomes("other", state="cancelled", **gone)
                + becomes(
                    "other run", state="ended", ended_at=SOME, end_reason="other_call", end_outcome=case.rule.outcome
                )
                + made("task_events", "cancelled")
            )
        case Do.LOSE_FRIEND if case.of_friend and case.then in (Then.END, Then.NEXT_STEP):
            return of(MoveReferral(ReferralState.LOST), case)
        case Do.KEEP_TOGETHER if not case.of_friend and Do.CANCEL_OTHER_WORK not in case.rule.effects:
            return becomes("other", owner_id=case.world.agent.id, owner_until=SOME, handed_at=SOME)
        case Do.CANCEL_OTHER_WORK | Do.LOSE_FRIEND | Do.KEEP_TOGETHER:
            return Changes()
        case Do.END_DOUBLE_ASKS:  # nobody stands here twice: tests/desk/test_one_human.py
            return Changes()
        case _:
            assert_never(effect)


def received() -> Changes:
    """The friend, the word of thanks, and the call to the friend."""
    return (
        made("referrals")
        + made("referral_events", ReferralState.RECEIVED)
        + made("consent_events")
        + message(Kind.LOOP_CLOSING)
        + made("tasks", Kind.FRIEND_FOLLOW_UP)
        + made("task_events", "opened")
        + made("lanes")
    )


def message(kind: Kind) -> Changes:
    return made("messages", kind) + made("message_events")


def moved(case: Case) -> Changes:
    nobody = {"held_by": None, "lease_until": None}
    done = becomes("mine", state="done", finished_at=SOME, promised_at=None, **nobody) + made("task_events", "done")
    again = becomes("mine", state="waiting", claimed_at=None, ready_at=SOME, **nobody) + made("task_events", "retry")
    has_run = case.mine.run_id is not None
    outlasts = becomes("mine", closes_at=SOME) + becomes("run", closes_at=SOME) if has_run else Changes()
    mine = becomes("mine", owner_id=case.world.agent.id, owner_until=SOME)
    match case.then:
        case Then.END:
            ended = becomes("run", state="ended", ended_at=SOME, end_reason="answered", end_outcome=case.rule.outcome)
            return done + (ended if has_run else Changes())
        case Then.NEXT_STEP:
            return done + (becomes("run", position=1, next_at=SOME) if has_run else Changes())
        case Then.RETRY:
            return again + becomes("mine", promised_at=None)
        case Then.TODAY:
            return again + becomes("mine", promised_at=SOME)
        case Then.PROMISE:
            return again + outlasts + mine + becomes("mine", promised_at=SOME)
        case Later():
            # who spoke to them last is offered it first; a friend is nobody's
            return again + outlasts + becomes("mine", promised_at=None) + (Changes() if case.of_friend else mine)
        case never:
            assert_never(never)


def all_of_it(case: Case) -> Changes:
    return sum((of(effect, case) for effect in (*case.rule.effects, *case.rule.stays)), of_every_call(case))


def what_stays(case: Case) -> Changes:
    """What is left of it when it was taken back: the call, the friend's consent, the story; and a new claim."""
    whole = all_of_it(case)
    kept = {"contact_attempts", "consent_events", "lanes", "task_events"}
    again = 1 + (Do.CANCEL_OTHER_WORK in case.rule.effects and not case.of_friend)
    told = made("task_events", "undone", count=again) + becomes("mine", fence=case.mine.fence + 1, lease_until=SOME)
    stays = sum((of(effect, case) for effect in case.rule.stays), told)
    # a friend's task that is opened goes again, its events with it
    gone = Counter({("task_events", "opened"): 1}) if case.saved.friend else Counter()
    return stays + Changes(new=Counter({one: count for one, count in whole.new.items() if one[0] in kept}) - gone)


def unlike(changes: Changes, case: Case, before: Rows) -> Changes:
    """These changes, without the columns that have these values already."""
    ids = {name: key for key, name in case.world.names.items()}
    rows = {
        name: {
            column: value for column, value in columns.items() if value is SOME or before[ids[name]][column] != value
        }
        for name, columns in changes.rows.items()
    }
    return Changes({name: columns for name, columns in rows.items() if columns}, changes.new)


def differences(found: Changes, said: Changes) -> list[str]:
    """In words: new rows that were not said or did not come, and columns."""
    wrong = [f"new, not said: {one}" for one in (found.new - said.new)]
    wrong += [f"said, not new: {one}" for one in (said.new - found.new)]
    for name in found.rows | said.rows:
        ours, theirs = found.rows.get(name, {}), said.rows.get(name, {})
        wrong += [f"{name}.{column} changed, not said" for column in ours.keys() - theirs.keys()]
        wrong += [f"{name}.{column} said, not changed" for column in theirs.keys() - ours.keys()]
        wrong += [
            f"{name}.{column} is {ours[column]!r}, said {theirs[column]!r}"
            for column in ours.keys() & theirs.keys()
            if theirs[column] not in (SOME, ours[column])
        ]
    return wrong


class GoBack(Exception):
    """The next case begins where this one did."""


def problems(case: Case) -> list[str]:
    """Record the outcome and look, take it back and look again; then go back to before it."""
    agent, wrong = case.world.agent, []
    with suppress(GoBack), transaction(agent.actor):
        case.prepare()
        before = everything()
        said, stays = (unlike(each, case, before) for each in (all_of_it(case), what_stays(case)))
        attempt = record_outcome(case.mine.id, agent.id, case.mine.fence, agent.actor, case.saved)
        wrong = differences(seen(before, everything(), case.world.names), said)
        undoing.take_back(attempt.id, agent.id, agent.actor)
        back = differences(seen(before, everything(), case.world.names), stays)
        wrong += [f"taken back: {one}" for one in back]
        raise GoBack
    return wrong


@pytest.mark.parametrize("kind", list(Kind))
def test_the_effects_of_the_row_are_what_changes(app, kind):
    with freeze_time(NOON) as frozen:
        world = make_world(kind)
        frozen.tick(timedelta(minutes=4, seconds=30))
        assert {str(case): wrong for case in cases(world) if (wrong := problems(case))} == {}
