"""The outbox: queueing once, asking the gate, sending once, and what people write back. Real database, real Valkey."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.contact import actions as contact
from ops.contact.models import ContactAttempt, GateDecision, Suppression
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.errors import Refused
from ops.messages import actions, channels, jobs, sending
from ops.messages.channels import NotSent, recorder
from ops.messages.models import InboundMessage, Message, MessageChannel, MessageEvent, MessageState, RecorderDelivery
from ops.practices import actions as practices
from tests import world

NOON = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)  # a Tuesday, 12:00 in Chicago
NIGHT = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)  # 22:00 there
TEXT = "Hi Ada, it's Glow. Thank you for thinking of us. Reply STOP to opt out."


@pytest.fixture
def practice(app):
    with at(NOON - timedelta(days=30)):
        return world.make_practice("glow", "Glow")


def at(moment):
    return clock.moved_to(moment)


def queue(practice, patient, key="loop:1", channel="sms", **over):
    given = {"body": TEXT, "to_address": patient and (patient.phone if channel == "sms" else patient.email)} | over
    with transaction("test"):
        return actions.queue_message(practice, patient, channel=channel, kind="loop_closing", reason_key=key, **given)


def queued(practice, moment=NOON, **over):
    with at(moment):
        return queue(practice, world.make_patient(practice), **over)


def send(message, moment=NOON):
    with at(moment):
        return sending.deliver(message.id)


def again(message) -> Message:
    db.session.rollback()
    return db.session.get_one(Message, message.id, populate_existing=True)


def states(message) -> list[str]:
    db.session.rollback()
    told = sa.select(MessageEvent.state).where(MessageEvent.message_id == message.id).order_by(MessageEvent.id)
    return [str(state) for state in db.session.scalars(told)]


def count(table) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table))


def reply(practice, message, body, moment=NOON, provider_id="r1", **over):
    given = {"channel": "sms", "from_address": message.to_address, "in_reply_to": message} | over
    with at(moment), transaction("test"):
        return actions.receive(practice, body=body, provider_id=provider_id, **given)


# --- queueing


def test_one_reason_is_one_message_for_ever(practice):
    with at(NOON):
        patient = world.make_patient(practice)
        first = queue(practice, patient)
        second = queue(practice, patient, body="Something else altogether")
    assert first.id == second.id and second.body == TEXT
    assert states(first) == ["queued"]


def test_a_text_is_kept_exactly_as_it_will_be_sent(practice):
    message = queued(practice, body="It’s Glow – thank you…")
    assert message.body == "It's Glow - thank you..."
    send(message)
    assert db.session.scalars(sa.select(RecorderDelivery.body)).one() == message.body


@pytest.mark.parametrize("body", ["", "Hi {{ name }}", "x" * 1600, "How is your toxin?", "your laser on March 3"])
def test_what_may_not_be_sent_is_refused_and_nothing_is_stored(practice, body):
    with pytest.raises(Refused):
        queued(practice, body=body)
    assert count(Message) == 0


def test_a_mail_ends_with_who_sends_it_and_the_way_out(practice):
    with at(NOON):
        patient = world.make_patient(practice, email="ada@example.com")
        message = queue(practice, patient, channel="email", subject="Thank you")
    assert message.body.startswith(TEXT) and "Glow" in message.body.splitlines()[-2]
    assert message.body.splitlines()[-1].endswith(f"/u/{message.id.hex}")


# --- sending


def test_a_message_goes_from_queued_to_delivered_and_every_step_is_an_event(practice):
    message = queued(practice)
    assert send(message) is MessageState.DELIVERED
    assert states(message) == ["queued", "claimed", "attempting", "accepted", "delivered"]
    assert again(message).provider == "recorder"


def test_a_text_counts_against_the_cap_and_its_yes_is_on_record(practice):
    message = queued(practice)
    send(message)
    assert db.session.scalars(sa.select(ContactAttempt.contact_key)).all() == [message.contact_key]
    allowed = db.session.scalars(sa.select(GateDecision)).one()
    assert allowed.allow and allowed.subject == f"message:{message.id}"
    assert timedelta(0) <= again(message).attempted_at - allowed.at <= timedelta(seconds=60)


def test_a_message_is_attempting_in_the_database_before_the_provider_sees_it(practice, monkeypatch):
    message, seen = queued(practice), []

    def look(self, outgoing):
        with db.engine.connect() as other:
            seen.append(other.scalar(sa.select(Message.state)))
            idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            seen.append(other.scalar(sa.text(idle)))

    monkeypatch.setattr(recorder.Recorder, "send", look)
    send(message)
    assert seen == ["attempting", 0], "and no transaction is open during the call"


def test_what_is_shut_waits_for_its_hour(practice):
    message = queued(practice, NIGHT)
    assert send(message, NIGHT) is MessageState.QUEUED
    opens = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)  # 8:00 in Chicago
    assert again(message).send_after == opens
    assert again(message).block_reasons == ["HOURS_STATE"]
    assert send(message, opens - timedelta(seconds=1)) is None
    assert send(message, opens) is MessageState.DELIVERED
    assert again(message).block_reasons is None


def test_who_opted_out_is_blocked_for_good(practice):
    message = queued(practice)
    with transaction("test"):
        contact.suppress(message.contact_key, "all", "DNC_AGENCY", "said so", "user:1")
    assert send(message) is MessageState.BLOCKED
    assert again(message).block_reasons == ["DNC_AGENCY"] and again(message).settled_at
    assert count(RecorderDelivery) == 0


def test_a_third_text_in_a_day_waits(practice):
    with at(NOON):
        patient = world.make_patient(practice)
        messages = [queue(practice, patient, f"loop:{n}") for n in range(3)]
    assert [send(each) for each in messages] == ["delivered", "delivered", "queued"]
    assert again(messages[2]).send_after > NOON
    assert send(messages[2], NOON + timedelta(hours=24)) is MessageState.DELIVERED


def test_a_paused_practice_sends_when_it_goes_on_and_an_ended_one_never(practice):
    message, other = queued(practice), queued(practice, key="loop:2")
    with at(NOON), transaction("test"):
        practices.pause_practice(practice)
    assert send(message) is MessageState.QUEUED
    with at(NOON), transaction("test"):
        practices.resume_practice(practice)
    assert send(message, NOON + timedelta(hours=2)) is MessageState.DELIVERED
    with at(NOON), transaction("test"):
        practices.end_practice(practice)
    assert send(other) is MessageState.BLOCKED


def test_what_could_not_leave_for_a_week_never_does(practice):
    message = queued(practice)
    with at(NOON), transaction("test"):
        practices.pause_practice(practice)
    assert send(message, NOON + timedelta(days=6)) is MessageState.QUEUED
    assert send(message, NOON + timedelta(days=7, hours=2)) is MessageState.BLOCKED


def test_a_number_that_is_not_the_patients_any_more_gets_nothing(practice):
    message = queued(practice)
    with transaction("test") as session:
        session.execute(sa.text("UPDATE patients SET phone='+13125550199', phone_key='x'"))
    assert send(message) is MessageState.BLOCKED
    assert again(message).block_reasons == ["REASSIGNED_SUSPECT"]


def test_a_friend_gets_a_message_only_after_agreeing_themself(practice):
    number = "+13125550177"
    with at(NOON):
        message, later = (
            queue(practice, None, key, to_address=number, body="Hello from Glow") for key in ("friend:1", "friend:2")
        )
        assert sending.deliver(message.id) is MessageState.BLOCKED
        assert again(message).block_reasons == ["FRIEND_NOT_OPTED_IN"]
        with transaction("test"):
            contact.record_consent(
                contact_key(number),
                practice.id,
                person="referral:1",
                channel="call",
                purpose="a first visit",
                given=True,
                how="form",
                words="yes",
                actor="form",
            )
        assert sending.deliver(later.id) is MessageState.DELIVERED


# --- exactly once


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
        jobs.sweep()
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
    message, hand_over = queued(practice), recorder.Recorder.send

    def lose_the_answer(self, outgoing):
        hand_over(self, outgoing)
        raise TimeoutError

    monkeypatch.setattr(recorder.Recorder, "send", lose_the_answer)
    assert send(message) is MessageState.UNKNOWN
    assert send(message, NOON + timedelta(days=1)) is None, "unknown is never sent again by itself"
    with at(NOON + timedelta(minutes=1)):
        jobs.sweep()
    assert states(message)[-3:] == ["unknown", "accepted", "delivered"]
    assert count(RecorderDelivery) == 1


def lost(practice, monkeypatch) -> Message:
    """A message whose call failed in a way that tells nothing, and which the provider has not got."""
    message = queued(practice)
    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "send", lambda *_: (_ for _ in ()).throw(TimeoutError()))
        assert send(message) is MessageState.UNKNOWN
    with at(NOON + timedelta(minutes=5)):
        jobs.sweep()
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
    assert state is MessageState.FAILED and len(seen) == sending.MAX_TRIES - 1


def test_a_doorbell_that_was_lost_is_rung_by_the_sweep(practice, app):
    from ops.background import connection, queue, silent
    from ops.config import settings

    with silent():
        message = queued(practice)
    assert queue("messages").count == 0
    with at(NOON + timedelta(minutes=1)):
        jobs.sweep()
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
        jobs.sweep()
    assert again(broken).state is MessageState.QUEUED


# --- what people write back


def test_a_stop_ends_calls_texts_and_mails_of_that_practice_and_is_confirmed_once(practice):
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
    message, received = (message := queued(practice)), reply(practice, message, "leave me alone")
    with at(NOON), transaction("test"):
        actions.decide_reply(received, True, actor="user:7")
    assert again(message).state is MessageState.BLOCKED
    assert count(Suppression) == 1


def test_nothing_is_handed_over_after_a_stop_is_durable(app, practice, monkeypatch):
    """The stop arrives while a text is being handed over: it waits for that one, and no other follows it."""
    with at(NOON):
        patient = world.make_patient(practice)
        messages = [queue(practice, patient, f"loop:{n}") for n in range(2)]
    inside, log = threading.Event(), []
    hand_over = recorder.Recorder.send

    def slowly(self, outgoing):
        inside.set()
        stopped.wait(0.5)  # the stop is on its way but cannot become durable yet
        log.append(("sent", stopped.is_set()))
        hand_over(self, outgoing)

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
