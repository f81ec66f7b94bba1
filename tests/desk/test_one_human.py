"""An outcome is about the number that was called and the human who answered, not about the record they stand under."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import Role
from ops.cadences import jobs
from ops.contact.models import ContactAttempt, Suppression
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.desk.actions import recording, undoing
from ops.desk.actions.recording import Saved
from ops.desk.card import log_read
from ops.practices.actions import correct_patient
from ops.practices.models import Patient, Practice
from ops.queue import jobs as queue_jobs
from ops.queue.actions import friends
from ops.queue.models import CadenceRun, Task
from ops.referrals.actions import NewFriend
from ops.referrals.models import Referral
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.reads import ReadOf
from ops.work.states import RunState, TaskState
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"
OLD, NEW = "+13125550141", "+13125550142"
INES = NewFriend("Ines", "+13135550177", "ines@example.com", OptIn.ON_THE_CALL)


@pytest.fixture
def practice(app):
    with freeze_time(NOON):
        practice = make_practice(shareable="They never push.", website="https://one.example.com")
        jobs.practice_added(practice.id)
        yield practice


@pytest.fixture
def agent(app):
    return make_user(Role.AGENT, name="Dana Reyes")


def asked(practice, *args, **details) -> Patient:
    patient = make_patient(practice, *args, **details)
    make_milestone(patient, "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    return patient


def claim(agent) -> Task | None:
    taken = queue_jobs.next_for(agent.id, agent.actor)
    return db.session.get_one(Task, taken.id, populate_existing=True) if taken else None


def record(agent, task, outcome, **typed):
    with transaction(agent.actor):
        return recording.record_outcome(task.id, agent.id, task.fence, agent.actor, Saved(outcome, **typed))


def show(agent, task) -> None:
    patient = db.session.get_one(Patient, task.patient_id, populate_existing=True)
    with transaction(agent.actor):
        log_read(agent, task.practice_id, task.patient_id, task.id, ReadOf.NUMBER, patient.phone)


def correct(patient, **facts) -> None:
    with transaction("user:1"):
        found = db.session.get_one(Patient, patient.id)
        correct_patient(db.session.get_one(Practice, patient.practice_id), found, **facts)


def suppressed() -> set[tuple[bytes, str]]:
    return {tuple(row) for row in db.session.execute(sa.select(Suppression.contact_key, Suppression.channel))}


@pytest.mark.parametrize("outcome", [Outcome.WRONG_PERSON, Outcome.BAD_NUMBER])
def test_a_number_corrected_while_the_card_is_open_is_not_the_one_that_was_wrong(agent, practice, outcome):
    patient = asked(practice, "Maria", phone=OLD)
    task = claim(agent)
    show(agent, task)
    correct(patient, phone=NEW)
    record(agent, task, outcome)
    old = contact_key(OLD)
    assert suppressed() == {(old, "call"), (old, "sms")}
    assert db.session.scalars(sa.select(ContactAttempt.contact_key)).all() == [old]
    again = db.session.get_one(Task, task.id, populate_existing=True)
    assert (again.state, db.session.get_one(CadenceRun, task.run_id).state) == (TaskState.WAITING, RunState.RUNNING)


def test_the_number_shown_last_is_the_one_that_was_called(agent, practice):
    patient = asked(practice, "Maria", phone=OLD)
    task = claim(agent)
    show(agent, task)
    correct(patient, phone=NEW)
    show(agent, task)
    record(agent, task, Outcome.WRONG_PERSON)
    assert {key for key, _ in suppressed()} == {contact_key(NEW)}


def test_a_no_of_the_person_holds_for_the_number_that_was_called_and_the_one_they_have_now(agent, practice):
    patient = asked(practice, "Maria", phone=OLD, email="maria@example.com")
    task = claim(agent)
    show(agent, task)
    correct(patient, phone=NEW)
    record(agent, task, Outcome.DO_NOT_CONTACT)
    assert suppressed() == {(contact_key(each), "all") for each in (OLD, NEW, "maria@example.com")}


@pytest.mark.parametrize("outcome", [Outcome.WILLING, Outcome.THINKING, Outcome.NOT_NOW, Outcome.ALREADY_TOLD])
def test_who_has_answered_is_not_asked_the_same_under_their_other_record(agent, practice, outcome):
    asked(practice, "Maria", phone=OLD)
    asked(practice, "Maria", phone=OLD)
    task = claim(agent)
    record(agent, task, outcome)
    running = sa.select(CadenceRun.patient_id).where(CadenceRun.state == RunState.RUNNING)
    assert db.session.scalars(running).all() == ([task.patient_id] if outcome is Outcome.THINKING else [])
    assert claim(agent) is None


def test_never_ask_is_said_by_the_human_for_all_their_records(agent, practice):
    asked(practice, "Maria", "Ruiz", phone=OLD)
    again = asked(practice, "MARIA", "Ruiz", phone=NEW)
    daughter = asked(practice, "Lola", "Ruiz", phone=OLD)
    correct(again, phone=OLD)  # found to be the same human when both were asked already
    attempt = record(agent, claim(agent), Outcome.NEVER)
    waiting = sa.select(Task.patient_id).where(Task.state == TaskState.WAITING)
    assert db.session.scalars(waiting).all() == [daughter.id]
    running = sa.select(CadenceRun.patient_id).where(CadenceRun.state == RunState.RUNNING)
    assert db.session.scalars(running).all() == [daughter.id]
    with transaction(agent.actor):
        undoing.take_back(attempt.id, agent.id, agent.actor)
    assert len(db.session.scalars(waiting).all()) == 2


def test_a_record_that_comes_after_the_never_is_not_asked(agent, practice):
    asked(practice, "Maria", phone=OLD)
    record(agent, claim(agent), Outcome.NEVER)
    asked(practice, "Maria", phone=OLD)
    other = asked(practice, "Maria", phone=NEW)
    running = sa.select(CadenceRun.patient_id).where(CadenceRun.state == RunState.RUNNING)
    assert db.session.scalars(running).all() == [other.id]


def test_do_not_contact_reaches_the_address_of_the_other_record(agent, practice):
    asked(practice, "Maria", phone=OLD, email="maria@example.com")
    asked(practice, "Maria", phone=OLD, email="maria@work.example.com")
    record(agent, claim(agent), Outcome.DO_NOT_CONTACT)
    assert {key for key, _ in suppressed()} == {
        contact_key(each) for each in (OLD, "maria@example.com", "maria@work.example.com")
    }
    assert claim(agent) is None


def name_friend(patient, friend) -> Referral:
    with transaction("user:1"):
        practice = db.session.get_one(Practice, patient.practice_id)
        return friends.receive_friend(practice, db.session.get_one(Patient, patient.id), friend, "user:1", None)


def calls() -> int:
    return db.session.scalar(sa.select(sa.func.count(Task.id)).where(Task.kind == Kind.FRIEND_FOLLOW_UP))


@pytest.mark.parametrize(
    "said",
    [
        INES,
        INES._replace(name="Inés", email=None),
        INES._replace(phone="+13135550178"),
        INES._replace(phone=None),
    ],
)
def test_a_friend_whom_two_patients_name_is_one_human_and_called_once(practice, said):
    first = name_friend(make_patient(practice, "Maria"), INES)
    second = name_friend(make_patient(practice, "Nora"), said)
    assert (second.joined_id, second.referrer_id != first.referrer_id) == (first.id, True)
    with freeze_time(NOON):
        queue_jobs.upkeep()
    assert calls() == 1


def test_who_said_no_before_and_agrees_now_is_called_again(practice):
    first = name_friend(make_patient(practice, "Maria"), INES)
    with transaction("test"):
        db.session.get_one(Referral, first.id).state = "lost"
    assert name_friend(make_patient(practice, "Nora"), INES).joined_id is None
    assert calls() == 2


def test_a_friend_known_by_an_address_alone_is_called_when_there_is_a_number(practice):
    name_friend(make_patient(practice, "Maria"), INES._replace(phone=None))
    assert name_friend(make_patient(practice, "Nora"), INES).joined_id is None
    assert calls() == 1


def test_the_same_friend_of_two_practices_is_two(practice):
    name_friend(make_patient(practice, "Maria"), INES)
    other = make_practice("other")
    assert name_friend(make_patient(other, "Nora"), INES).joined_id is None
