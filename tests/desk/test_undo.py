"""Taking an outcome back: within a minute, whole, and only while nothing of it has left the building."""

import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role
from ops.accounts.reads import keep_read
from ops.cadences import jobs
from ops.config import settings
from ops.contact.actions import suppress
from ops.contact.models import Suppression
from ops.contact.queries import counted_contacts
from ops.db import db, transaction
from ops.desk.actions import recording, undoing
from ops.desk.actions.recording import Saved
from ops.desk.card import log_read
from ops.errors import Refused
from ops.messages.models import Message, MessageState
from ops.queue import jobs as queue_jobs
from ops.queue.actions import shares, tasks
from ops.queue.models import Attempt, CadenceRun, Share, Task, TaskEvent
from ops.referrals.actions import NewFriend
from ops.referrals.models import Ask, Referral
from ops.rhythm.day_report import whole_day
from ops.work.answers import OptIn
from ops.work.endings import EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome, rules_for
from ops.work.reads import ReadOf
from ops.work.states import EventKind, RunState, TaskState
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"
FRIEND = NewFriend("Ines", "+13125550177", None, OptIn.ON_THE_CALL)


@pytest.fixture
def noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def practice(app, noon):
    practice = make_practice(
        shareable="They never push.", website="https://one.example.com", callback_number="+13125550100"
    )
    jobs.practice_added(practice.id)
    return practice


@pytest.fixture
def agent(app):
    return make_user(Role.AGENT, name="Dana Reyes")


