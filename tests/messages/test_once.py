"""Every message at most once: races, lost workers, lost answers, lost doorbells."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ops.contact.models import ContactAttempt
from ops.db import db, transaction
from ops.errors import Refused
from ops.messages import actions, channels, jobs, sending
from ops.messages.channels import NotSent, recorder
from ops.messages.models import Message, MessageChannel, MessageEvent, MessageState, RecorderDelivery
from tests import world
from tests.outbox import NOON, again, at, count, queued, send, states


@pytest.fixture
def practice(app):
    with at(NOON - timedelta(days=30)):
        return world.make_practice("glow", "Glow")


def test_two_workers_racing_for_one_message_send_it_once(app, practice):
    message = queued(practice)
    start, results = threading.Barrier(8), []

    def work():
        with app.app_context(), at(NOON):
            start.wait()
            results.append(sending.deliver(message.id))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(each) for each in results) == ["None"] * 7 + ["delivered"]
    assert count(RecorderDelivery) == 1
    assert states(message).count("attempting") == 1


def test_a_worker_that_comes_back_late_finds_it_is_not_its_message_any_more(practice):
    message = queued(practice)
    with at(NOON):
        assert sending._claim(message.id)
    with at(NOON + timedelta(minutes=3)):
        jobs.upkeep()
        assert sending.deliver(message.id) is MessageState.DELIVERED
        assert sending._attempt(message.id) == (None, None)
    assert count(RecorderDelivery) == 1


def test_the_recorder_takes_each_message_once(practice):
    message = queued(practice)
    send(message)
    outgoing = channels.Outgoing(
        str(message.id), MessageChannel.SMS, message.to_address, "", message.body, "", "", "", "recorder:x"
    )
    with pytest.raises(sa.exc.IntegrityError):
        recorder.Recorder().send(outgoing)
    assert count(RecorderDelivery) == 1


def test_an_answer_that_never_came_is_unknown_and_the_provider_is_asked(practice, monkeypatch):
    message, really_send = queued(practice), recorder.Recorder.send

    def lose_the_answer(self, outgoing):
        really_send(self, outgoing)
        raise TimeoutError

    monkeypatch.setattr(recorder.Recorder, "send", lose_the_answer)
    assert send(message) is MessageState.UNKNOWN
    assert send(message, NOON + timedelta(days=1)) is None, "unknown is never sent again by itself"
    with at(NOON + timedelta(minutes=1)):
        jobs.upkeep()
    assert states(message)[-3:] == ["unknown", "accepted", "delivered"]
    assert count(RecorderDelivery) == 1


def lost(practice, monkeypatch) -> Message:
    """A message whose call failed in a way that tells nothing, and which the provider has not got."""
    message = queued(practice)
    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "send", lambda *_: (_ for _ in ()).throw(TimeoutError()))
        assert send(message) is MessageState.UNKNOWN
    with at(NOON + timedelta(minutes=5)):
        jobs.upkeep()
    assert again(message).state is MessageState.UNKNOWN
    return message


def test_a_person_says_it_was_not_sent_and_it_goes_out_past_the_gate(practice, monkeypatch):
    message = lost(practice, monkeypatch)
    with at(NOON + timedelta(minutes=6)), transaction("test"):
        actions.resolve_unknown(message, False, actor="user:7")
    assert send(message, NOON + timedelta(minutes=7)) is MessageState.DELIVERED
    said = db.session.scalars(sa.select(MessageEvent).where(MessageEvent.actor == "user:7")).one()
    assert said.note == "was not sent, send again"


def test_a_person_says_it_was_sent_and_nobody_can_say_it_twice(practice, monkeypatch):
    message = lost(practice, monkeypatch)
    with at(NOON), transaction("test"):
        actions.resolve_unknown(message, True, actor="user:7")
    assert again(message).state is MessageState.ACCEPTED
    with pytest.raises(Refused), transaction("test"):
        actions.resolve_unknown(message, False, actor="user:8")
    assert count(RecorderDelivery) == 0


def test_what_certainly_was_not_sent_is_tried_again_a_few_times(practice, monkeypatch):
    message = queued(practice)
    refuse = lambda *_: (_ for _ in ()).throw(NotSent("busy", again=True))  # noqa: E731
    monkeypatch.setattr(recorder.Recorder, "send", refuse)
    moment, seen = NOON, []
    while (state := send(message, moment)) is MessageState.QUEUED:
        seen.append(again(message).provider)
        moment = again(message).send_after
        with transaction("test") as session:  # the cap would stretch this over days
            session.execute(sa.text("ALTER TABLE contact_attempts DISABLE TRIGGER append_only"))
            session.execute(sa.delete(ContactAttempt))
            session.execute(sa.text("ALTER TABLE contact_attempts ENABLE TRIGGER append_only"))
    assert state is MessageState.FAILED and len(seen) == sending.MAX_TRIES - 1


def test_a_doorbell_that_was_lost_is_rung_by_the_sweep(practice, app):
    from ops.background import connection, queue, silent
    from ops.config import settings

    with silent():
        message = queued(practice)
    assert queue("messages").count == 0
    with at(NOON + timedelta(minutes=1)):
        jobs.upkeep()
    assert [job.func_name for job in queue("messages").jobs] == ["ops.messages.jobs.send_due"]
    with at(NOON + timedelta(minutes=1)):
        assert jobs.send_due() == 1
    assert again(message).state is MessageState.DELIVERED
    connection(settings().redis_url).flushdb()


def test_one_message_that_breaks_does_not_hold_up_the_others(practice, monkeypatch):
    broken, whole = queued(practice), queued(practice, key="loop:2")
    attempt = sending._attempt
    monkeypatch.setattr(sending, "_attempt", lambda which: 1 / 0 if which == broken.id else attempt(which))
    with at(NOON + timedelta(seconds=1)):
        jobs.send_due()
    assert again(whole).state is MessageState.DELIVERED
    with at(NOON + timedelta(minutes=5)):
        jobs.upkeep()
    assert again(broken).state is MessageState.QUEUED
