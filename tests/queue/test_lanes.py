"""What is shut, paused or not for this agent is not a candidate; the rest comes in one order that can be replayed."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.contact.actions import record_contact
from ops.contact.asking import Text
from ops.contact.asking import may_contact as may_send
from ops.contact.models import GateDecision
from ops.db import db, transaction
from ops.practices import actions as practices
from ops.practices.models import Patient
from ops.queue.actions import lanes, shares
from ops.queue.models import KindPause, Lane, Task
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import TaskState
from tests.processes import wait_until
from tests.queue_world import claim, claim_facts, claim_of, give_back, open_for, practice_of, profile, record
from tests.world import make_patient, make_user

NOON = "2026-03-10 18:00:00"
"""One in the afternoon in Chicago; all of the mainland is open."""
MORNING = "2026-03-10 12:30:00"
"""Half past eight in New York, half past seven in Chicago."""


@pytest.fixture
def agent(app):
    return make_user(Role.AGENT)


# Windows


@freeze_time(MORNING)
def test_a_task_in_a_shut_lane_is_no_candidate_and_costs_no_question_to_the_gate(agent):
    shut = open_for(make_patient(practice_of(hours=80)))
    east = practice_of("America/New_York", "NY", hours=1)
    awake = open_for(make_patient(east, phone="+12125550101"))
    assert claim(agent).id == awake.id, "although the other practice is owed more"
    assert db.session.scalars(sa.select(GateDecision.subject)).all() == [f"task:{awake.id}"]
    with freeze_time("2026-03-10 13:00:00"):
        assert claim(make_user(Role.AGENT)).id == shut.id, "eight in Chicago, without a minute's delay"


@freeze_time(NOON)
def test_people_who_may_be_called_at_the_same_times_share_a_lane(agent):
    practice = practice_of()
    one, other = make_patient(practice), make_patient(practice)
    abroad = make_patient(practice, phone="+12125550102")  # Illinois by address, New York by number: fewer hours
    first, second, third = open_for(one), open_for(other), open_for(abroad)
    assert first.lane_id == second.lane_id != third.lane_id
    assert open_for(make_patient(practice), Kind.FOLLOW_UP).lane_id != first.lane_id
    assert open_for(make_patient(practice, language="es")).lane_id != first.lane_id


@freeze_time("2026-03-10 17:30:00")
def test_who_moves_changes_the_lane_also_of_the_task_in_progress(agent):
    practice = practice_of()
    here, held = make_patient(practice), make_patient(practice)
    in_progress = open_for(held)
    assert claim(agent).id == in_progress.id
    waiting = open_for(here)
    old = waiting.lane_id
    with transaction("test"):
        for patient in (here, held):
            practices.correct_patient(
                practice, db.session.get_one(Patient, patient.id), state="HI", phone="+18085550103"
            )
    give_back(agent, in_progress)
    with transaction("test"):
        lanes.refresh()
    db.session.expire_all()
    assert db.session.get_one(Task, waiting.id).lane_id not in (old, None)
    assert db.session.get_one(Task, in_progress.id).lane_id not in (old, None)
    assert claim(agent) is None, "half past seven in Honolulu"
    with freeze_time("2026-03-10 18:00:00"):
        assert claim(agent) is not None


@freeze_time(NOON)
def test_under_new_rules_every_waiting_task_finds_its_lane_again(agent):
    task = open_for(make_patient(practice_of()))
    with transaction("test"):
        db.session.execute(sa.update(Lane).values(rules_version="older"))
        db.session.execute(sa.update(Lane).values(opens_at=clock.now() + timedelta(days=1)))
    assert claim(agent).id == task.id
    assert "older" not in set(db.session.scalars(sa.select(Lane.rules_version)))


@freeze_time(NOON)
def test_what_comes_due_is_offered_by_the_sweep_or_by_whoever_finds_nothing(agent):
    practice = practice_of()
    later = open_for(make_patient(practice), ready_at=clock.now() + timedelta(minutes=5))
    assert not later.offered and claim(agent) is None
    with freeze_time("2026-03-10 18:05:00"):
        assert claim(agent).id == later.id


# Who may work what


@freeze_time(NOON)
def test_an_agent_works_only_for_the_practices_they_are_certified_for(agent):
    mine, other = practice_of(hours=1), practice_of(hours=80)
    open_for(make_patient(other))
    task = open_for(make_patient(mine))
    profile(agent, certified=[mine])
    assert claim(agent).id == task.id
    record(agent, task, Outcome.NOT_NOW)
    assert claim(agent) is None
    assert claim(make_user(Role.AGENT)) is not None, "who has no profile works everywhere"


@freeze_time(NOON)
def test_an_agent_speaks_to_people_in_their_language(agent):
    practice = practice_of()
    spanish = open_for(make_patient(practice, language="es"))
    assert claim(agent) is None
    profile(agent, languages=("en", "es"))
    assert claim(agent).id == spanish.id


@freeze_time(NOON)
def test_an_agent_does_only_the_kinds_they_do_promises_too(agent):
    practice = practice_of()
    open_for(make_patient(practice), Kind.ASK)
    open_for(make_patient(practice), Kind.FRIEND_FOLLOW_UP, promised_at=clock.now())
    review = open_for(make_patient(practice), Kind.REVIEW_REQUEST)
    profile(agent, kinds=["review_request"])
    assert claim(agent).id == review.id
    record(agent, review, Outcome.REVIEW_PROMISED)
    assert claim(agent) is None


@freeze_time(NOON)
def test_a_paused_kind_is_not_offered_promises_included_and_comes_back(agent):
    practice = practice_of()
    task = open_for(make_patient(practice))
    promised = open_for(make_patient(practice), promised_at=clock.now())
    follow_up = open_for(make_patient(practice), Kind.FOLLOW_UP)
    with transaction("test") as session:
        session.add(
            KindPause(practice_id=practice.id, kind=Kind.ASK, since=clock.now(), paused_by="test", reason="new script")
        )
        session.flush()
        shares.refresh_open()
    assert claim(agent).id == follow_up.id
    record(agent, follow_up, Outcome.ALL_WELL)
    assert claim(agent) is None
    with transaction("test") as session:
        session.execute(sa.delete(KindPause))
        shares.refresh_open()
    assert claim(agent).id == promised.id
    record(agent, promised, Outcome.NOT_NOW)
    assert claim(agent).id == task.id


# Preferred, together, one human


@freeze_time(NOON)
def test_who_spoke_to_them_last_comes_first_and_after_a_while_anyone(agent):
    patient = make_patient(practice_of())
    record(agent, claim_of(agent, open_for(patient)), Outcome.ALREADY_TOLD)
    again = open_for(patient, Kind.REVIEW_REQUEST)
    other = make_user(Role.AGENT)
    assert again.owner_id == agent.id
    assert claim(other) is None
    assert claim(agent).id == again.id
    give_back(agent, again)
    with freeze_time("2026-03-10 18:20:00"):
        assert claim(other).id == again.id


@freeze_time(NOON)
def test_a_voicemail_makes_nobody_the_preferred_agent(agent):
    patient = make_patient(practice_of())
    record(agent, claim_of(agent, open_for(patient)), Outcome.VOICEMAIL)
    assert open_for(patient, Kind.REVIEW_REQUEST).owner_id is None


@freeze_time(NOON)
def test_other_work_about_the_same_person_comes_to_the_same_agent_next(agent):
    practice = practice_of()
    patient = make_patient(practice)
    ask = open_for(patient)
    review = open_for(patient, Kind.REVIEW_REQUEST)
    promised = open_for(make_patient(practice), Kind.FOLLOW_UP, ready_at=clock.now() + timedelta(minutes=1))
    with transaction("test"):
        db.session.get_one(Task, promised.id).promised_at = clock.now() + timedelta(minutes=1)
    assert claim(agent).id == ask.id
    assert claim(make_user(Role.AGENT)) is None, "not to two agents"
    with freeze_time("2026-03-10 18:02:00"):
        record(agent, ask, Outcome.NOT_NOW)
        taken = claim(agent)
        assert taken.id == review.id, "even before a promise: they were just spoken to"
        assert claim_facts(taken)["chosen"]["band"] == 0


@freeze_time(NOON)
def test_one_human_at_two_practices_is_on_one_call(agent):
    number = "+13125550177"
    open_for(make_patient(practice_of(), phone=number))
    open_for(make_patient(practice_of(), phone=number))
    first = claim(agent)
    other = make_user(Role.AGENT)
    assert claim(other) is None
    record(agent, first, Outcome.NO_ANSWER)
    assert claim(other).patient_id != first.patient_id


@freeze_time(NOON)
def test_who_takes_the_same_human_in_the_same_moment_finds_the_next_task_instead(app, agent):
    number, other = "+13125550177", make_user(Role.AGENT)
    mine = open_for(make_patient(practice_of(hours=80), phone=number))
    theirs = open_for(make_patient(practice_of(hours=1), phone=number), ready_at=clock.now() + timedelta(hours=1))
    behind = open_for(make_patient(practice_of(hours=1)), Kind.REVIEW_REQUEST)
    moment, got = clock.now(), []

    def press() -> None:
        with app.app_context(), clock.moved_to(moment):
            got.append(claim(agent).id)

    with db.engine.begin() as elsewhere:  # has taken it, and has not committed yet
        elsewhere.execute(
            sa.update(Task)
            .where(Task.id == theirs.id)
            .values(state="claimed", held_by=other.id, claimed_at=moment, lease_until=moment + timedelta(minutes=10))
        )
        pressing = threading.Thread(target=press)
        pressing.start()
        waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        wait_until(lambda: elsewhere.scalar(waits))
    pressing.join()
    assert got == [behind.id]
    assert db.session.get_one(Task, mine.id, populate_existing=True).state is TaskState.WAITING


@freeze_time(NOON)
def test_a_call_in_progress_counts_against_the_cap_of_a_text(agent):
    practice = practice_of()
    patient = make_patient(practice)
    open_for(patient)
    with transaction("test"):
        record_contact(patient.phone_key, practice.id, "call", clock.now() - timedelta(hours=1))
    text = {"text": Text(gives_away=False, approved=True, registered=True), "lock_held": True}
    assert may_send(patient, practice, "sms", clock.now(), "test", **text).allow
    assert claim(agent) is not None
    answer = may_send(patient, practice, "sms", clock.now(), "test", **text)
    assert answer.reasons == ("CAP_24H",), "one call made, one in progress: a text would be the third"


@freeze_time(NOON)
def test_nobody_is_called_more_often_in_a_month_than_the_agency_allows(agent, monkeypatch):
    from ops.config import settings

    monkeypatch.setenv("ATTEMPTS_PER_PERSON", "2")
    settings.cache_clear()
    patient = make_patient(practice_of())
    for day in (10, 12):
        with freeze_time(f"2026-03-{day} 18:00:00"):
            record(agent, claim_of(agent, open_for(patient, Kind.FOLLOW_UP)), Outcome.ALL_WELL)
    with freeze_time("2026-03-14 18:00:00"):
        third = open_for(patient)
        assert claim(agent) is None
        assert db.session.get_one(Task, third.id, populate_existing=True).shut_reasons == ["person_limit"]
    with freeze_time("2026-04-12 18:00:00"):
        assert claim(agent).id == third.id
