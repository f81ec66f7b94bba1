"""What was agreed is kept: through replies, the days of a cadence, the night, and a practice's papers."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import Role, User
from ops.cadences import jobs
from ops.contact import rules
from ops.contact.actions import number_held
from ops.db import db, transaction
from ops.desk.actions import recording
from ops.desk.actions.recording import Saved
from ops.errors import Refused
from ops.messages import actions as messages
from ops.messages.models import InboundMessage
from ops.practices import actions as practices
from ops.practices.models import Patient, Practice
from ops.queue import jobs as queue_jobs
from ops.queue.actions import tasks
from ops.queue.models import Attempt, CadenceRun, Task
from ops.referrals.actions import NewFriend
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import EventKind, RunState, TaskState
from tests.floors import claim
from tests.world import make_milestone, make_patient, make_practice, make_user

NOON = "2026-03-10 18:00:00"


@pytest.fixture
def agent(app) -> User:
    return make_user(Role.AGENT)


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


def record(agent: User, task: Task, outcome: Outcome, **typed) -> None:
    with transaction(agent.actor):
        recording.record_outcome(task.id, agent.id, task.fence, agent.actor, Saved(outcome, **typed))


def write_back(patient: Patient, body: str) -> int:
    with transaction("inbound"):
        practice = db.session.get_one(Practice, patient.practice_id)
        reply = messages.receive(practice, channel="sms", from_address=patient.phone, body=body, provider_id="one")
    queue_jobs.note_reply(reply.id)
    return reply.id


def fresh(task: Task) -> Task:
    return db.session.get_one(Task, task.id, populate_existing=True)


def last_try(task: Task) -> None:
    with transaction("test"):
        db.session.get_one(Task, task.id).tries = task.max_tries - 1


@freeze_time(NOON)
@pytest.mark.parametrize("body", ["Thank you!", "STOP"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("outcome", [Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.THINKING, Outcome.BAD_NUMBER])
def test_a_reply_while_the_call_is_in_progress_makes_it_the_last_of_its_cadence(agent, patient, outcome, last, body):
    task = claim(agent)
    if last:
        last_try(task)
    write_back(patient, body)
    record(agent, task, outcome)
    assert fresh(task).state is TaskState.DONE
    assert db.session.get_one(CadenceRun, task.run_id, populate_existing=True).state is RunState.ENDED


@freeze_time(NOON)
def test_who_has_to_think_is_asked_once_more_even_when_the_days_are_nearly_over(agent, patient):
    task = claim(agent)
    over = task.closes_at
    with freeze_time(over - timedelta(days=3) + timedelta(hours=18)):
        queue_jobs.upkeep()
        record(agent, claim(agent), Outcome.THINKING)
    with freeze_time(over + timedelta(days=4, hours=19)):
        queue_jobs.upkeep()
        assert claim(agent).id == task.id


def promise(agent: User, task: Task, hours: int = 2) -> None:
    record(agent, task, Outcome.CALLBACK, callback_at=clock.now() + timedelta(hours=hours))


@freeze_time(NOON)
def test_a_thank_you_before_an_agreed_call_does_not_cancel_the_call(agent, patient):
    task = claim(agent)
    promise(agent, task)
    write_back(patient, "Thanks, talk to you at three!")
    assert fresh(task).state is TaskState.WAITING
    answer = db.session.scalars(sa.select(Task).where(Task.kind == Kind.REPLY)).one()
    assert answer.state is TaskState.WAITING, "and somebody reads what they wrote"


@freeze_time(NOON)
def test_a_stop_cancels_the_agreed_call_too(agent, patient):
    task = claim(agent)
    promise(agent, task)
    write_back(patient, "STOP")
    assert fresh(task).state is TaskState.CANCELLED


@freeze_time(NOON)
def test_a_missing_baa_stops_the_calls_and_loses_none(agent, patient, practice):
    task = claim(agent)
    promise(agent, task)
    with freeze_time("2026-03-10 20:30:00"):
        with transaction("test"):
            practices.edit_practice(db.session.get_one(Practice, practice.id), baa_on=None)
        assert claim(agent) is None
        assert (fresh(task).state, fresh(task).shut_reasons) == (TaskState.WAITING, ["NO_BAA"])
        with transaction("test"):
            practices.edit_practice(db.session.get_one(Practice, practice.id), baa_on=date(2026, 1, 2))
    with freeze_time("2026-03-10 21:31:00"):
        assert claim(agent).id == task.id


@freeze_time(NOON)
def test_an_unreadable_table_of_the_law_loses_no_call(agent, patient, monkeypatch):
    def unreadable():
        raise rules.RulesError("out of date")

    with monkeypatch.context() as patched:
        patched.setattr(rules, "current", unreadable)
        assert claim(agent) is None
    task = db.session.scalars(sa.select(Task)).one()
    assert (task.state, task.shut_reasons) == (TaskState.WAITING, ["RULES_EXPIRED"])


@freeze_time(NOON)
def test_a_call_that_would_be_unlawful_is_not_promised_and_the_agent_is_told_when_it_may_be(agent, patient):
    task = claim(agent)
    with pytest.raises(Refused, match=r"lawful hours.*from Wednesday, Mar 11, 2026, 8:00 AM CDT on"):
        promise(agent, task, hours=8)  # nine in the evening in Chicago
    assert fresh(task).state is TaskState.CLAIMED
    promise(agent, task, hours=24)
    assert fresh(task).promised_at == clock.now() + timedelta(hours=24)


def test_remove_me_waits_for_a_text_that_is_just_leaving(app, agent, patient):
    """What is saved after the hand-over of a text has begun is durable after its end, so nothing follows it."""
    with freeze_time(NOON):
        task = claim(agent)
    saved = threading.Event()

    def remove() -> None:
        with app.app_context(), clock.moved_to(task.claimed_at):
            record(agent, task, Outcome.DO_NOT_CONTACT)
            saved.set()

    thread = threading.Thread(target=remove)
    with number_held(patient.phone_key):
        thread.start()
        assert not saved.wait(0.3)
    thread.join()
    assert saved.is_set()


@freeze_time(NOON)
@pytest.mark.parametrize(("is_stop", "state"), [(False, TaskState.CLAIMED), (True, TaskState.CANCELLED)])
def test_an_agreed_call_to_who_wrote_waits_until_somebody_has_read_it(agent, patient, is_stop, state):
    call = claim(agent)
    promise(agent, call)
    reply_id = write_back(patient, "Could we perhaps leave it for now")
    with freeze_time("2026-03-10 20:01:00"):
        read_only = claim(agent)
        assert read_only.kind is Kind.REPLY, "what they wrote comes first, and is read"
        with transaction("test"):
            tasks.give_back(
                fresh(read_only), EventKind.RELEASED_BY_LEAD, "test", ready_at=clock.now() + timedelta(hours=1)
            )
        queue_jobs.upkeep()
        assert claim(agent) is None
        with transaction("lead"):
            messages.decide_reply(db.session.get_one(InboundMessage, reply_id), is_stop, actor="lead")
        claim(agent)
        assert fresh(call).state is state, "and at once when it is read"


@freeze_time(NOON)
def test_an_open_card_shows_no_number_once_they_may_have_written_stop(agent, patient, sign_in):
    task, browser = claim(agent), sign_in(agent)
    write_back(patient, "Could we perhaps leave it for now")
    assert "Do not call now: wrote something that nobody has read yet" in browser.get("/desk").text
    refused = browser.post(f"/tasks/{task.id}/reveal", data={"fence": task.fence}, expect=409)
    assert patient.phone[-4:] not in refused.text


@freeze_time(NOON)
def test_an_open_card_says_in_words_that_its_practice_is_paused(agent, patient, practice, sign_in):
    claim(agent)
    with transaction("test"):
        practices.pause_practice(db.session.get_one(Practice, practice.id))
    assert "Do not call now: the practice is paused, has ended or is not live yet." in sign_in(agent).get("/desk").text


SHARED = "+13125550188"


def five_practices_of_one_human() -> list[User]:
    for number in range(5):
        theirs = make_practice()
        jobs.practice_added(theirs.id)
        make_milestone(make_patient(theirs, "Maria", phone=SHARED, email=f"maria{number}@example.com"), days_ago=14)
        jobs.import_finished(theirs.id)
    return [make_user(Role.AGENT) for _ in range(5)]


def test_one_human_at_many_practices_is_on_one_call(app):
    with freeze_time(NOON):
        agents = five_practices_of_one_human()
        held = [task for each in agents if (task := claim(each))]
        assert len(held) == 1
        holder = next(each for each in agents if each.id == held[0].held_by)
        record(holder, held[0], Outcome.WILLING)
    with freeze_time("2026-03-10 18:11:00"):
        assert claim(agents[0]), "the second call of the day"
        assert not claim(agents[1])


def test_one_human_is_on_one_call_when_all_press_at_once(app):
    with freeze_time(NOON):
        agents = five_practices_of_one_human()
        moment = clock.now()
    got: list[Task | None] = []
    barrier = threading.Barrier(len(agents))

    def press(agent: User) -> None:
        with app.app_context(), clock.moved_to(moment):
            barrier.wait()
            got.append(claim(agent))

    threads = [threading.Thread(target=press, args=(each,)) for each in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 5
    assert sum(task is not None for task in got) == 1


INES = NewFriend("Ines", "+13125550177", None, OptIn.ON_THE_CALL)
AGREED = datetime(2026, 3, 11, 18, tzinfo=UTC)


@freeze_time(NOON)
@pytest.mark.parametrize(
    ("first", "then"),
    [
        (Saved(Outcome.VOICEMAIL), Saved(Outcome.WILLING)),
        (Saved(Outcome.WILLING), Saved(Outcome.WILLING, note="Knows two sisters.")),
        (Saved(Outcome.WILLING), Saved(Outcome.WILLING, friend=INES)),
        (Saved(Outcome.CALLBACK, callback_at=AGREED), Saved(Outcome.CALLBACK, callback_at=AGREED + timedelta(hours=1))),
    ],
)
def test_a_second_and_different_outcome_from_an_older_page_is_refused_not_dropped(agent, patient, first, then):
    task = claim(agent)

    def save(saved: Saved) -> Attempt:
        with transaction(agent.actor):
            return recording.record_outcome(task.id, agent.id, task.fence, agent.actor, saved)

    attempt = save(first)
    with pytest.raises(Refused, match="saved already"):
        save(then)
    assert save(first).id == attempt.id, "the same again is a double press"


@freeze_time(NOON)
def test_the_desk_keeps_the_words_of_an_outcome_that_came_second(agent, patient, sign_in):
    task, browser = claim(agent), sign_in(agent)
    send = {"fence": task.fence, "and_next": "y", "opening_said": "y"}
    browser.post(f"/tasks/{task.id}/outcome", data=send | {"outcome": "voicemail"}, expect=303)
    refused = browser.post(
        f"/tasks/{task.id}/outcome", data=send | {"outcome": "willing", "note": "Her sister, maybe."}, expect=409
    )
    assert "saved already, as “Voicemail left”" in refused.text and "Her sister, maybe." in refused.text
