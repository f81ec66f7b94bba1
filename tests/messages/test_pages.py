"""The outbox's pages and the public page by which a reader leaves: who gets in, what is shown, what the buttons do."""

import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead, Role
from ops.config import settings
from ops.contact.models import Suppression
from ops.crypto import seal
from ops.db import db, transaction
from ops.messages import actions, leaving, queries, sending
from ops.messages.channels import recorder
from ops.messages.models import InboundMessage, Message, MessageState
from ops.phrases import phone_words
from tests import world
from tests.outbox import published

NOON = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)
TEXT = "Hi Ada, it's Glow. Thank you for thinking of us. Reply STOP to opt out."


@pytest.fixture
def practice(app):
    with clock.moved_to(NOON - timedelta(days=30)):
        return world.make_practice("glow", "Glow")


@pytest.fixture
def lead(app, sign_in):
    return sign_in(world.make_user(Role.LEAD))


def send(practice, key="loop:1", channel="sms", patient=None, **over) -> Message:
    with clock.moved_to(NOON):
        patient = patient or world.make_patient(practice, email="ada@example.com")
        given = {"body": TEXT, "to_address": patient.phone if channel == "sms" else patient.email} | over
        with transaction("test"):
            given = {"script_version_id": published()} | given
            message = actions.queue_message(
                practice, patient, channel=channel, kind="loop_closing", reason_key=key, subject="Thank you", **given
            )
        sending.deliver(message.id)
    return message


def page_of(browser, message, **asked) -> str:
    return browser.get(f"/outbox/{message.id}", query_string=asked, expect=200).get_data(as_text=True)


def state_of(message) -> str:
    return sending.state_of(message.id)


def way_out(message) -> str:
    """The path of the page by which its reader leaves."""
    return leaving.unsubscribe_url(message.id).removeprefix(settings().address)


def count(table) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table))


def test_an_empty_outbox_says_what_will_come(lead):
    assert "appear here as soon as" in lead.get("/outbox", expect=200).get_data(as_text=True)


def test_a_message_is_shown_as_it_was_sent_with_its_steps_and_the_gates_answer(lead, practice):
    message = send(practice)
    page = page_of(lead, message)
    for shown in (
        "it&#39;s Glow. Thank you",
        phone_words(message.to_address),
        "Attempting",
        "Delivered",
        "What the contact gate said",
    ):
        assert shown in page
    assert re.search(r"1 part, \d+ of 160 characters", page)


def test_a_message_that_was_stopped_says_why(lead, practice):
    with clock.moved_to(NOON):
        patient = world.make_patient(practice, birth_date=datetime(2015, 1, 1).date())
    assert "Not sent: under 18" in page_of(lead, send(practice, patient=patient))


def test_whoever_reads_a_patients_messages_leaves_a_trace(lead, practice):
    message = send(practice)
    lead.get("/outbox", expect=200)
    page_of(lead, message)
    reads = [(read.patient_id, read.what) for read in db.session.scalars(sa.select(PatientRead).order_by("id"))]
    assert reads == [(message.patient_id, what) for what in ("listed", "listed", "messages")]


@pytest.mark.parametrize("role", [Role.AGENT, Role.MEMBER])
def test_agents_and_members_find_no_outbox(app, sign_in, practice, role):
    message = send(practice)
    practices = {"practice": practice} if role is Role.MEMBER else {}
    stranger = sign_in(world.make_user(role, **practices))
    stranger.get("/outbox", expect=403)
    for verb in ("", "/answer", "/was-sent", "/send-again"):
        ask = stranger.post if verb else stranger.get
        ask(f"/outbox/{message.id}{verb}", expect=404)
    for verb in ("stop", "no-stop"):
        stranger.post(f"/replies/1/{verb}", expect=404)


def test_a_stranger_is_asked_to_sign_in(client, practice):
    message = send(practice)
    for address in ("/outbox", f"/outbox/{message.id}"):
        assert "/sign-in" in client.get(address, expect=303).location


def test_an_admin_sees_it_too_and_foreign_ids_are_404(app, sign_in, practice):
    admin = sign_in(world.make_user(Role.ADMIN))
    admin.get("/outbox", expect=200)
    admin.get("/outbox/00000000-0000-4000-8000-000000000000", expect=404)
    admin.get("/outbox/1", expect=404)
    admin.post("/replies/7/stop", expect=404)


