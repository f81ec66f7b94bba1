"""A no to one way of contact is no no of the person: the cadence goes on by the way that is open, and says so."""

from datetime import date

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.cadences import jobs
from ops.cadences.actions import editing
from ops.cadences.forms import Step
from ops.cadences.models import Cadence
from ops.cadences.words import left_out_words
from ops.contact.actions import suppress
from ops.contact.lifting import lift_agreed
from ops.contact.models import SuppressedChannel
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.messages.models import Message
from ops.practices import actions as practices
from ops.practices.models import Patient, Practice
from ops.queue.models import CadenceRun, Task
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind, StepMode
from ops.work.outcomes import Outcome
from ops.work.states import RunState, TaskState
from tests.floors import claim, record
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"
ONCE_THE_OUTCOME_STANDS = "2026-03-10 18:02:00"
NO_CALL = "Step 1 was left out. No call: asked not to be called."
NO_TEXT = "Step 2 was left out. No text: wrote STOP."


@pytest.fixture
def practice(app) -> Practice:
    with freeze_time(NOON):
        practice = make_practice(
            website="https://one.example.com", shareable="They never push.", callback_number="+13125550100"
        )
        jobs.practice_added(practice.id)
    return practice


def treated(practice: Practice, *refused: str, email: str | None = "", days_ago: int = 14) -> Patient:
    """A patient whose ask is due (treated 14 days ago; 2: a check-in), and what their file says they do not want."""
    patient = make_patient(practice, email="maria@example.com" if email == "" else email)
    make_milestone(patient, "Toxin", days_ago=days_ago)
    for channel in refused:
        reason = {"call": "STOP_VOICE", "sms": "STOP_SMS", "all": "DNC_INTERNAL"}[channel]
        with transaction("test"):
            suppress(patient.phone_key, channel, reason, "import 1", "test", practice.id)
    return patient


def run_of(patient: Patient) -> CadenceRun:
    """Their first one."""
    which = sa.select(CadenceRun).where(CadenceRun.patient_id == patient.id).order_by(CadenceRun.opens_at)
    return db.session.scalars(which, execution_options={"populate_existing": True}).first()


def sent_to(patient: Patient) -> list[str]:
    return [str(channel) for channel in db.session.scalars(sa.select(Message.channel).filter_by(patient_id=patient.id))]


@freeze_time(NOON)
def test_what_a_file_refuses_is_left_out_with_its_reason_and_the_rest_of_the_cadence_goes_on(practice):
    no_calls, email_only = treated(practice, "call"), treated(practice, "call", "sms")
    nothing, nowhere = treated(practice, "all"), treated(practice, "call", "sms", email=None)
    jobs.import_finished(practice.id)
    assert (sent_to(no_calls), sent_to(email_only), sent_to(nothing), sent_to(nowhere)) == (["sms"], ["email"], [], [])
    assert left_out_words(run_of(no_calls).left_out) == [NO_CALL]
    assert left_out_words(run_of(email_only).left_out) == [NO_CALL, NO_TEXT]
    assert run_of(no_calls).state is RunState.RUNNING, "the email is still to come"
    assert run_of(nothing).ending == Ending(EndReason.MAY_NOT)
    missing = "No call: asked not to be called. No text: wrote STOP. We have no email address."
    assert run_of(nowhere).ending == Ending(EndReason.NOT_SENT, words=missing)
    assert db.session.scalars(sa.select(Task)).all() == [], "no call waits to be refused"
    with freeze_time("2026-03-10 19:00:00"):
        with transaction("test"):
            person = db.session.get_one(Patient, nowhere.id)
            practices.correct_patient(practice, person, email="late@example.com")
        jobs.start_cadences()
        jobs.take_due_steps()
        assert sent_to(nowhere) == ["email"], "as soon as there is an address"


