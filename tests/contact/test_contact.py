"""Suppressions, consents, caps, and asking the gate with what the database knows."""

import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.contact import actions, asking
from ops.contact.facts import Reason
from ops.contact.models import ContactAttempt, GateDecision, Suppression
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.practices.models import Patient, Practice, PracticeStatus

NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)  # a Tuesday, 12:00 in Miami
PHONE, EMAIL = "+13055550142", "ana@example.com"


@pytest.fixture
def practice(app) -> Practice:
    return open_practice("glow")


def open_practice(slug: str) -> Practice:
    with clock.moved_to(NOON - timedelta(days=90)), transaction("test") as session:
        practice = Practice(
            slug=slug,
            name="Glow Studio",
            spoken_name="Glow Studio",
            zone="America/New_York",
            state="FL",
            baa_on=date(2025, 12, 1),
            created_at=clock.now(),
        )
        session.add(practice)
    return practice


def patient_of(practice: Practice, **over) -> Patient:
    known = {"phone": PHONE, "email": EMAIL, "state": "FL", "birth_date": date(1980, 5, 1)} | over
    with transaction("test") as session:
        patient = Patient(
            practice_id=practice.id,
            external_id=f"p{over.get('phone')}",
            first_name="Ana",
            last_name="Ruiz",
            phone_key=contact_key(known["phone"]) if known["phone"] else None,
            email_key=contact_key(known["email"]) if known["email"] else None,
            created_at=NOON,
            updated_at=NOON,
            **known,
        )
        session.add(patient)
    return patient


@pytest.fixture
def statements(app):
    """A block that notes the statements sent to the database."""

    @contextmanager
    def noting():
        seen: list[str] = []

        def note(connection, cursor, statement, *rest):
            seen.append(statement)

        sa.event.listen(db.engine, "before_cursor_execute", note)
        yield seen
        sa.event.remove(db.engine, "before_cursor_execute", note)

    return noting


APPROVED = asking.Text(gives_away=False, approved=True, registered=True)


def ask(person, practice, channel="call", at=NOON, *, text=None, **more):
    given = {"lock_held": True, "text": text or (asking.NO_TEXT if channel == "call" else APPROVED)} | more
    with transaction("test"):
        return asking.may_contact(person, practice, channel, at, "test:1", **given)


def test_an_ordinary_patient_may_be_called_at_noon(practice):
    assert ask(patient_of(practice), practice).allow


def test_the_same_suppression_twice_is_one_row(practice):
    with transaction("test"):
        assert actions.suppress(contact_key(PHONE), "all", "DNC_INTERNAL", "said so", "user:1", practice.id)
        assert not actions.suppress(contact_key(PHONE), "all", "DNC_INTERNAL", "said it again", "user:1", practice.id)
        assert actions.suppress(contact_key(PHONE), "all", "DNC_AGENCY", "never call me", "user:1")
        assert not actions.suppress(contact_key(PHONE), "all", "DNC_AGENCY", "never call me", "user:1")


def test_an_unknown_channel_or_reason_is_refused(practice):
    for channel, reason in (("fax", "DNC_INTERNAL"), ("all", "BECAUSE")):
        with pytest.raises(ValueError), transaction("test"):
            actions.suppress(contact_key(PHONE), channel, reason, "x", "user:1", practice.id)


def test_many_suppressions_tell_how_many_were_new_even_with_doubles_among_them(practice):
    rows = [
        actions.NewSuppression(contact_key(f"+1305555{n % 6000:04}"), "sms", "STOP_SMS", "import 1", practice.id)
        for n in range(12_000)
    ]
    with transaction("import:1"):
        assert actions.suppress_many(rows, "import:1") == 6000
        assert actions.suppress_many(iter(rows), "import:1") == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Suppression)) == 6000


@pytest.mark.parametrize("channel", ["call", "sms", "email"])
def test_a_stop_for_one_practice_stops_every_channel_there_and_nothing_elsewhere(practice, channel):
    other = open_practice("other")
    with transaction("test"):
        actions.suppress(contact_key(PHONE), "all", "STOP_SMS", "reply STOP", "inbound:1", practice.id)
    refused = ask(patient_of(practice), practice, channel)
    assert not refused.allow and refused.reasons == (Reason.STOP_SMS,)
    assert ask(patient_of(other), other, channel).allow


def test_an_agency_wide_suppression_stops_every_practice(practice):
    other = open_practice("other")
    with transaction("test"):
        actions.suppress(contact_key(PHONE), "all", "DNC_AGENCY", "never call me at all", "user:1")
    assert not ask(patient_of(practice), practice).allow
    assert not ask(patient_of(other), other).allow


def test_an_opt_out_from_texts_alone_leaves_calls_open(practice):
    patient = patient_of(practice)
    with transaction("test"):
        actions.suppress(patient.phone_key, "sms", "STOP_SMS", "import 1, TxtMsgOk", "import:1", practice.id)
    assert ask(patient, practice, "sms").reasons == (Reason.STOP_SMS,)
    assert ask(patient, practice, "call").allow


def test_an_address_known_by_email_alone_is_suppressed_by_its_own_key(practice):
    with transaction("test"):
        actions.suppress(contact_key("ANA@example.com "), "email", "UNSUB_EMAIL", "link", "link", practice.id)
    assert ask(patient_of(practice, phone=None), practice, "email").reasons == (Reason.UNSUB_EMAIL,)