def test_the_list_is_narrowed_by_practice_state_channel_and_whole_number(lead, practice):
    other = world.make_practice("other", "Other Place")
    one = send(practice, body="First of all")
    send(practice, "loop:2", "email", body="Second of all")
    send(
        other, "loop:3", body="Third of all", patient=world.make_patient(other, birth_date=datetime(2015, 1, 1).date())
    )

    def shown(**asked) -> list[str]:
        page = lead.get("/outbox", query_string=asked, expect=200).get_data(as_text=True)
        return [each for each in ("First", "Thank you", "Third") if f'"what">{each}' in page]

    with transaction("test") as session:  # texts have no subject; the email is listed by its own
        session.execute(sa.update(Message).where(Message.channel == "sms").values(subject=""))
    assert shown() == ["First", "Thank you", "Third"]
    assert shown(practice=other.id) == ["Third"]
    assert shown(channel="email") == ["Thank you"]
    assert shown(shelf="sent") == ["First", "Thank you"]
    assert shown(shelf="not_sent") == ["Third"]
    number = one.to_address
    assert shown(q=f"({number[2:5]}) {number[5:8]}-{number[8:]}") == ["First"]
    assert shown(q=number[:-2]) == []
    assert shown(q="ADA@example.com") == ["Thank you"]


@pytest.mark.parametrize(
    "asked",
    [{"practice": "x"}, {"practice": "9" * 40}, {"shelf": "?"}, {"before": "yesterday~1"}, {"before": "2026-01-01~x"}],
)
def test_nonsense_in_the_address_is_ignored(lead, practice, asked):
    send(practice)
    assert "Thank you" in lead.get("/outbox", query_string=asked, expect=200).get_data(as_text=True)


def test_older_messages_are_on_further_pages_each_once(lead, practice, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 3)
    with clock.moved_to(NOON):
        patient = world.make_patient(practice)
        with transaction("test"):
            for number in range(8):
                values = {"channel": "sms", "kind": "ask", "to_address": patient.phone, "body": f"Number {number}."}
                actions.queue_message(practice, patient, reason_key=f"k{number}", **values)
    seen, before = [], None
    for _ in range(3):
        rows, more = queries.outbox(queries.Search(), before)
        seen += [row.message.body for row in rows]
        before = (rows[-1].message.created_at, rows[-1].message.id)
    assert sorted(seen) == [f"Number {number}." for number in range(8)] and not more
    page = lead.get("/outbox", expect=200).get_data(as_text=True)
    assert "Older" in page and "Newest" not in page


def test_an_answer_as_the_patient_is_received_once_however_often_it_is_posted(lead, practice):
    message = send(practice)
    form = {"body": "Thank you!", "once": "a" * 32}
    for _ in range(2):
        lead.post(f"/outbox/{message.id}/answer", data=form, expect=303)
    assert db.session.scalars(sa.select(InboundMessage.body)).all() == ["Thank you!"]
    assert "Thank you!" in page_of(lead, message)


def test_a_stop_written_as_the_patient_ends_contact(lead, practice):
    message = send(practice)
    page = lead.post(f"/outbox/{message.id}/answer", data={"body": "STOP", "once": "b" * 32}, follow_redirects=True)
    assert "will not contact them again" in page.get_data(as_text=True)
    assert count(Suppression) == 2  # the number and the address


def test_an_empty_answer_is_refused_on_the_form(lead, practice):
    message = send(practice)
    page = lead.post(f"/outbox/{message.id}/answer", data={"body": " ", "once": "c" * 32}, expect=422)
    assert "Write an answer first." in page.get_data(as_text=True)


def test_only_what_the_recorder_has_can_be_answered(lead, practice):
    minor = world.make_patient(practice, birth_date=datetime(2015, 1, 1).date())
    message = send(practice, patient=minor)
    assert "Answer as the patient" not in page_of(lead, message)
    lead.post(f"/outbox/{message.id}/answer", data={"body": "Hi", "once": "d" * 32}, expect=404)


def test_a_form_from_elsewhere_is_refused(lead, practice):
    lead.post(f"/outbox/{send(practice).id}/answer", data={"body": "Hi"}, csrf=False, expect=400)


@pytest.fixture
def unknown(practice, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "send", lambda *_: (_ for _ in ()).throw(TimeoutError()))
        return send(practice)


def test_a_message_nobody_can_tell_about_waits_for_a_person(lead, unknown):
    assert "1 needs a person" in lead.get("/outbox", expect=200).get_data(as_text=True)
    assert "Nobody can tell whether this was sent" in page_of(lead, unknown, shelf="needs")


@pytest.mark.parametrize(("verb", "becomes"), [("was-sent", "accepted"), ("send-again", "queued")])
def test_a_person_settles_it_and_a_second_one_is_told_so(lead, unknown, verb, becomes):
    lead.post(f"/outbox/{unknown.id}/{verb}", expect=303)
    assert state_of(unknown) == becomes
    again = lead.post(f"/outbox/{unknown.id}/was-sent", follow_redirects=True)
    assert "settled in the meantime" in again.get_data(as_text=True)


