"""Kept for who is there: what is held for one person is anybody's the moment they leave, and its story says why."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts import actions as accounts
from ops.accounts import sessions
from ops.accounts.models import Role, User
from ops.db import db, transaction
from ops.errors import Refused
from ops.floor import board
from ops.queue import jobs, presence
from ops.queue.actions import assigning
from ops.queue.models import Task, TaskEvent
from ops.rhythm import today
from ops.rhythm.actions.breaks import end_break, start_break
from ops.rhythm.models import BreakKind
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import EventKind, TaskState
from tests.floors import NOON, claim, do, fresh, make_floor, make_task, record
from tests.world import at_desk, make_patient, make_user

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def clock_():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    return make_floor("lake")


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann")


@pytest.fixture
def bob(app):
    return make_user("agent", name="Bob")


def story(task) -> list[tuple]:
    told = sa.select(TaskEvent.kind, TaskEvent.actor, TaskEvent.facts).where(TaskEvent.task_id == task.id)
    return [tuple(row) for row in db.session.execute(told.order_by(TaskEvent.id))]


def kept_for(agent, practice) -> dict[str, Task]:
    """One of everything that is kept for somebody: assigned, a promise of theirs, who spoke last, the same person."""
    found = {}
    patient = make_patient(practice)
    spoken = make_task(practice, patient=patient)
    record(claim(agent), agent, Outcome.NOT_NOW)
    found["spoke last"] = make_task(practice, Kind.RECALL, patient=patient)
    promise = make_task(practice)
    record(claim_of(agent, promise), agent, Outcome.CALLBACK, callback_at=NOON + MINUTE)
    found["promised"] = promise
    found["assigned"] = make_task(practice, Kind.RECALL)
    do(assigning.assign, found["assigned"].id, agent.id, "user:1")
    twin = make_patient(practice)
    first = make_task(practice, patient=twin)
    found["same person"] = make_task(practice, Kind.RECALL, patient=twin)
    do(assigning.assign, first.id, agent.id, "user:1")
    do(assigning.unassign, found["assigned"].id, "user:1")
    record(claim_of(agent, first), agent, Outcome.NOT_NOW)
    do(assigning.assign, found["assigned"].id, agent.id, "user:1")
    assert fresh(spoken).state is TaskState.DONE
    return found


def claim_of(agent: User, task: Task) -> Task:
    do(assigning.assign, task.id, agent.id, "user:1") if fresh(task).owner_id != agent.id else None
    taken = claim(agent)
    assert taken.id == task.id
    return taken


def sign_out(user: User, why: str = sessions.SIGNED_OUT) -> None:
    do(sessions.end_all, user.id, why, by=user.actor)


LEAVING = {
    "done for the day": (
        lambda ann: do(start_break, ann.id, BreakKind.DONE, ann.actor, by=ann.actor),
        "done for the day",
    ),
    "signed out": (sign_out, "signed out"),
    "their sign-in was ended": (lambda ann: sign_out(ann, sessions.REVOKED), "their sign-in was ended"),
    "away": (lambda ann: sign_out(ann, sessions.IDLE), "away"),
    "account closed": (
        lambda ann: do(lambda: accounts.deactivate(db.session.get_one(User, ann.id))),
        "their account is closed",
    ),
    "other work": (
        lambda ann: do(lambda: accounts.change_role(db.session.get_one(User, ann.id), Role.ADMIN)),
        "they do other work now",
    ),
}


@pytest.mark.parametrize("how", LEAVING)
def test_whoever_leaves_keeps_nothing_and_every_story_says_why(lake, ann, bob, clock_, how):
    kept = kept_for(ann, lake)
    clock_.move_to(NOON + MINUTE)
    jobs.upkeep()
    assert {name: fresh(task).owner_id for name, task in kept.items()} == dict.fromkeys(kept, ann.id)
    assert today.ready(bob.id) == 0 and claim(bob) is None, "held while she is there"
    leave, why = LEAVING[how]
    leave(ann)
    for name, task in kept.items():
        assert (fresh(task).owner_id, fresh(task).owner_until, fresh(task).handed_at) == (None, None, None), name
        kind, _, facts = story(task)[-1]
        assert (kind, facts) == (EventKind.ASSIGNED, {"from": ann.id, "to": None, "reason": why}), name
    assert today.ready(bob.id) == len(kept), "and nothing is counted as kept for a colleague"
    assert claim(bob).id == kept["promised"].id


def test_leaving_that_is_not_saved_releases_nothing(lake, ann):
    kept = kept_for(ann, lake)
    with pytest.raises(ZeroDivisionError), transaction("test"):
        sessions.end_all(ann.id, sessions.SIGNED_OUT)
        1 / 0  # noqa: B018
    assert fresh(kept["assigned"]).owner_id == ann.id


def test_who_vanishes_is_present_for_ten_minutes_and_on_a_break_for_fifteen(lake, ann, bob, clock_):
    sign_out(ann)
    desk = at_desk(ann)
    task = make_task(lake)
    with transaction("test") as session:
        session.merge(desk).last_seen_at = NOON
    do(assigning.assign, task.id, ann.id, "user:1")

    clock_.move_to(NOON + 9 * MINUTE)
    assert presence.is_present(ann.id) and claim(bob) is None
    do(start_break, ann.id, BreakKind.BREAK, ann.actor)
    clock_.move_to(NOON + 23 * MINUTE)
    sign_out(ann, sessions.IDLE)
    assert presence.is_present(ann.id) and claim(bob) is None, "a break counts, although her browser was silent"
    clock_.move_to(NOON + 24 * MINUTE)
    assert not presence.is_present(ann.id)
    assert [one.ready for one in board.look(board.Asked()).lines] == [1] and today.waiting(bob.id).ready == 1
    assert claim(bob).id == task.id, "nobody swept: the claim that finds nothing does"
    assert story(task)[-2][2]["reason"] == "not at work when it was due"


def test_a_card_in_progress_is_a_sign_of_life_until_its_lease_is_lost(lake, ann, bob, clock_):
    card, kept = make_task(lake), make_task(lake, Kind.RECALL)
    claim(ann)
    do(assigning.assign, kept.id, ann.id, "user:1")
    with transaction("test"):
        db.session.execute(
            sa.text("UPDATE auth_sessions SET last_seen_at = :at WHERE user_id = :u"),
            {"at": NOON - 20 * MINUTE, "u": ann.id},
        )
    assert presence.is_present(ann.id)
    clock_.move_to(NOON + 11 * MINUTE)
    jobs.upkeep()
    assert not presence.is_present(ann.id)
    assert {claim(bob).id, fresh(card).state} == {card.id, TaskState.CLAIMED}
    assert fresh(kept).owner_id is None


def test_signing_out_gives_the_open_card_back_and_another_browser_keeps_everything(lake, ann, bob):
    task, kept = make_task(lake), make_task(lake, Kind.RECALL)
    claim(ann)
    do(assigning.assign, kept.id, ann.id, "user:1")
    other = at_desk(ann)
    do(sessions.end, other.id, sessions.SIGNED_OUT)
    assert (fresh(task).held_by, fresh(kept).owner_id) == (ann.id, ann.id)
    sign_out(ann)
    assert (fresh(task).state, fresh(kept).owner_id) == (TaskState.WAITING, None)
    assert claim(bob).id == task.id


def test_a_promise_for_later_is_theirs_if_they_are_there_when_it_is_due(lake, ann, bob, clock_):
    tasks = [make_task(lake) for _ in range(2)]
    for hours in (1, 2):
        record(claim(ann), ann, Outcome.CALLBACK, callback_at=NOON + hours * 60 * MINUTE)
    sign_out(ann)
    assert {fresh(task).owner_id for task in tasks} == {ann.id}, "by name; nobody waits for it yet"
    clock_.move_to(NOON + 60 * MINUTE)
    assert claim(bob).promised_at == NOON + 60 * MINUTE, "due while she is away"
    record(claim(bob), bob, Outcome.NOT_NOW)
    do(end_break, ann.id)
    at_desk(ann)
    clock_.move_to(NOON + 120 * MINUTE)
    assert claim(bob) is None
    assert claim(ann).promised_at == NOON + 120 * MINUTE


def test_nothing_due_is_assigned_to_who_is_away(lake, ann, clock_):
    now, later = make_task(lake), make_task(lake, ready_at=NOON + 60 * MINUTE)
    sign_out(ann)
    with pytest.raises(Refused, match="Ann is not at work now"):
        do(assigning.assign, now.id, ann.id, "user:1")
    do(assigning.assign, later.id, ann.id, "user:1")
    assert (fresh(now).owner_id, fresh(later).owner_id) == (None, ann.id)
    clock_.move_to(NOON + 60 * MINUTE)
    jobs.upkeep()
    assert fresh(later).owner_id is None


def test_a_lead_sees_who_is_there_before_choosing(lake, ann, bob, clock_, sign_in):
    cleo, dan = make_user("agent", name="Cleo"), make_user("agent", name="Dan", present=False)
    do(start_break, bob.id, BreakKind.DONE, bob.actor)
    do(start_break, cleo.id, BreakKind.LUNCH, cleo.actor)
    clock_.move_to(NOON + 14 * MINUTE)
    task = make_task(lake)
    page = sign_in(make_user("lead")).get(f"/tasks/{task.id}", expect=200).text
    said = [
        "Ann: at work",
        "Cleo: on a break for 14 min",
        "Bob: done for the day for 14 min",
        "Dan: has not signed in yet",
    ]
    assert [each for each in said if f">{each}<" in page] == said and dan
    assert sorted(said, key=page.index) == said, "who is there comes first"


def test_who_is_away_gets_no_first_offer(lake, ann, bob):
    patient = make_patient(lake)
    make_task(lake, patient=patient)
    record(claim(ann), ann, Outcome.NOT_NOW)
    sign_out(ann)
    assert make_task(lake, Kind.RECALL, patient=patient).owner_id is None


def test_the_database_keeps_nothing_for_somebody_without_a_moment(lake, ann):
    task = make_task(lake)
    with pytest.raises(sa.exc.IntegrityError, match="owner_has_moment"), transaction("test"):
        db.session.get_one(Task, task.id).owner_id = ann.id