def test_contacts_for_another_practice_count_against_the_cap_of_the_number(practice):
    other, patient = open_practice("other"), patient_of(practice)
    with transaction("test"):
        for hours in (1, 23):
            actions.record_contact(patient.phone_key, other.id, "call", NOON - timedelta(hours=hours))
        actions.record_contact(patient.phone_key, other.id, "call", NOON - timedelta(hours=24))
    assert ask(patient, practice).reasons == (Reason.CAP_24H,)
    assert ask(patient, practice, at=NOON + timedelta(hours=2)).allow
    assert ask(patient, practice, "email").allow


def test_a_practice_paused_after_it_was_loaded_is_refused(practice):
    patient = patient_of(practice)
    with db.engine.begin() as elsewhere:
        elsewhere.execute(sa.update(Practice).values(status=PracticeStatus.PAUSED))
    assert practice.status == PracticeStatus.ACTIVE
    assert ask(patient, practice).reasons == (Reason.PRACTICE_PAUSED,)


@pytest.mark.parametrize("baa_on", [None, date(2026, 3, 4)])
def test_without_an_agreement_in_force_nobody_is_contacted(practice, baa_on):
    with transaction("test") as session:
        session.execute(sa.update(Practice).values(baa_on=baa_on))
    assert ask(patient_of(practice), practice).reasons == (Reason.NO_BAA,)


@pytest.mark.parametrize(
    ("over", "reason"),
    [({"deceased": True}, Reason.DECEASED), ({"birth_date": date(2008, 3, 4)}, Reason.MINOR)],
)
def test_the_dead_and_minors_are_never_contacted(practice, over, reason):
    assert ask(patient_of(practice, **over), practice).reasons == (reason,)


def test_a_friend_is_contacted_only_when_they_opted_in_themselves(practice):
    assert ask(asking.ReferredPerson(phone=PHONE, opted_in=True), practice).allow
    assert ask(asking.ReferredPerson(phone=PHONE), practice).reasons == (Reason.FRIEND_NOT_OPTED_IN,)


def test_consent_taken_back_blocks_until_it_is_given_again(practice):
    patient = patient_of(practice)

    def say(given: bool) -> None:
        with transaction("test"):
            actions.record_consent(
                patient.phone_key,
                practice.id,
                person=f"patient:{patient.id}",
                channel="sms",
                purpose="care",
                given=given,
                how="form",
                words="yes" if given else "no",
                actor="user:1",
            )

    say(True)
    assert ask(patient, practice, "sms").allow
    say(False)
    assert ask(patient, practice, "sms").reasons == (Reason.NO_CONSENT_CHANNEL,)
    assert ask(patient, practice, "call").allow
    say(True)
    assert ask(patient, practice, "sms").allow


def test_when_the_suppressions_cannot_be_read_the_answer_is_no(practice):
    patient = patient_of(practice)
    with pytest.raises(sa.exc.DBAPIError), transaction("test") as session:
        session.execute(sa.text("ALTER TABLE suppressions RENAME TO gone"))  # until the end of this transaction
        decision = asking.may_contact(patient, practice, "call", NOON, "test:1", text=asking.NO_TEXT, lock_held=True)
        assert not decision.allow and decision.reasons == (Reason.STORE_UNREADABLE,)
        session.execute(sa.text("SELECT 1"))  # nothing else can be done in this transaction either


def test_every_answer_is_kept_without_names_or_numbers_and_can_be_asked_again(practice):
    patient = patient_of(practice, stated_zone="America/Chicago")
    with transaction("test"):
        actions.suppress(patient.phone_key, "sms", "STOP_SMS", "import 1", "import:1", practice.id)
    answers = [
        ask(patient, practice, channel, at) for channel in ("call", "sms") for at in (NOON, NOON.replace(hour=3))
    ]
    kept = db.session.scalars(sa.select(GateDecision).order_by(GateDecision.id)).all()
    assert [(row.allow, tuple(row.reasons)) for row in kept] == [(each.allow, each.reasons) for each in answers]
    assert {row.allow for row in kept} == {True, False}
    for row, answer in zip(kept, answers, strict=True):
        assert not any(private in str(row.facts) for private in ("Ana", "Ruiz", PHONE[5:], EMAIL))
        assert asking.replay(row) == answer


def test_asking_costs_one_round_trip_before_the_answer_is_kept(practice, statements):
    patient = patient_of(practice)
    with statements() as seen:
        asking.may_contact(patient, practice, "call", NOON, "test:1", text=asking.NO_TEXT, lock_held=True, store=False)
    assert len([text for text in seen if text.startswith("SELECT")]) == 1


def test_two_practices_that_want_one_number_at_once_cannot_pass_the_cap(app, practice):
    """Each looks at the counter and adds to it; holding the number makes the second look after the first has added."""
    key, patient = contact_key(PHONE), patient_of(practice)
    with transaction("test"):
        actions.record_contact(key, practice.id, "call", NOON - timedelta(hours=1))
    start, allowed = threading.Barrier(4), []

    def contact() -> None:
        with app.app_context():
            start.wait()
            with transaction("test"):
                actions.hold_number(key)
                if asking.may_contact(
                    patient, practice, "call", NOON, "test:1", text=asking.NO_TEXT, lock_held=True
                ).allow:
                    actions.record_contact(key, practice.id, "call", NOON)
                    allowed.append(1)

    threads = [threading.Thread(target=contact) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 1
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ContactAttempt)) == 2