@pytest.mark.parametrize(("verb", "stops"), [("stop", 2), ("no-stop", 0)])
def test_a_reply_that_may_mean_stop_is_decided_by_a_person(lead, practice, verb, stops):
    message = send(practice)
    lead.post(f"/outbox/{message.id}/answer", data={"body": "I think that is enough", "once": "e" * 32}, expect=303)
    assert "Does this mean stop?" in page_of(lead, message)
    reply = db.session.scalars(sa.select(InboundMessage)).one()
    lead.post(f"/replies/{reply.id}/{verb}", expect=303)
    assert count(Suppression) == stops
    assert "Does this mean stop?" not in page_of(lead, message)
    lead.post(f"/replies/{reply.id}/{verb}", expect=303)


def stray(practice, address: str, body: str) -> int:
    """Written to us, answering nothing."""
    with clock.moved_to(NOON), transaction("inbound"):
        return actions.receive(practice, channel="sms", from_address=address, body=body, provider_id=body).id


def test_what_answers_no_message_of_ours_is_read_in_the_outbox_too(lead, practice):
    patient = world.make_patient(practice)
    known, unknown = stray(practice, patient.phone, "who are you people"), stray(practice, "+13125550177", "👎")
    for path in ("/outbox", "/outbox?shelf=needs"):
        page = lead.get(path, expect=200).get_data(as_text=True)
        assert "who are you people" in page and "👎" in page and "2 need a person" in page
    assert count(PatientRead) == 4, "looking at somebody's words is kept, each time, of a stranger too"
    assert "who are you people" not in lead.get("/outbox?shelf=sent", expect=200).get_data(as_text=True)
    lead.post(f"/replies/{unknown}/stop", expect=303)
    lead.post(f"/replies/{known}/no-stop", expect=303)
    assert count(Suppression) == 1
    assert "need" not in lead.get("/outbox", expect=200).get_data(as_text=True).split("</h1>")[1][:200]


def test_the_conversation_says_who_read_a_reply_and_as_what(lead, practice):
    message = send(practice)
    with clock.moved_to(NOON), transaction("inbound"):
        one = actions.receive(practice, channel="sms", from_address=message.to_address, body="", provider_id="one")
    assert "(nothing written)" in page_of(lead, message)
    lead.post(f"/replies/{one.id}/no-stop", expect=303)
    assert "it does not mean stop" in page_of(lead, message)


# --- leaving


def test_looking_at_the_way_out_changes_nothing(client, practice):
    message = send(practice, channel="email")
    page = client.get(way_out(message), expect=200).get_data(as_text=True)
    assert "No more emails from Glow?" in page and "a…@example.com" in page and "ada@" not in page
    assert count(Suppression) == 0


def test_the_button_or_one_click_ends_contact_and_works_twice(client, practice):
    message = send(practice, channel="email")
    waiting = send(practice, "loop:2", "email", patient=db.session.get(world.Patient, message.patient_id))
    for _ in range(2):
        page = client.post(
            way_out(message),
            data={"List-Unsubscribe": "One-Click"},
            csrf=False,
            headers={"Cookie": ""},
            expect=200,
        )
        assert "You are unsubscribed" in page.get_data(as_text=True)
    assert set(db.session.scalars(sa.select(Suppression.reason))) == {"UNSUB_EMAIL"}
    assert count(InboundMessage) == 1
    assert state_of(waiting) in (MessageState.DELIVERED, MessageState.BLOCKED)


def test_an_email_provider_may_leave_for_everybody_from_one_address(client, practice):
    message = send(practice, channel="email")
    for _ in range(40):
        client.get(way_out(message), expect=200)
        client.post(way_out(message), csrf=False, expect=200)


def test_the_way_out_is_of_its_own_and_of_this_email_alone(client, practice):
    message, other = send(practice, channel="email"), send(practice, "loop:2", channel="email")
    token = way_out(message).rpartition("/")[2]
    id_of, sealed = base64.urlsafe_b64decode(token + "=")[:16], base64.urlsafe_b64decode(token + "=")[16:]
    foreign = [
        message.id.hex,  # stands in addresses of staff pages, and with the provider
        base64.urlsafe_b64encode(other.id.bytes + sealed).decode(),
        base64.urlsafe_b64encode(id_of + seal("another purpose", id_of)).decode(),
        token[:-2],
        f"{token}AAAA",
    ]
    for one in foreign:
        client.post(f"/u/{one}", csrf=False, expect=404)
    assert count(Suppression) == 0
    with transaction("test"):  # an email of before, which carries its bare id: it keeps its way out
        db.session.get_one(Message, message.id).body += f"http://old.example.com/u/{message.id.hex}"
    client.post(f"/u/{message.id.hex}", csrf=False, expect=200)
    client.post(way_out(other), csrf=False, expect=200)


@pytest.mark.parametrize("token", ["x", "0" * 32, "../outbox", "%00", "é" * 43, "A" * 5000])
def test_a_made_up_way_out_leads_nowhere(client, practice, token):
    client.get(f"/u/{token}", expect=404)
    client.post(f"/u/{token}", csrf=False, expect=404)


def test_a_text_has_no_such_page(client, practice):
    client.get(way_out(send(practice)), expect=404)
