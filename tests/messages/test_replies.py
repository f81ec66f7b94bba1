"""What people write back: stops, what may be one, and everything else."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.errors import Refused
from ops.messages import actions
from ops.messages.channels import recorder
from ops.messages.models import InboundMessage, Message, MessageState
from tests import world
from tests.outbox import NIGHT, NOON, again, at, count, queue, queued, reply, send


@pytest.fixture
def practice(app):
    with at(NOON - timedelta(days=30)):
        return world.make_practice("glow", "Glow")


def test_a_stop_ends_calls_texts_and_emails_of_that_practice_and_is_confirmed_once(practice):
    with at(NOON):
        patient = world.make_patient(practice, email="ada@example.com")
        first, second = queue(practice, patient), queue(practice, patient, "loop:2")
        mail = queue(practice, patient, "loop:3", "email", subject="Thank you")
    send(first)
    reply(practice, first, " Stop! ")
    reply(practice, first, "STOP", provider_id="r2")
    assert [again(each).state for each in (second, mail)] == ["blocked", "blocked"]
    told = db.session.execute(sa.select(Suppression.contact_key, Suppression.channel, Suppression.reason)).all()
    assert set(told) == {(key, "all", "STOP_SMS") for key in (patient.phone_key, patient.email_key)}
    confirmation = db.session.scalars(sa.select(Message).where(Message.kind == actions.STOP_CONFIRMATION)).one()
    assert send(confirmation, NOON + timedelta(minutes=1)) is MessageState.DELIVERED
    assert "unsubscribed" in confirmation.body


def test_a_stop_at_night_is_confirmed_at_night_but_not_much_later(practice):
    first, other = queued(practice), queued(practice, key="loop:2")
    for message, moment, waits, becomes in ((first, NIGHT, 4, "delivered"), (other, NIGHT, 6, "blocked")):
        reply(practice, message, "stop", moment, f"r{waits}")
        key = f"stop:{practice.id}:{message.contact_key.hex()}"
        confirmation = db.session.scalars(sa.select(Message).where(Message.reason_key == key)).one()
        assert send(confirmation, moment + timedelta(minutes=waits)) == becomes


def test_a_confirmation_speaks_the_patients_language(practice):
    with at(NOON):
        message = queue(practice, world.make_patient(practice, language="es"))
    reply(practice, message, "ALTO")
    confirmation = db.session.scalars(sa.select(Message).where(Message.kind == actions.STOP_CONFIRMATION)).one()
    assert "baja" in confirmation.body


def test_the_same_reply_delivered_twice_is_one_reply(practice):
    message = queued(practice)
    assert reply(practice, message, "Thanks!").id == reply(practice, message, "Thanks!").id
    assert count(InboundMessage) == 1


def test_a_reply_finds_its_patient_by_the_number(practice):
    message = queued(practice)
    received = reply(practice, message, "Hello?", in_reply_to=None)
    assert received.patient_id == message.patient_id


def test_what_may_mean_stop_holds_everything_back_until_a_person_has_read_it(practice):
    with at(NOON):
        patient = world.make_patient(practice)
        first, second = queue(practice, patient), queue(practice, patient, "loop:2")
    send(first)
    received = reply(practice, first, "could you stop writing so early")
    assert received.meaning == "maybe_stop"
    assert send(second) is MessageState.QUEUED
    with at(NOON), transaction("test"):
        actions.decide_reply(received, False, actor="user:7")
    assert send(second, NOON + timedelta(hours=1)) is MessageState.DELIVERED
    with pytest.raises(Refused), transaction("test"):
        actions.decide_reply(received, True, actor="user:8")


def test_a_person_who_reads_it_as_a_stop_ends_everything(practice):
    message, received = (message := queued(practice)), reply(practice, message, "I think that is enough for now")
    with at(NOON), transaction("test"):
        actions.decide_reply(received, True, actor="user:7")
    assert again(message).state is MessageState.BLOCKED
    assert count(Suppression) == 1


def test_nothing_is_sent_after_a_stop_is_durable(app, practice, monkeypatch):
    """The stop arrives while a text is being handed over: it waits for that one, and no other follows it."""
    with at(NOON):
        patient = world.make_patient(practice)
        messages = [queue(practice, patient, f"loop:{n}") for n in range(2)]
    inside, log = threading.Event(), []
    really_send = recorder.Recorder.send

    def slowly(self, outgoing):
        inside.set()
        stopped.wait(0.5)  # the stop is on its way but cannot become durable yet
        log.append(("sent", stopped.is_set()))
        really_send(self, outgoing)

    stopped = threading.Event()
    monkeypatch.setattr(recorder.Recorder, "send", slowly)

    def work():
        with app.app_context():
            for message in messages:
                send(message)

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(5)
    reply(practice, messages[0], "STOP")
    stopped.set()
    worker.join()
    assert log == [("sent", False)]
    assert [again(each).state for each in messages] == ["delivered", "blocked"]
