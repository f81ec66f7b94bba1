"""A review is requested of everybody by the same rule, whatever they said (docs/rules.md A10)."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock, schedule
from ops.cadences import jobs
from ops.cadences.actions import editing
from ops.cadences.actions.editing import Start, Step
from ops.cadences.models import Cadence
from ops.config import settings
from ops.db import db, transaction
from ops.errors import Refused
from ops.messages import actions as messages
from ops.messages.models import Message
from ops.practices import actions as practices
from ops.practices.models import MilestoneKind, Practice
from ops.queue import jobs as queue_jobs
from ops.queue.actions.ending import cancel_work_for
from ops.queue.models import CadenceRun, Task
from ops.queue.rank import rank_parts
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind, StepMode
from ops.work.outcomes import Outcome
from ops.work.states import RunState, TaskState
from tests.floors import claim, record
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"
HAPPY = {
    Kind.FOLLOW_UP: Outcome.ALL_WELL,
    Kind.ASK: Outcome.WILLING,
    Kind.REVIEW_REQUEST: Outcome.REVIEW_PROMISED,
}
THE_TEXT = sa.text(
    "UPDATE script_versions SET state = :state FROM scripts WHERE scripts.id = script_id"
    " AND kind = 'review_request' AND medium = 'email'"
)


@pytest.fixture
def practice(app) -> Practice:
    practice = make_practice(website="https://one.example.com", shareable="They never push.")
    jobs.practice_added(practice.id)
    with transaction("test"):
        practices.add_review_link(db.session.get_one(Practice, practice.id), "Maps", "https://maps.example.com/one")
    return practice


def review_cadence(practice: Practice, *steps: StepMode, after_days: int = 5) -> Cadence:
    with transaction("test"):
        cadence = editing.add_cadence(practice, "Reviews", Kind.REVIEW_REQUEST)
        for mode in steps:
            editing.add_step(cadence, Step(mode, 24))
        editing.add_trigger(cadence, Start(MilestoneKind.TREATMENT_COMPLETED, None, after_days, 90))
        editing.activate_cadence(cadence)
    return cadence


def asked_for_review() -> set[int]:
    kinds = sa.select(Message.patient_id).where(Message.kind == Kind.REVIEW_REQUEST)
    return set(db.session.scalars(kinds))


@pytest.mark.parametrize("kind", list(HAPPY))
def test_the_unhappy_are_asked_for_a_review_as_the_happy_are(practice, kind):
    steps = (StepMode.CALL, StepMode.EMAIL) if kind is Kind.REVIEW_REQUEST else (StepMode.EMAIL,)
    days_ago = {Kind.FOLLOW_UP: 2, Kind.ASK: 14, Kind.REVIEW_REQUEST: 9}[kind]
    with freeze_time(NOON) as frozen:
        review_cadence(practice, *steps, after_days=days_ago if kind is Kind.REVIEW_REQUEST else days_ago + 1)
        people = [make_patient(practice, email=f"p{number}@example.com") for number in range(40)]
        for patient in people:
            make_milestone(patient, days_ago=days_ago)
        jobs.import_finished(practice.id)
        agent, unhappy = make_user(), {patient.id for patient in people[::2]}
        for _ in people:
            task = claim(agent)
            assert task and task.kind is kind
            happy = task.patient_id not in unhappy
            record(task, agent, HAPPY[kind] if happy else Outcome.NOT_HAPPY, note="" if happy else "It hurt.")
            frozen.tick(timedelta(seconds=30))
        assert claim(agent) is None
        frozen.tick(timedelta(days=1, minutes=1))
        jobs.take_due_steps()
        assert asked_for_review() == {patient.id for patient in people}
        asks = sa.select(CadenceRun.patient_id).join(Cadence, Cadence.id == CadenceRun.cadence_id)
        asks = asks.where(Cadence.kind == Kind.ASK, CadenceRun.state == RunState.RUNNING)
        assert not unhappy & set(db.session.scalars(asks)), "a concern ends the ask"


@freeze_time(NOON)
def test_who_writes_back_is_asked_for_a_review_and_who_wants_no_more_is_not(practice):
    review_cadence(practice, StepMode.EMAIL, after_days=15)
    words = ["Thank you, I love it", "My face is still swollen, I am so angry", "STOP"]
    people = [make_patient(practice, email=f"p{number}@example.com") for number, _ in enumerate(words)]
    for patient in people:
        make_milestone(patient, days_ago=14)
    jobs.import_finished(practice.id)
    for patient, said in zip(people, words, strict=True):
        with transaction("test"):
            reply = messages.receive(
                practice, channel="sms", from_address=patient.phone, body=said, provider_id=f"p{patient.id}"
            )
        queue_jobs.note_reply(reply.id)
    with freeze_time("2026-03-11 18:00:00"):
        jobs.take_due_steps()
    assert asked_for_review() == {patient.id for patient in people[:2]}


@pytest.mark.parametrize("outcome", [Outcome.NOT_HAPPY, Outcome.DO_NOT_CONTACT, Outcome.WRONG_PERSON])
@freeze_time(NOON)
def test_a_review_call_that_waits_is_cancelled_only_when_they_may_not_be_contacted_at_all(practice, outcome):
    review_cadence(practice, StepMode.CALL, after_days=14)
    patient = make_patient(practice)
    make_milestone(patient, days_ago=14)
    jobs.import_finished(practice.id)
    with transaction("test"):
        cancel_work_for(patient.id, "test", Ending(EndReason.OTHER_CALL, outcome))
    left = db.session.scalars(sa.select(Task.kind).where(Task.state == TaskState.WAITING)).all()
    assert left == ([Kind.REVIEW_REQUEST] if outcome is Outcome.NOT_HAPPY else [])
    going = db.session.scalar(sa.select(sa.func.count()).where(CadenceRun.state == RunState.RUNNING))
    assert going == len(left)


@pytest.mark.parametrize("kind", list(MilestoneKind))
@freeze_time(NOON)
def test_only_what_happens_to_everybody_starts_a_review_request(practice, kind):
    cadence = review_cadence(practice, StepMode.EMAIL)
    with transaction("test") as session:
        session.execute(sa.text("DELETE FROM triggers WHERE cadence_id = :id"), {"id": cadence.id})
    everybody = kind in (MilestoneKind.TREATMENT_COMPLETED, MilestoneKind.VISIT)
    with transaction("test"):
        if everybody:
            editing.add_trigger(cadence, Start(kind, None, 0, 90))
        else:
            with pytest.raises(Refused, match="of everybody"):
                editing.add_trigger(cadence, Start(kind, None, 0, 90))
            # a rule from before this was refused
            add = "INSERT INTO triggers (practice_id, cadence_id, milestone_kind, delay_days, spacing_days, open_days,"
            add += " active) VALUES (:practice, :cadence, :kind, 0, 90, 14, true)"
            session = db.session()
            session.execute(sa.text(add), {"practice": practice.id, "cadence": cadence.id, "kind": kind.value})
    make_milestone(make_patient(practice, email="ada@example.com"), None, kind=kind, days_ago=1)
    jobs.import_finished(practice.id)
    assert len(asked_for_review()) == everybody


@freeze_time(NOON)
def test_a_good_word_does_not_bring_a_review_request_forward(app):
    parts = {kind: rank_parts(kind, clock.now(), None, clock.now(), word=True)["word"] for kind in Kind}
    assert parts.pop(Kind.REVIEW_REQUEST) == 0 and set(parts.values()) == {15.0}


@pytest.fixture
def linkless(app) -> Practice:
    practice = make_practice()
    jobs.practice_added(practice.id)
    return practice


def review_run() -> CadenceRun:
    db.session.expire_all()
    which = sa.select(CadenceRun).join(Cadence, Cadence.id == CadenceRun.cadence_id)
    return db.session.scalars(which.where(Cadence.kind == Kind.REVIEW_REQUEST)).one()


@freeze_time(NOON)
def test_a_request_without_links_says_so_and_is_sent_when_there_are_some(linkless, sign_in):
    review_cadence(linkless, StepMode.SMS, StepMode.EMAIL)
    patient = make_patient(linkless, email="ada@example.com")
    make_milestone(patient, days_ago=5)
    jobs.import_finished(linkless.id)
    why = Ending(EndReason.NOT_SENT, words="Nothing is known for: review_links.")
    assert review_run().ending == why and str(why) == "could not be sent: Nothing is known for: review_links."
    page = sign_in(make_user("lead")).get(f"/practices/{linkless.slug}/cadences").text
    assert "To 1 patient in the last 30 days: Nothing is known for: review_links." in page
    with transaction("test"):
        practices.add_review_link(db.session.get_one(Practice, linkless.id), "Maps", "https://maps.example.com/one")
    schedule.run_due()
    assert review_run().state is RunState.RUNNING and asked_for_review() == {patient.id}
    sent = db.session.scalars(sa.select(Message.channel).where(Message.kind == Kind.REVIEW_REQUEST)).all()
    assert sent == ["sms"], "the step that could not be taken, not the one behind it"


@freeze_time(NOON)
def test_a_request_is_sent_when_a_text_is_published_or_an_address_found(practice):
    with transaction("test") as session:
        session.execute(THE_TEXT, {"state": "retired"})
    review_cadence(practice, StepMode.EMAIL)
    patient, nobody = make_patient(practice, email="ada@example.com"), make_patient(practice, phone=None)
    for each in (patient, nobody):
        make_milestone(each, days_ago=5)
    jobs.import_finished(practice.id)
    assert asked_for_review() == set()
    ends = sa.select(CadenceRun.end_words).where(CadenceRun.end_reason == EndReason.NOT_SENT)
    said = sorted(set(db.session.scalars(ends)))
    assert said == ["Nobody has published a text for it.", "We have no email address.", "We have no number to call."]
    with transaction("test") as session:
        session.execute(THE_TEXT, {"state": "published"})
    schedule.run_due()
    assert asked_for_review() == {patient.id}
    with freeze_time("2026-03-10 18:05:00"):
        with transaction("test") as session:
            practices.correct_patient(session.merge(practice), session.merge(nobody), email="noor@example.com")
        schedule.run_due()
    assert asked_for_review() == {patient.id, nobody.id}


@freeze_time(NOON)
def test_who_was_contacted_and_has_no_address_for_the_rest_got_all_steps(practice):
    review_cadence(practice, StepMode.SMS, StepMode.EMAIL)
    make_milestone(make_patient(practice), days_ago=5)
    jobs.import_finished(practice.id)
    with freeze_time("2026-03-11 18:05:00"):
        jobs.take_due_steps()
    assert review_run().ending == Ending(EndReason.STEPS_TAKEN)


@freeze_time(NOON)
def test_a_request_that_could_not_be_sent_stays_ended_when_its_days_are_over(linkless):
    review_cadence(linkless, StepMode.EMAIL)
    make_milestone(make_patient(linkless, email="ada@example.com"), days_ago=5)
    jobs.import_finished(linkless.id)
    with freeze_time("2026-05-10 18:05:00"):
        with transaction("test"):
            practices.add_review_link(db.session.get_one(Practice, linkless.id), "Maps", "https://maps.example.com/one")
        schedule.run_due()
    assert review_run().end_reason is EndReason.NOT_SENT and asked_for_review() == set()


@freeze_time(NOON)
def test_an_email_that_has_no_address_to_come_from_is_not_sent_and_is_when_there_is_one(practice, monkeypatch):
    """It went to the recorder without a word, as if there were no way out at all."""
    monkeypatch.setenv("SMTP_URL", "smtp://localhost:1025")
    settings.cache_clear()
    review_cadence(practice, StepMode.EMAIL)
    make_milestone(make_patient(practice, email="ada@example.com"), days_ago=5)
    jobs.import_finished(practice.id)
    why = Ending(EndReason.NOT_SENT, words="The practice has no address that its emails come from.")
    assert review_run().ending == why
    with transaction("test"):
        practices.edit_practice(db.session.get_one(Practice, practice.id), sender_email="hello@one.example.com")
    schedule.run_due()
    assert review_run().ending == Ending(EndReason.STEPS_TAKEN) and asked_for_review()
    settings.cache_clear()
