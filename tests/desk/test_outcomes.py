"""What came of a call, and what follows from it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role, User
from ops.cadences import jobs
from ops.contact.models import ConsentEvent, ContactAttempt, Suppression
from ops.db import db, transaction
from ops.desk.actions import recording
from ops.desk.actions.recording import Saved
from ops.errors import Refused
from ops.messages.models import Message
from ops.practices.models import Patient, Practice
from ops.queue import jobs as queue_jobs
from ops.queue.actions import friends, tasks
from ops.queue.models import Attempt, CadenceRun, Share, Task
from ops.referrals.actions import NewFriend
from ops.referrals.models import Ask, Referral, ReferralEvent
from ops.work.answers import Answer, OptIn, ReferralState
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome, Then, rules_for
from ops.work.states import RunState, TaskState
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"
INES = NewFriend("Ines", "+13125550177", None, OptIn.ON_THE_CALL)


@pytest.fixture
def agent(app) -> User:
    return make_user(Role.AGENT, name="Dana Reyes")


@pytest.fixture
def practice(app) -> Practice:
    practice = make_practice(shareable="They never push.", website="https://one.example.com")
    jobs.practice_added(practice.id)
    return practice


@pytest.fixture
def patient(practice) -> Patient:
    with freeze_time(NOON):
        patient = make_patient(practice, "Maria", email="maria@example.com")
        make_milestone(patient, "Toxin", days_ago=14)
        jobs.import_finished(practice.id)
    return patient


def claim(agent: User) -> Task:
    taken = queue_jobs.next_for(agent.id, agent.actor)
    assert taken is not None
    return db.session.get_one(Task, taken.id)


def record(agent: User, task: Task, outcome: Outcome, **typed) -> Attempt:
    with transaction(agent.actor):
        return recording.record_outcome(task.id, agent.id, task.fence, agent.actor, Saved(outcome, **typed))


def ask() -> Ask:
    return db.session.scalars(sa.select(Ask)).one()


def run_of(task: Task) -> CadenceRun:
    return db.session.get_one(CadenceRun, task.run_id, populate_existing=True)


def fresh(task: Task) -> Task:
    return db.session.get_one(Task, task.id, populate_existing=True)


def count(what) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(what))


@freeze_time(NOON)
def test_willing_ends_the_cadence_and_sends_the_note_once(agent, patient):
    task = claim(agent)
    record(agent, task, Outcome.WILLING)
    assert ask().answer is Answer.WILLING
    assert fresh(task).state is TaskState.DONE
    assert run_of(task).ending == Ending(EndReason.ANSWERED, Outcome.WILLING)
    (note,) = db.session.scalars(sa.select(Message)).all()
    assert note.to_address == patient.phone and "They never push." in note.body
    assert "toxin" not in note.body.lower() and "injectable" not in note.body.lower()


@freeze_time(NOON)
def test_a_friend_who_agreed_is_called_today_and_the_referrer_thanked(agent, patient):
    record(agent, claim(agent), Outcome.WILLING, friend=INES)
    referral = db.session.scalars(sa.select(Referral)).one()
    assert (referral.friend_name, referral.state, referral.ask_id) == ("Ines", ReferralState.RECEIVED, ask().id)
    thanks = db.session.scalars(sa.select(Message).where(Message.kind == "loop_closing")).one()
    assert "Thank you for thinking of us" in thanks.body and "Ines" not in thanks.body
    assert db.session.scalars(sa.select(ConsentEvent.how)).one() == "on_the_call"
    call = claim(agent)
    assert call.kind is Kind.FRIEND_FOLLOW_UP
    assert call.promised_at == referral.received_at + timedelta(hours=24)


@freeze_time(NOON)
def test_the_same_friend_twice_is_one_referral(agent, patient, practice):
    task = claim(agent)
    record(agent, task, Outcome.WILLING, friend=INES)
    with transaction("test"):
        friends.receive_friend(
            db.session.get_one(Practice, practice.id), db.session.get_one(Patient, patient.id), INES, "test", None
        )
    assert count(Referral) == 1 and count(ReferralEvent) == 1
    assert count(sa.select(Task).where(Task.kind == Kind.FRIEND_FOLLOW_UP).subquery()) == 1


@freeze_time(NOON)
def test_the_patients_own_number_is_not_a_friend(agent, patient):
    task = claim(agent)
    with pytest.raises(Refused, match="own number"):
        record(agent, task, Outcome.WILLING, friend=INES._replace(phone=patient.phone))
    assert count(Attempt) == 0 and count(Referral) == 0, "nothing half-stored"
    assert fresh(task).state is TaskState.CLAIMED


@freeze_time(NOON)
def test_no_answer_is_tried_at_other_times_and_then_goes_on_to_the_text(agent, patient):
    moments = []
    for _ in range(3):
        with freeze_time(fresh(claimable()).ready_at):
            task = claim(agent)
            moments.append(clock.now())
            record(agent, task, Outcome.NO_ANSWER)
    assert len({moment.time() for moment in moments}) == 3, "the time of day varies"
    assert fresh(task).state is TaskState.DONE
    run = run_of(task)
    assert (run.state, run.position) == (RunState.RUNNING, 1)
    with freeze_time(run.next_at + timedelta(minutes=1)):
        jobs.take_due_steps()
        assert db.session.scalars(sa.select(Message.channel)).one() == "sms"
    assert ask().answer is Answer.NO_ANSWER


def claimable() -> Task:
    return db.session.scalars(sa.select(Task).where(Task.state == TaskState.WAITING)).one()


@freeze_time(NOON)
def test_a_later_answer_replaces_no_answer(agent, patient):
    record(agent, claim(agent), Outcome.VOICEMAIL)
    with freeze_time(claimable().ready_at):
        record(agent, claim(agent), Outcome.NOT_NOW)
    assert ask().answer is Answer.NOT_NOW


@freeze_time(NOON)
def test_a_callback_is_a_promise(agent, patient):
    task = claim(agent)
    at = clock.now() + timedelta(hours=2)
    record(agent, task, Outcome.CALLBACK, callback_at=at)
    again = fresh(task)
    assert (again.state, again.promised_at, again.ready_at, again.owner_id) == (
        TaskState.WAITING,
        at,
        at,
        agent.id,
    )


@freeze_time(NOON)
def test_a_promise_is_kept_even_when_the_days_of_its_cadence_are_over_by_then(agent, patient):
    task = claim(agent)
    at = task.closes_at + timedelta(days=3, hours=18)
    record(agent, task, Outcome.CALLBACK, callback_at=at)
    with freeze_time(at + timedelta(minutes=1)):
        queue_jobs.upkeep()
        assert claim(agent).id == task.id


@freeze_time(NOON)
@pytest.mark.parametrize("minutes", [None, -5, 60 * 24 * 400])
def test_a_callback_needs_a_sensible_time(agent, patient, minutes):
    task = claim(agent)
    at = None if minutes is None else clock.now() + timedelta(minutes=minutes)
    with pytest.raises(Refused):
        record(agent, task, Outcome.CALLBACK, callback_at=at)
    assert fresh(task).state is TaskState.CLAIMED


@freeze_time(NOON)
def test_remove_me_holds_before_the_next_task_loads(agent, patient, practice):
    with transaction("test"):
        tasks.open_task(
            practice_id=practice.id, patient_id=patient.id, kind=Kind.REVIEW_REQUEST, reason="x", actor="test"
        )
    record(agent, claim(agent), Outcome.DO_NOT_CONTACT)
    assert set(db.session.scalars(sa.select(Suppression.contact_key))) == {patient.phone_key, patient.email_key}
    assert set(db.session.scalars(sa.select(Suppression.channel))) == {"all"}
    assert set(db.session.scalars(sa.select(Task.state))) <= {TaskState.DONE, TaskState.CANCELLED}
    assert set(db.session.scalars(sa.select(CadenceRun.state))) == {RunState.ENDED}
    assert queue_jobs.next_for(agent.id, agent.actor) is None


@freeze_time(NOON)
def test_not_happy_stops_everything_for_the_patient(agent, patient):
    record(agent, claim(agent), Outcome.NOT_HAPPY, note="Bruised.")
    assert set(db.session.scalars(sa.select(CadenceRun.state))) == {RunState.ENDED}
    assert count(Message) == 0


@freeze_time(NOON)
def test_a_double_press_is_one_outcome(agent, patient):
    task = claim(agent)
    first, second = record(agent, task, Outcome.WILLING), record(agent, task, Outcome.WILLING)
    assert first.id == second.id and count(Attempt) == 1 and count(Message) == 1


@freeze_time(NOON)
def test_a_save_after_the_lease_is_lost_is_refused(agent, patient):
    task = claim(agent)
    with freeze_time("2026-03-10 18:20:00"):
        queue_jobs.upkeep()
        with pytest.raises(tasks.LeaseLost):
            record(agent, task, Outcome.WILLING)
    assert count(Attempt) == 0


@freeze_time(NOON)
def test_the_real_minutes_are_charged(agent, patient, practice):
    task = claim(agent)
    with freeze_time("2026-03-10 18:04:00"):
        attempt = record(agent, task, Outcome.NOT_NOW)
    assert float(attempt.minutes) == 4.0
    assert float(db.session.scalars(sa.select(Share.minutes_charged)).one()) == 4.0


@freeze_time(NOON)
def test_each_call_counts_into_the_cap_of_the_number(agent, patient):
    record(agent, claim(agent), Outcome.NO_ANSWER)
    assert db.session.scalars(sa.select(ContactAttempt.contact_key)).one() == patient.phone_key


@freeze_time(NOON)
def test_a_patient_who_said_never_is_never_asked_again(agent, patient, practice):
    record(agent, claim(agent), Outcome.NEVER)
    with freeze_time("2026-09-10 18:00:00"):
        make_milestone(patient, "Toxin", days_ago=14)
        jobs.import_finished(practice.id)
        open_asks = sa.select(Task).where(Task.kind == Kind.ASK, Task.state == TaskState.WAITING)
        assert db.session.scalars(open_asks).all() == []


@freeze_time(NOON)
def test_an_outcome_of_another_kind_is_refused(agent, patient):
    task = claim(agent)
    with pytest.raises(Refused, match="does not belong"):
        record(agent, task, Outcome.FRIEND_BOOKED)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_at_most_twelve_outcomes_with_a_key_each(kind):
    rules = rules_for(kind)
    keys = [rule.key for rule in rules]
    assert 2 <= len(rules) <= 12
    assert len(set(keys)) == len(keys)
    assert not {"j", "k"} & set(keys), "taken by the desk"
    assert all(rule.says for rule in rules)
    assert sum(rule.then is Then.PROMISE for rule in rules) == 1


@freeze_time(NOON)
def test_a_friend_nobody_reached_does_not_wait_for_ever(agent, patient):
    record(agent, claim(agent), Outcome.WILLING, friend=INES)
    record(agent, claim(agent), Outcome.BAD_NUMBER)
    assert db.session.scalars(sa.select(Referral.state)).one() is ReferralState.LOST
