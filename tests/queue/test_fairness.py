"""Order, why, and fairness: each claim can be explained and replayed; nobody jumps the line and no debt is for ever."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.cadences import jobs
from ops.db import db, transaction
from ops.practices import actions as practices
from ops.practices.models import MilestoneKind, Practice
from ops.queue import jobs as queue_jobs
from ops.queue.actions import lanes, shares, tasks
from ops.queue.models import Share, Task, TaskEvent
from ops.queue.replay import replay
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import EventKind, TaskState
from tests.queue_world import claim, claim_facts, open_for, practice_of, record, share_of
from tests.world import make_milestone, make_patient, make_user

NOON = "2026-03-10 18:00:00"
"""One in the afternoon in Chicago; all of the mainland is open."""
MORNING = "2026-03-10 12:30:00"
"""Half past eight in New York, half past seven in Chicago."""


@pytest.fixture
def agent(app):
    return make_user(Role.AGENT)


# Order, and why


@freeze_time(NOON)
def test_a_claim_says_what_its_rank_was_made_of(agent):
    patient = make_patient(practice_of())
    make_milestone(patient, "Toxin", days_ago=14)
    jobs.import_finished(patient.practice_id)
    make_milestone(patient, kind=MilestoneKind.GRATEFUL_MESSAGE, treatment=None, days_ago=1)
    before = db.session.scalars(sa.select(Task.rank)).one()
    with freeze_time("2026-03-13 18:00:00"):
        queue_jobs.rerank(patient.practice_id)
        task = claim(agent)
    facts = claim_facts(task)
    assert facts["rank_parts"]["word"] == 15.0 and facts["rank_parts"]["age"] == 3.0
    assert facts["rank_parts"]["kind"] == 50.0 and facts["rank_parts"]["moment"] > 0
    assert sum(facts["rank_parts"].values()) == pytest.approx(float(task.rank)) and task.rank > before


@freeze_time(NOON)
def test_every_claim_can_be_replayed_from_its_record_and_gives_the_same(agent):
    first, second = practice_of(hours=10), practice_of(hours=30)
    for number in range(6):
        open_for(make_patient((first, second)[number % 2]), (Kind.ASK, Kind.FOLLOW_UP, Kind.REVIEW_REQUEST)[number % 3])
    open_for(make_patient(first), promised_at=clock.now() - timedelta(minutes=3))
    for number in range(7):
        with freeze_time(datetime(2026, 3, 10, 18, number)):
            record(agent, claim(agent), Outcome.NOT_HAPPY, note="Felt hurried.")
    claims = db.session.scalars(
        sa.select(TaskEvent).where(TaskEvent.kind == EventKind.CLAIMED).order_by(TaskEvent.id)
    ).all()
    assert len(claims) == 7
    for event in claims:
        again = replay(event)
        assert again.same and again.same_rules, event.facts
    assert [event.facts["chosen"]["band"] for event in claims] == [1, 2, 2, 2, 2, 2, 2]


@freeze_time(NOON)
def test_a_record_that_was_tampered_with_does_not_replay(agent):
    practice = practice_of()
    open_for(make_patient(practice))
    open_for(make_patient(practice))
    claim(agent)
    event = db.session.scalars(sa.select(TaskEvent).where(TaskEvent.kind == EventKind.CLAIMED)).one()
    event.facts = event.facts | {"second": event.facts["second"] | {"rank": 999.0}}
    assert not replay(event).same
    with pytest.raises(ValueError, match="no whole record"):
        replay(db.session.scalars(sa.select(TaskEvent).where(TaskEvent.kind == EventKind.OPENED)).first())


# Fairness: no jumps, bounded debts


def serve(agents: list, number: int) -> dict[int, int]:
    """Claim and finish `number` tasks; how many of each practice."""
    served: dict[int, int] = {}
    for turn in range(number):
        who = agents[turn % len(agents)]
        task = claim(who)
        served[task.practice_id] = served.get(task.practice_id, 0) + 1
        with transaction("test"):
            tasks.finish(db.session.get_one(Task, task.id), "test")
    return served


def fill(practice: Practice, number: int) -> None:
    for _ in range(number):
        open_for(make_patient(practice), Kind.FOLLOW_UP)


@freeze_time(NOON)
def test_a_contract_change_changes_the_share_from_now_on_and_nothing_before(agent):
    small, large = practice_of(hours=10), practice_of(hours=30)
    fill(small, 30), fill(large, 30)
    assert serve([agent], 16) == {small.id: 4, large.id: 12}
    before = share_of(large).virtual_time
    with transaction("test"):
        practices.set_contract(large, 10, clock.today(large.zone))
        shares.refresh_shares()
    assert share_of(large).virtual_time == before, "no jump"
    after = serve([agent], 16)
    assert abs(after[small.id] - after[large.id]) <= 1


@freeze_time(NOON)
def test_a_weight_of_two_is_served_like_twice_the_hours(agent):
    one, other = practice_of(hours=10), practice_of(hours=10)
    fill(one, 30), fill(other, 30)
    with transaction("test"):
        db.session.execute(sa.update(Share).where(Share.practice_id == other.id).values(weight=2))
    assert serve([agent], 18) == {one.id: 6, other.id: 12}


@freeze_time(NOON)
def test_a_new_practice_starts_level_and_takes_no_more_than_its_turn(agent):
    old = practice_of(hours=20)
    fill(old, 40)
    serve([agent], 20)
    new = practice_of(hours=20)
    fill(new, 20)
    served = serve([agent], 20)
    assert abs(served[new.id] - served[old.id]) <= 2 + shares.CREDIT * 20 / 5


@freeze_time(NOON)
def test_who_was_away_is_owed_a_bounded_credit_and_not_the_week(agent):
    away, busy = practice_of(hours=20), practice_of(hours=20)
    fill(busy, 80)
    serve([agent], 40)
    fill(away, 40)
    credit = shares.CREDIT * 20 / 5  # in tasks of five minutes
    served = serve([agent], 30)
    ahead = served[away.id] - served[busy.id]
    assert 0 < ahead <= credit + 2


@freeze_time(MORNING)
def test_whose_hours_were_shut_while_others_were_served_is_owed_no_more_than_the_credit(agent):
    east, west = practice_of("America/New_York", "NY"), practice_of()
    for number in range(60):
        open_for(make_patient(east, phone=f"+121255501{number:02}"), Kind.FOLLOW_UP)
    fill(west, 60)
    serve([agent], 40)
    with transaction("test"):
        lanes.refresh()
    assert share_of(west).virtual_time == pytest.approx(share_of(east).virtual_time - shares.CREDIT)


@freeze_time(NOON)
def test_a_practice_with_one_task_does_not_starve(agent):
    crowd = [practice_of(hours=80) for _ in range(3)]
    for practice in crowd:
        fill(practice, 20)
    serve([agent], 6)
    lonely = open_for(make_patient(practice_of(hours=2)), Kind.REVIEW_REQUEST)
    served = [claim_and_finish(agent) for _ in range(4)]
    assert lonely.id in served


def claim_and_finish(agent) -> int:
    task = claim(agent)
    with transaction("test"):
        tasks.finish(db.session.get_one(Task, task.id), "test")
    return task.id


@freeze_time(NOON)
def test_a_dry_lane_is_forgotten_and_found_again(agent):
    practice = practice_of()
    patient = make_patient(practice)
    task = open_for(patient)
    assert share_of(practice).lanes == [task.lane_id]
    serve([agent], 1)
    assert claim(agent) is None
    assert share_of(practice).lanes == [] and not share_of(practice).has_work
    open_for(make_patient(practice))
    assert share_of(practice).lanes == [task.lane_id] and claim(agent) is not None


@freeze_time(NOON)
def test_a_task_that_comes_back_keeps_its_age_and_its_minutes_are_given_back(agent):
    practice = practice_of()
    task = open_for(make_patient(practice))
    before = share_of(practice).minutes_charged
    claim(agent)
    assert share_of(practice).minutes_charged == before + 6
    with freeze_time("2026-03-10 18:11:00"):
        queue_jobs.upkeep()
        back = db.session.get_one(Task, task.id, populate_existing=True)
        assert (back.state, back.created_at) == (TaskState.WAITING, task.created_at)
        assert share_of(practice).minutes_charged == before