@pytest.fixture
def patient(practice):
    patient = make_patient(practice, "Maria", "Okafor", email="maria@example.com")
    make_milestone(patient, "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    return patient


@pytest.fixture
def held(patient, agent, noon) -> Task:
    """The ask of Maria, two minutes in progress."""
    assert queue_jobs.next_for(agent.id, agent.actor)
    noon.tick(timedelta(minutes=2))
    return db.session.scalars(sa.select(Task).where(Task.kind == "ask")).one()


def record(task: Task, agent, outcome: Outcome = Outcome.WILLING, **saved) -> Attempt:
    with transaction(agent.actor):
        return recording.record_outcome(task.id, agent.id, task.fence, agent.actor, Saved(outcome, **saved))


def take_back(attempt: Attempt, agent) -> dict:
    with transaction(agent.actor):
        return undoing.take_back(attempt.id, agent.id, agent.actor)


def whole() -> dict:
    """Every row an outcome may touch, but what a new claim changes by its nature."""
    moving = "'{fence,lease_until}'"
    return {
        table: db.session.execute(sa.text(f"SELECT to_jsonb(t) - CAST({moving} AS text[]) FROM {table} t ORDER BY id"))
        .scalars()
        .all()
        for table in ("tasks", "cadence_runs", "asks", "referrals", "referral_events", "messages", "attempts")
    } | {
        "suppressions": db.session.scalar(sa.select(sa.func.count()).select_from(Suppression)),
        "minutes": db.session.scalars(sa.select(Share.minutes_charged)).all(),
    }


def fresh(task: Task) -> Task:
    return db.session.get_one(Task, task.id, populate_existing=True)


def typed_for(outcome: Outcome) -> dict:
    return {
        Outcome.CALLBACK: {"callback_at": clock.now() + timedelta(hours=2)},
        Outcome.NOT_HAPPY: {"note": "It hurt for days."},
        Outcome.WILLING: {"friend": FRIEND},
    }.get(outcome, {})


@pytest.mark.parametrize("rule", rules_for(Kind.ASK), ids=lambda rule: rule.outcome.value)
def test_every_outcome_can_be_taken_back_and_leaves_no_trace_but_the_event(rule, held, agent):
    before = whole()
    attempt = record(held, agent, rule.outcome, **typed_for(rule.outcome))
    assert whole() != before
    take_back(attempt, agent)
    db.session.expire_all()
    assert whole() == before
    task = db.session.get_one(Task, held.id)
    assert (task.state, task.held_by) == (TaskState.CLAIMED, agent.id)
    told = db.session.scalars(sa.select(TaskEvent).where(TaskEvent.kind == EventKind.UNDONE)).one()
    assert told.facts["outcome"] == rule.outcome


def test_what_was_typed_stands_in_the_form_again(held, agent):
    attempt = record(held, agent, note="Loves it", friend=FRIEND, opening_said=True)
    typed = take_back(attempt, agent)
    assert (typed["note"], typed["friend_name"], typed["opening_said"]) == ("Loves it", "Ines", True)


def test_the_call_is_counted_once_however_often_its_outcome_is_changed(held, agent):
    take_back(record(held, agent, Outcome.NOT_NOW), agent)
    record(db.session.get_one(Task, held.id), agent, Outcome.THINKING)
    assert len(counted_contacts(held.person_key, clock.now())) == 1


@pytest.mark.parametrize("called", [False, True])
def test_a_slip_that_was_taken_back_counts_no_call_unless_the_number_was_shown(held, agent, called):
    take_back(record(held, agent, Outcome.NOT_NOW), agent)
    assert counted_contacts(held.person_key, clock.now()) == []
    with transaction(agent.actor):
        if called:
            keep_read(agent.id, held.practice_id, held.patient_id, ReadOf.NUMBER, held.id, shown_key=held.person_key)
        tasks.release(held.id, agent.id, db.session.get_one(Task, held.id).fence, agent.actor)
    assert len(counted_contacts(held.person_key, clock.now())) == called


def test_a_save_under_the_old_number_is_refused_after_taking_back(held, agent):
    fence = held.fence
    take_back(record(held, agent), agent)
    with pytest.raises(tasks.LeaseLost), transaction(agent.actor):
        recording.record_outcome(held.id, agent.id, fence, agent.actor, Saved(Outcome.NEVER))


def test_after_a_minute_it_is_too_late(held, agent, noon):
    attempt = record(held, agent)
    noon.tick(timedelta(seconds=66))
    with pytest.raises(Refused, match="too late"):
        take_back(attempt, agent)


def test_the_note_waits_for_the_minute_and_never_leaves_when_it_was_taken_back(held, agent, noon):
    attempt = record(held, agent)
    note = db.session.scalars(sa.select(Message)).one()
    assert note.send_after == clock.now() + undoing.undo_for()
    take_back(attempt, agent)
    assert db.session.scalars(sa.select(Message)).all() == []
    record(db.session.get_one(Task, held.id), agent)
    assert len(db.session.scalars(sa.select(Message)).all()) == 1


def test_what_has_left_the_building_cannot_be_taken_back(held, agent):
    attempt = record(held, agent)
    with transaction("test"):
        db.session.execute(sa.update(Message).values(state=MessageState.ATTEMPTING))
    before = whole()
    with pytest.raises(Refused, match="has left"):
        take_back(attempt, agent)
    db.session.rollback()
    assert whole() == before


def test_a_friend_who_is_being_called_is_not_taken_back(held, agent):
    attempt = record(held, agent, friend=FRIEND)
    colleague = make_user(Role.AGENT)
    assert queue_jobs.next_for(colleague.id, colleague.actor)
    with pytest.raises(Refused, match="the friend is being called"):
        take_back(attempt, agent)


def test_what_somebody_has_gone_on_with_stays(held, agent):
    attempt = record(held, agent, Outcome.NOT_NOW)
    with transaction("test"):
        db.session.execute(
            sa.update(CadenceRun).values(
                state=RunState.ENDED, ended_at=clock.now(), end_reason=EndReason.WROTE_BACK, end_outcome=None
            )
        )
        db.session.execute(sa.update(Ask).values(answer="never"))
    with pytest.raises(Refused, match="gone on"):
        take_back(attempt, agent)


def test_only_who_recorded_it_takes_it_back(held, agent):
    attempt = record(held, agent)
    with pytest.raises(Refused, match="nothing to take back"):
        take_back(attempt, make_user(Role.AGENT))
    take_back(attempt, agent)
    with pytest.raises(Refused, match="nothing to take back"):
        take_back(attempt, agent)


def test_the_open_card_makes_room_and_comes_back_next(practice, held, agent):
    attempt = record(held, agent, Outcome.NOT_NOW)
    other = make_patient(practice, "Noor", "Haddad")
    make_milestone(other, "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    second = queue_jobs.next_for(agent.id, agent.actor)
    take_back(attempt, agent)
    assert db.session.get_one(Task, second.id).state is TaskState.WAITING
    record(db.session.get_one(Task, held.id), agent, Outcome.NEVER)
    assert queue_jobs.next_for(agent.id, agent.actor).id == second.id


def test_a_card_whose_number_was_shown_does_not_make_room(practice, held, agent):
    attempt = record(held, agent, Outcome.NOT_NOW)
    make_milestone(make_patient(practice, "Noor", "Haddad"), "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    second = queue_jobs.next_for(agent.id, agent.actor)
    with transaction(agent.actor):
        log_read(agent, second.practice_id, second.patient_id, second.id, "number")
    with pytest.raises(Refused, match="number of this card"):
        take_back(attempt, agent)
    db.session.rollback()
    assert db.session.get_one(Task, second.id).held_by == agent.id


def test_a_suppression_that_stood_before_stays(held, agent, patient, practice):
    from ops.contact.actions import suppress

    with transaction("test"):
        suppress(patient.phone_key, "all", "DNC_INTERNAL", "a letter", "test", practice.id)
    take_back(record(held, agent, Outcome.DO_NOT_CONTACT), agent)
    assert [row.source for row in db.session.scalars(sa.select(Suppression))] == ["a letter"]


def test_a_suppression_is_never_deleted_otherwise(held, agent):
    record(held, agent, Outcome.DO_NOT_CONTACT)
    with pytest.raises(sa.exc.IntegrityError, match="append only"), transaction("test"):
        db.session.execute(sa.delete(Suppression))


def test_a_referral_that_is_taken_back_is_received_anew(held, agent):
    take_back(record(held, agent, friend=FRIEND), agent)
    record(db.session.get_one(Task, held.id), agent, friend=FRIEND)
    assert len(db.session.scalars(sa.select(Referral)).all()) == 1


def test_pictures_are_forgotten_when_the_minute_is_over(held, agent, noon):
    attempt = record(held, agent)
    assert attempt.undo
    noon.tick(timedelta(minutes=3))
    with transaction("tick"):
        assert undoing.forget_old() == 1
    db.session.expire_all()
    assert db.session.get_one(Attempt, attempt.id).undo is None


def in_threads(app, *works) -> list:
    """What each of these answers, or the error it ends with, all begun at once."""
    answers: list = [None] * len(works)
    ready = threading.Barrier(len(works))

    def run(number, work):
        with app.app_context():
            try:
                ready.wait(10)
                answers[number] = work()
            except Exception as problem:
                answers[number] = problem

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_both_halves_of_a_double_press_are_told_that_it_is_saved(app, held, agent):
    task_id, agent_id, fence, actor = held.id, agent.id, held.fence, agent.actor
    db.session.rollback()

    def press() -> int:
        with transaction(actor):
            return recording.record_outcome(task_id, agent_id, fence, actor, Saved(Outcome.NO_ANSWER)).id

    assert len(set(in_threads(app, press, press, press))) == 1


def test_taking_back_and_a_colleagues_claim_do_not_lock_each_other_out(app, practice, held, agent):
    attempt = record(held, agent, friend=FRIEND)
    friend_task = db.session.scalars(sa.select(Task.id).where(Task.kind == "friend_follow_up")).one()
    second = make_patient(practice, "Otto", "Second", phone="+13125550888")
    with transaction("test"):
        mine = tasks.open_task(
            practice_id=practice.id, patient_id=second.id, kind="reply", reason="Wrote back.", actor="test"
        )
        mine.state, mine.held_by, mine.fence, mine.offered = TaskState.CLAIMED, agent.id, 1, False
        mine.claimed_at, mine.lease_until = clock.now(), clock.now() + timedelta(minutes=10)
    practice_id, attempt_id, agent_id, actor = practice.id, attempt.id, agent.id, agent.actor
    db.session.rollback()

    def claim() -> str:  # the task first, then the ledger, as claims do
        with transaction("user:9"):
            db.session.execute(sa.text("SELECT id FROM tasks WHERE id = :id FOR UPDATE"), {"id": friend_task})
            time.sleep(0.8)
            shares.charge(practice_id, 1.0)
        return "claimed"

    def take() -> dict:
        time.sleep(0.3)
        with transaction(actor):
            return undoing.take_back(attempt_id, agent_id, actor)

    claimed, typed = in_threads(app, claim, take)
    assert claimed == "claimed"
    assert isinstance(typed, dict), typed


def test_what_others_wrote_in_the_same_moment_is_not_taken_back(app, held, agent, patient, practice, monkeypatch):
    patient_id, practice_id, key = patient.id, practice.id, patient.phone_key
    meanwhile = recording._write_attempt

    def stop() -> None:
        with transaction("reply"):
            suppress(key, "sms", "STOP_SMS", "reply STOP", "reply", practice_id)
            tasks.open_task(
                practice_id=practice_id, patient_id=patient_id, kind="reply", reason="Wrote back.", actor="reply"
            )

    def written(*given):
        in_threads(app, stop)
        return meanwhile(*given)

    monkeypatch.setattr(recording, "_write_attempt", written)
    take_back(record(held, agent, Outcome.NO_ANSWER), agent)
    assert db.session.scalars(sa.select(Suppression.reason)).all() == ["STOP_SMS"]
    assert db.session.scalars(sa.select(Task.state).where(Task.kind == "reply")).all() == [TaskState.WAITING]


def test_a_promise_that_was_cancelled_and_taken_back_is_a_promise_again(
    practice, held, agent, patient, noon, monkeypatch
):
    monkeypatch.setenv("ATTEMPTS_PER_DAY", "3")  # what was promised would else leave no call for the other task
    settings.cache_clear()
    with transaction(agent.actor):
        tasks.release(held.id, agent.id, held.fence, agent.actor)
        other = tasks.open_task(
            practice_id=practice.id, patient_id=patient.id, kind="reply", reason="Wrote back.", actor="test",
            promised_at=clock.now(),
        )  # fmt: skip
    assert queue_jobs.next_for(agent.id, agent.actor).id == other.id
    record(fresh(other), agent, Outcome.CALLBACK, callback_at=clock.now() + timedelta(hours=1))
    assert queue_jobs.next_for(agent.id, agent.actor).id == held.id
    take_back(record(fresh(held), agent, Outcome.DO_NOT_CONTACT), agent)
    kinds = sa.select(TaskEvent.kind).where(TaskEvent.task_id == other.id).order_by(TaskEvent.id)
    assert db.session.scalars(kinds).all()[-2:] == [EventKind.CANCELLED, EventKind.UNDONE]
    noon.tick(timedelta(hours=2))
    assert [each.fate for each in whole_day(agent).promises] == ["missed"]


def test_an_opt_out_that_was_said_by_somebody_else_meanwhile_stays(held, agent, patient, practice):
    from ops.contact.actions import suppress

    attempt = record(held, agent, Outcome.DO_NOT_CONTACT)
    for _ in range(2):  # the file twice is one row; the agent's own is another
        with transaction("import:9"):
            suppress(patient.phone_key, "all", "DNC_INTERNAL", "import 9, column dnd", "import:9", practice.id)
    take_back(attempt, agent)
    assert db.session.scalars(sa.select(Suppression.source)).all() == ["import 9, column dnd"]
