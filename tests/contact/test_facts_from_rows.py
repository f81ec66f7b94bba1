"""What the product tells the gate comes from rows: the last visit, the words, who approved them, the lock."""

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from ops import clock
from ops.contact import asking
from ops.contact.models import GateDecision
from ops.db import db, transaction
from ops.messages import actions, channels, permission, sending
from ops.messages.channels.recorder import Recorder
from ops.messages.models import Message, MessageChannel, MessageState
from ops.practices.models import TreatmentType
from ops.scripts.models import ScriptVersion
from tests import world
from tests.outbox import again, published

NOON = datetime(2026, 3, 10, 18, tzinfo=UTC)  # a Tuesday, one in the afternoon in Chicago
TODAY = NOON.date()


@pytest.fixture
def practice(app):
    with clock.moved_to(NOON):
        return world.make_practice("glow", "Glow")


def patient_since(practice, created: datetime, *visits: date, **over):
    with clock.moved_to(created):
        patient = world.make_patient(practice, email="ada@example.com", **over)
    with clock.moved_to(NOON):
        for day in visits:
            world.make_milestone(patient, happened_on=day)
    return patient


def may_be_called(patient, practice) -> list[str]:
    with transaction("test"):
        answer = asking.may_contact(patient, practice, "call", NOON, "test:1", text=asking.NO_TEXT, lock_held=True)
    return [str(reason) for reason in answer.reasons]


def message_to(patient, practice, **over) -> Message:
    with clock.moved_to(NOON), transaction("test"):
        given = {"channel": "sms", "to_address": patient.phone, "body": "Thank you. Reply STOP to opt out."}
        given |= {"script_version_id": published(), "subject": "Thank you"} | over
        return actions.queue_message(practice, patient, kind="loop_closing", reason_key="loop:1", **given)


def sent(message) -> tuple[MessageState | None, list[str] | None]:
    with clock.moved_to(NOON):
        state = sending.deliver(message.id)
    return state, again(message).block_reasons


def test_a_patient_is_called_for_eighteen_months_after_the_last_visit(practice):
    long_ago = datetime(2024, 1, 5, 18, tzinfo=UTC)
    assert may_be_called(patient_since(practice, long_ago, date(2024, 1, 5), date(2024, 9, 10)), practice) == []
    assert may_be_called(patient_since(practice, long_ago, date(2024, 9, 9)), practice) == ["SCRUB_OLDER_31D"]


def test_of_whom_no_visit_was_told_the_day_counts_on_which_the_practice_named_them(practice):
    assert may_be_called(patient_since(practice, datetime(2024, 9, 10, 18, tzinfo=UTC)), practice) == []
    named = datetime(2024, 9, 9, 18, tzinfo=UTC)
    assert may_be_called(patient_since(practice, named), practice) == ["SCRUB_OLDER_31D"]


def test_a_visit_to_another_practice_is_no_relation_with_this_one(practice):
    other = world.make_practice("other", "Other")
    mine = patient_since(practice, datetime(2024, 1, 5, 18, tzinfo=UTC), date(2024, 1, 5))
    patient_since(other, NOON, TODAY, phone=mine.phone)
    assert may_be_called(mine, practice) == ["SCRUB_OLDER_31D"]


def test_emails_and_friends_need_no_visit(practice):
    old = patient_since(practice, datetime(2024, 1, 5, 18, tzinfo=UTC), date(2024, 1, 5))
    mail = message_to(old, practice, channel="email", to_address=old.email)
    assert sent(mail) == (MessageState.DELIVERED, None)
    assert may_be_called(asking.ReferredPerson(phone="+13125550177", opted_in=True), practice) == []


def test_words_that_nobody_published_do_not_leave(practice):
    patient = patient_since(practice, NOON, TODAY)
    assert sent(message_to(patient, practice, script_version_id=None)) == (MessageState.BLOCKED, ["TEXT_NOT_APPROVED"])


def test_words_of_a_draft_do_not_leave_and_those_of_a_retired_version_do(practice):
    patient = patient_since(practice, NOON, TODAY)
    message = message_to(patient, practice)
    with transaction("test") as session:
        session.execute(sa.update(ScriptVersion).values(state="draft", published_at=None))
    with clock.moved_to(NOON), transaction("test"):
        assert permission.ask(again(message), practice, NOON).reasons == ("TEXT_NOT_APPROVED", "LOCK_LOST")
    with transaction("test") as session:
        session.execute(sa.update(ScriptVersion).values(state="retired", published_at=NOON, retired_at=NOON))
    assert sent(message) == (MessageState.DELIVERED, None)


def test_a_treatment_the_practice_named_since_it_was_queued_keeps_a_message_back(practice):
    patient = patient_since(practice, NOON, TODAY)
    message = message_to(patient, practice, body="Thank you for the moonglow. Reply STOP to opt out.")
    with transaction("test") as session:
        session.add(TreatmentType(practice_id=practice.id, name="Moonglow", opens_days=1, peaks_days=2, closes_days=3))
    assert sent(message) == (MessageState.BLOCKED, ["TEXT_HAS_PHI"])


def test_what_stands_below_an_email_gives_nothing_away(practice, monkeypatch):
    from ops.config import settings

    monkeypatch.setenv("POSTAL_ADDRESS", "12 May 4th Street, Botox Springs")
    settings.cache_clear()
    try:
        patient = patient_since(practice, NOON, TODAY)
        mail = message_to(patient, practice, channel="email", to_address=patient.email)
        assert "Botox" in mail.body
        assert sent(mail) == (MessageState.DELIVERED, None)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_message_that_is_nobodys_any_more_is_not_allowed(practice):
    message = message_to(patient_since(practice, NOON, TODAY), practice)
    with transaction("test"):
        assert permission.ask(again(message), practice, NOON).reasons == ("LOCK_LOST",)


def test_a_way_out_over_a_carrier_sends_no_text_before_there_is_a_record_of_its_registration(practice, monkeypatch):
    class Carried(Recorder):
        carrier = True

    assert channels.registered(MessageChannel.SMS) is True
    monkeypatch.setattr(channels, "choose", lambda channel: Carried())
    message = message_to(patient_since(practice, NOON, TODAY), practice)
    assert sent(message) == (MessageState.BLOCKED, ["CAMPAIGN_UNREGISTERED"])


def test_the_answer_to_a_message_is_kept_with_every_fact_and_can_be_asked_again(practice):
    message = message_to(patient_since(practice, NOON, TODAY), practice)
    sent(message)
    kept = db.session.scalars(sa.select(GateDecision).where(GateDecision.subject == f"message:{message.id}")).one()
    told = {"campaign_registered": True, "text_has_phi": False, "text_approved": True, "last_visit_on": str(TODAY)}
    assert told.items() <= kept.facts.items()
    assert kept.allow and asking.replay(kept).allow
