"""Breaks, done for the day, and what a day is: the verbs and reads under the pages."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import AuditEntry
from ops.db import db, transaction
from ops.errors import Refused
from ops.floor import lists
from ops.floor.standing import standings
from ops.queue import jobs, queries
from ops.queue.actions import tasks
from ops.queue.actions.friends import open_friend_task
from ops.queue.models import Attempt, Task, TaskEvent
from ops.referrals.actions import NewFriend, receive_referral
from ops.rhythm import queries as rhythm_queries
from ops.rhythm.actions import breaks as verbs
from ops.rhythm.day_report import breaks_between, whole_day
from ops.rhythm.models import Break, BreakKind, WrapUp
from ops.rhythm.today import day_of
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import EventKind, TaskState
from tests.floors import NOON, claim, do, fresh, make_floor, make_task, record
from tests.world import make_patient, make_user

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock_():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


def leave(agent, kind=BreakKind.BREAK, **words):
    return do(verbs.start_break, agent.id, kind, agent.actor, by=agent.actor, **words)


def back(agent):
    return do(verbs.end_break, agent.id, by=agent.actor)


def breaks() -> list[tuple]:
    rows = db.session.execute(sa.select(Break.kind, Break.ended_at.is_(None)).order_by(Break.id))
    return [tuple(row) for row in rows]


def promise(agent, practice, at, **words) -> Task:
    """A call this agent agrees on for `at`."""
    task = make_task(practice, **words)
    claim(agent)
    record(fresh(task), agent, Outcome.CALLBACK, callback_at=at)
    return fresh(task)


def story(task) -> list[tuple]:
    told = sa.select(TaskEvent.kind, TaskEvent.facts).where(TaskEvent.task_id == task.id).order_by(TaskEvent.id)
    return [tuple(row) for row in db.session.execute(told)]


def test_no_task_is_claimed_for_who_is_on_a_break(ann, lake):
    task = make_task(lake)
    leave(ann)
    assert rhythm_queries.on_break(ann.id)
    assert jobs.next_for(ann.id, ann.actor) is None
    assert fresh(task).state is TaskState.WAITING
    assert claim(make_user("agent")).id == task.id


def test_who_is_back_gets_work_again(ann, lake):
    task = make_task(lake)
    leave(ann)
    assert back(ann).ended_at == NOON
    assert not rhythm_queries.on_break(ann.id)
    assert claim(ann).id == task.id


def test_coming_back_from_nowhere_changes_nothing(ann):
    assert back(ann) is None
    assert breaks() == []


def test_going_twice_is_one_break(ann, clock_):
    first = leave(ann)
    clock_.tick(MINUTE)
    assert leave(ann).id == first.id
    assert breaks() == [(BreakKind.BREAK, True)]


def test_from_one_kind_into_another_the_first_one_ends(ann):
    leave(ann, BreakKind.LUNCH)
    leave(ann, BreakKind.TRAINING)
    assert breaks() == [(BreakKind.LUNCH, False), (BreakKind.TRAINING, True)]


def test_the_database_keeps_one_open_break_per_person(ann):
    leave(ann)
    with pytest.raises(sa.exc.IntegrityError, match="uq_breaks_open"), transaction("test") as session:
        session.add(Break(user_id=ann.id, kind=BreakKind.LUNCH, started_at=NOON))


def test_an_open_card_is_not_given_back_by_surprise(ann, lake):
    task = make_task(lake)
    claim(ann)
    for card in (None, (task.id, 99), (task.id + 1, 1)):
        with pytest.raises(verbs.CardIsOpen):
            leave(ann, give_back=card)
    assert fresh(task).held_by == ann.id
    assert breaks() == []


def test_the_open_card_goes_back_into_the_queue_with_the_break(ann, lake):
    task = make_task(lake)
    held = claim(ann)
    leave(ann, give_back=(held.id, held.fence))
    assert fresh(task).state is TaskState.WAITING
    assert story(task)[-1][0] is EventKind.RELEASED
    assert claim(make_user("agent")).id == task.id


def test_promises_of_the_next_hour_are_named(ann, lake):
    near = promise(ann, lake, NOON + 30 * MINUTE)
    promise(ann, lake, NOON + 3 * HOUR)
    (named,) = rhythm_queries.due_soon(ann.id)
    assert (named.task_id, named.practice, named.when) == (near.id, "Lake Skin", "12:30 PM CDT")


def test_a_break_keeps_promises_with_who_made_them(ann, lake):
    task = promise(ann, lake, NOON + 30 * MINUTE)
    leave(ann)
    assert fresh(task).owner_id == ann.id


def test_done_for_the_day_lets_go_of_todays_promises_and_says_so(ann, lake):
    today, tomorrow = promise(ann, lake, NOON + HOUR), promise(ann, lake, NOON + 24 * HOUR)
    leave(ann, BreakKind.DONE)
    assert (fresh(today).owner_id, fresh(today).promised_at) == (None, NOON + HOUR)
    assert story(today)[-1] == (EventKind.ASSIGNED, {"from": ann.id, "to": None, "reason": "done for the day"})
    assert fresh(tomorrow).owner_id == ann.id


def test_who_else_is_free_gets_the_promise_when_it_is_due(ann, lake, clock_):
    task = promise(ann, lake, NOON + HOUR)
    leave(ann, BreakKind.DONE)
    clock_.move_to(NOON + HOUR)
    assert claim(make_user("agent")).id == task.id


def test_a_day_begins_with_the_first_thing_done_after_a_pause_of_six_hours(ann, lake, clock_):
    for _ in range(3):
        make_task(lake)
    clock_.move_to(NOON - 7 * HOUR)
    leave(ann, BreakKind.TRAINING)
    clock_.move_to(NOON - 6 * HOUR)
    back(ann)
    clock_.move_to(NOON + MINUTE)
    taken = claim(ann)
    clock_.move_to(NOON + 3 * MINUTE)
    record(taken, ann, Outcome.WILLING)
    day = day_of(ann.id)
    assert (day.since, day.done) == (NOON + MINUTE, 1)
    clock_.move_to(NOON + 5 * HOUR)
    record(claim(ann), ann, Outcome.NO_ANSWER)
    day = day_of(ann.id)
    assert (day.since, day.done, day.talked, day.willing) == (NOON + MINUTE, 2, 1, 1)


def test_a_day_goes_on_over_midnight(ann, lake, clock_):
    make_task(lake)
    record(claim(ann), ann, Outcome.WILLING)
    for hours in (5, 10):
        clock_.move_to(NOON + hours * HOUR)
        leave(ann)
        back(ann)
    clock_.move_to(datetime(2026, 3, 12, 6, 30, tzinfo=UTC))
    day = day_of(ann.id)
    assert (day.since, day.done) == (NOON, 1)


def test_who_has_done_nothing_for_six_hours_begins_anew(ann, lake, clock_):
    make_task(lake)
    record(claim(ann), ann, Outcome.WILLING)
    clock_.move_to(NOON + 6 * HOUR + MINUTE)
    day = day_of(ann.id)
    assert (day.since, day.done) == (NOON + 6 * HOUR + MINUTE, 0)


def test_the_strip_costs_two_statements(ann, lake):
    promise(ann, lake, NOON + HOUR)
    leave(ann)
    sent: list[str] = []
    agent_id = ann.id
    note = lambda *given: sent.append(given[2])  # noqa: E731
    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        day = day_of(agent_id)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    assert len(sent) == 2
    assert (day.on_break.words, len(day.promises)) == ("On a break", 1)


def test_a_colleagues_work_is_not_mine(ann, lake):
    make_task(lake)
    other = make_user("agent")
    record(claim(other), other, Outcome.WILLING)
    assert (day_of(ann.id).done, whole_day(ann).cards) == (0, ())


@pytest.mark.parametrize(("late", "fate"), [(-5, "kept"), (15, "kept"), (16, "missed")])
def test_a_promise_is_kept_by_a_call_that_began_no_later_than_a_quarter_after(ann, lake, clock_, late, fate):
    task = promise(ann, lake, NOON + HOUR)
    clock_.move_to(NOON + HOUR + late * MINUTE)
    if late < 0:
        with transaction("test"):
            early = db.session.get_one(Task, task.id)
            early.ready_at = NOON
            jobs.lanes.offer(early)
    taken = claim(ann)
    assert taken.id == task.id
    clock_.tick(20 * MINUTE)
    record(taken, ann, Outcome.NOT_NOW)
    clock_.move_to(NOON + 2 * HOUR)
    (kept,) = whole_day(ann).promises
    assert (kept.fate, kept.at, kept.practice) == (fate, NOON + HOUR, "Lake Skin")


def test_a_promise_kept_by_a_colleague_is_kept(ann, lake, clock_):
    promise(ann, lake, NOON + HOUR)
    clock_.move_to(NOON + HOUR + 12 * MINUTE)
    other = make_user("agent")
    record(claim(other), other, Outcome.NOT_NOW)
    assert whole_day(ann).fates("kept") == 1
    assert whole_day(other).promises == ()


def test_a_promise_is_open_for_a_quarter_and_then_missed(ann, lake, clock_):
    promise(ann, lake, NOON + HOUR)
    assert whole_day(ann).promises == ()
    for minutes, fate in ((5, "open"), (15, "open"), (16, "missed")):
        clock_.move_to(NOON + HOUR + minutes * MINUTE)
        assert [each.fate for each in whole_day(ann).promises] == [fate]


def test_a_promise_to_somebody_who_then_said_stop_fell_away(ann, lake, clock_):
    task = promise(ann, lake, NOON + HOUR)
    do(tasks.cancel, fresh(task), "test", "opted out")
    clock_.move_to(NOON + 2 * HOUR)
    assert [each.fate for each in whole_day(ann).promises] == ["fell_away"]


def test_friends_recorded_are_mine_alone(ann, lake):
    agents = ((ann, "+13125550191"), (make_user("agent"), "+13125550192"))
    for agent, _ in agents:
        make_task(lake)
        claim(agent)
    for agent, number in agents:
        friend = NewFriend("Bo", number, None, OptIn.ON_THE_CALL)
        record(queries.task_of(agent.id), agent, Outcome.WILLING, friend=friend)
    assert whole_day(ann).friends == 1


def test_minutes_on_a_break_count_within_the_day_only(ann, clock_):
    leave(ann, BreakKind.LUNCH)
    clock_.tick(30 * MINUTE)
    back(ann)
    leave(ann, BreakKind.TRAINING)
    clock_.tick(10 * MINUTE)
    back(ann)
    leave(ann)
    clock_.tick(5 * MINUTE)
    whole = whole_day(ann)
    assert (whole.break_minutes, whole.trained) == (35, 10)
    clipped = breaks_between(ann.id, NOON + 20 * MINUTE, NOON + 32 * MINUTE)
    assert clipped == {BreakKind.LUNCH: 10, BreakKind.TRAINING: 2}


def test_leads_see_how_everybody_stands(ann, lake, clock_):
    busy, gone = make_user("agent"), make_user("agent")
    make_task(lake)
    claim(busy)
    leave(ann, BreakKind.LUNCH)
    leave(gone, BreakKind.DONE)
    absent = make_user("agent", present=False)
    clock_.tick(12 * MINUTE)
    found = standings([ann.id, busy.id, gone.id, absent.id])
    assert [found[one.id].words for one in (ann, busy, gone, absent)] == [
        "At lunch",
        "On a card",
        "Done for the day",
        "Not here",
    ]
    assert (found[ann.id].since, found[ann.id].break_minutes, found[gone.id].break_minutes) == (NOON, 12, 0)


def test_leads_see_who_takes_too_long_after_a_call_when_it_is_timed(ann, lake):
    make_task(lake)
    record(claim(ann), ann, Outcome.WILLING)
    with transaction("test"):
        db.session.scalars(sa.select(Attempt)).one().wrap_seconds = 31
    assert standings([ann.id])[ann.id].over_time is None
    do(verbs.set_desk, WrapUp.TIMED, 30, 120)
    assert standings([ann.id])[ann.id].over_time == 1
    do(verbs.set_desk, WrapUp.TIMED, 31, 120)
    assert standings([ann.id])[ann.id].over_time == 0


def test_without_settings_the_desk_waits_as_long_as_it_takes(app):
    found = rhythm_queries.desk_settings()
    assert (found.wrap_up, found.wrap_up_seconds, found.idle_seconds) == (WrapUp.OPEN, 60, 120)


def test_leads_set_the_desk_and_every_change_is_told(app):
    lead = make_user("lead", name="Lea Lead")
    do(verbs.set_desk, WrapUp.TIMED, 45, 90, by=lead.actor)
    do(verbs.set_desk, WrapUp.ASK, 45, 90, by=lead.actor)
    found = rhythm_queries.desk_settings()
    assert (found.wrap_up, found.wrap_up_seconds, found.idle_seconds) == (WrapUp.ASK, 45, 90)
    told = [(change.who, change.what) for change in lists.changes_of_desk()]
    assert told[0] == ("Lea Lead", "after a call: the desk asks before the next card")
    assert len(told) == db.session.scalar(sa.select(sa.func.count()).where(AuditEntry.table_name == "desk_settings"))


@pytest.mark.parametrize(("wrap_up", "idle"), [(14, 120), (601, 120), (60, 29), (60, 901)])
def test_seconds_out_of_range_are_refused(app, wrap_up, idle):
    with pytest.raises(Refused):
        do(verbs.set_desk, WrapUp.TIMED, wrap_up, idle)
    assert rhythm_queries.desk_settings().wrap_up is WrapUp.OPEN


def test_a_friends_callback_is_told_in_the_friends_own_time(ann, lake):
    with transaction("test"):
        friend = NewFriend("Bo", "+12125550191", None, OptIn.FORM)
        task = open_friend_task(receive_referral(lake, make_patient(lake), friend, actor="test", ask=None), "test")
    assert claim(ann).id == task.id
    record(fresh(task), ann, Outcome.CALLBACK, callback_at=NOON + HOUR)
    (one,) = rhythm_queries.callbacks(ann.id)
    assert (one.kind, one.zone, one.when) == (Kind.FRIEND_FOLLOW_UP, "America/New_York", "2:00 PM EDT")
