"""The outbox: queueing once, and asking the gate before anything leaves."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ops.contact import actions as contact
from ops.contact.models import ContactAttempt, GateDecision
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.errors import Refused
from ops.messages import sending
from ops.messages.channels import recorder
from ops.messages.leaving import unsubscribe_url
from ops.messages.models import Message, MessageEvent, MessageState, RecorderDelivery
from ops.practices import actions as practices
from tests import world
from tests.outbox import NIGHT, NOON, TEXT, again, at, count, queue, queued, send, states


@pytest.fixture
def practice(app):
    with at(NOON - timedelta(days=30)):
        return world.make_practice("glow", "Glow")


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


def test_an_email_ends_with_who_sends_it_and_the_way_out(practice):
    with at(NOON):
        patient = world.make_patient(practice, email="ada@example.com")
        message = queue(practice, patient, channel="email", subject="Thank you")
    assert message.body.startswith(TEXT) and "Glow" in message.body.splitlines()[-2]
    assert message.body.splitlines()[-1].endswith(unsubscribe_url(message.id))


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


def test_what_could_not_leave_for_a_week_never_does_but_a_pause_is_waited_out(practice):
    message = queued(practice)
    with at(NOON), transaction("test"):
        practices.pause_practice(practice)
    assert send(message, NOON + timedelta(days=6)) is MessageState.QUEUED
    assert send(message, NOON + timedelta(days=8)) is MessageState.QUEUED
    with at(NOON + timedelta(days=8)), transaction("test") as session:
        practices.resume_practice(practice)
        session.execute(sa.text("UPDATE practices SET baa_on = NULL"))
    assert send(message, NOON + timedelta(days=14)) is MessageState.QUEUED
    assert send(message, NOON + timedelta(days=15, hours=2)) is MessageState.BLOCKED


def test_a_text_goes_to_the_number_as_it_is_when_it_leaves_and_waits_while_there_is_none(practice):
    message = queued(practice)
    with transaction("test") as session:
        session.execute(sa.text("UPDATE patients SET phone = NULL, phone_key = NULL"))
    assert send(message) is MessageState.QUEUED
    with transaction("test") as session:
        new = {"phone": "+13125550199", "key": contact_key("+13125550199")}
        session.execute(sa.text("UPDATE patients SET phone = :phone, phone_key = :key"), new)
    assert send(message, NOON + timedelta(hours=1)) is MessageState.DELIVERED
    assert again(message).to_address == "+13125550199" and again(message).contact_key == new["key"]
    notes = db.session.scalars(sa.select(MessageEvent.note).order_by(MessageEvent.id)).all()
    assert "not now: there is no number or address any more" in notes
    assert "to the number or address that was corrected meanwhile" in notes


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


def test_a_patient_called_like_a_treatment_can_be_thanked(practice):
    with at(NOON):
        patient = world.make_patient(practice, "Jessner")
        assert queue(practice, patient, body="Hi Jessner, thank you for thinking of us.")