@freeze_time(NOON)
def test_a_call_refused_when_it_came_up_is_cancelled_and_the_cadence_goes_on(practice):
    agent, patient = make_user(), treated(practice)
    jobs.import_finished(practice.id)
    with transaction("test"):
        suppress(patient.phone_key, "call", "STOP_VOICE", "said on another call", "test", practice.id)
    assert claim(agent) is None
    jobs.take_due_steps()
    assert sent_to(patient) == ["sms"]
    assert db.session.scalars(sa.select(Task.state)).all() == [TaskState.CANCELLED]
    assert left_out_words(run_of(patient).left_out) == [NO_CALL]


@freeze_time(NOON)
def test_after_a_number_that_does_not_work_the_next_call_is_left_out_and_the_email_goes(practice):
    with transaction("test"):
        ask = db.session.scalars(sa.select(Cadence).filter_by(kind=Kind.ASK, practice_id=practice.id)).one()
        editing.add_step(ask, Step(StepMode.CALL, 0), 1)
    patient = treated(practice)
    jobs.import_finished(practice.id)
    agent = make_user()
    record(claim(agent), agent, Outcome.BAD_NUMBER)
    jobs.take_due_steps()
    assert sent_to(patient) == ["email"]
    assert [each["codes"] for each in run_of(patient).left_out] == [["REASSIGNED_SUSPECT"]] * 2, "the call and the text"


@pytest.mark.parametrize("refused", ["by the file", "by the call"])
@freeze_time(NOON)
def test_a_cadence_of_calls_alone_says_it_once_by_the_way_that_is_open(practice, refused):
    patient = treated(practice, *(["call", "sms"] if refused == "by the file" else []), days_ago=2)
    jobs.import_finished(practice.id)
    if refused == "by the call":
        agent = make_user()
        record(claim(agent), agent, Outcome.BAD_NUMBER)
        jobs.take_due_steps()
        assert sent_to(patient) == [], "while it can be taken back"
    with freeze_time(ONCE_THE_OUTCOME_STANDS):
        jobs.take_due_steps()
    assert sent_to(patient) == ["email"]
    assert run_of(patient).ending == Ending(EndReason.STEPS_TAKEN)


def change(patient: Patient, **facts: object) -> None:
    """As a later file corrects them."""
    with transaction("test") as session:
        values = facts | {"updated_at": clock.now()}
        session.execute(sa.update(Patient).where(Patient.id == patient.id).values(values))


@freeze_time(NOON)
def test_a_cadence_that_might_not_go_on_does_when_what_stood_in_its_way_is_gone(practice):
    refused, agreed = treated(practice, "all"), treated(practice, "all")
    birthday, death, age = treated(practice), treated(practice), treated(practice)
    number = treated(practice, email=None)
    with transaction("test"):
        suppress(number.phone_key, "all", "WRONG_PERSON", "said on the call", "test", practice.id)
    jobs.import_finished(practice.id)
    change(birthday, birth_date=date(2012, 1, 1))
    change(age, birth_date=date(2008, 3, 12))
    change(death, deceased=True)
    assert claim(make_user()) is None
    jobs.take_due_steps()
    people = (refused, agreed, birthday, death, age, number)
    assert {run_of(each).end_reason for each in people} == {EndReason.MAY_NOT}

    with freeze_time("2026-03-10 20:00:00"):
        with transaction("test"):
            lift_agreed(practice.id, [agreed.phone_key], list(SuppressedChannel), "You may call me again.", "test")
        change(birthday, birth_date=date(1985, 1, 1))
        change(death, deceased=False)
        change(number, phone="+13125550142", phone_key=contact_key("+13125550142"))
        jobs.start_cadences()
        assert {run_of(each).state for each in (agreed, birthday, death, number)} == {RunState.RUNNING}
        assert run_of(refused).state is run_of(age).state is RunState.ENDED
    with freeze_time("2026-03-12 18:00:00"):
        jobs.look_again()
        jobs.start_cadences()
        assert (run_of(age).state, run_of(refused).end_reason) == (RunState.RUNNING, EndReason.MAY_NOT)
