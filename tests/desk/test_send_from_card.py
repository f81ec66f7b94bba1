"""Sending an approved text or email from the card in hand: the gate first, the words as read, once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.cadences import texts
from ops.contact import actions as contact
from ops.contact import segments
from ops.contact.models import GateDecision
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.desk import sendable
from ops.desk.actions.sending import OtherText, send_from_card
from ops.errors import Refused
from ops.messages import actions as messages
from ops.messages import sending
from ops.messages.models import Message, MessageState
from ops.practices.models import PracticeStatus
from ops.queue import queries
from ops.queue.actions import friends, tasks
from ops.queue.models import Task, TaskEvent
from ops.referrals.actions import NewFriend, receive_referral
from ops.scripts import queries as scripts
from ops.scripts.models import Medium, Script, ScriptVersion, VersionState
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.states import EventKind
from tests.floors import NOON, claim, do, make_floor, make_task
from tests.world import make_patient, make_user

NIGHT = datetime(2026, 3, 12, 3, 0, tzinfo=UTC)
"""Ten in the evening in Chicago."""
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def clock_():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin", shareable="They never push.", website="https://lake.example.com")


@pytest.fixture
def patient(lake):
    return make_patient(lake, "Maria", email="maria@example.com")


@pytest.fixture
def task(lake, patient, ann) -> Task:
    make_task(lake, patient=patient)
    return claim(ann)


def in_force(practice, kind="ask", medium=Medium.SMS) -> int:
    return scripts.published(practice.id, kind, medium).id


def send(task, agent, medium=Medium.SMS, version=None, fence=None):
    version = version or scripts.published(task.practice_id, task.kind, medium).id
    return do(send_from_card, task.id, agent, fence or task.fence, medium, version, agent.actor, by=agent.actor)


def post(desk, task, medium="sms", version=None, status=303, **more):
    version = version or in_force(task.practice, task.kind, Medium(medium))
    data = {"fence": task.fence, "medium": medium, "version_id": version}
    return desk.post(f"/tasks/{task.id}/send", data=data, expect=status, **more)


def queued() -> list[Message]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(Message).order_by(Message.created_at)))


def sent_events(task) -> list[dict]:
    told = sa.select(TaskEvent.facts).where(TaskEvent.task_id == task.id, TaskEvent.kind == EventKind.SENT)
    return list(db.session.scalars(told))


def publish(practice, body, kind="ask", medium=Medium.SMS) -> int:
    """A newer version of the agency's template."""
    with transaction("test") as session:
        now = clock.now()
        there = session.scalars(sa.select(Script).where(Script.kind == kind, Script.medium == medium)).first()
        if there is None:
            there = Script(practice_id=None, kind=kind, medium=medium, name="For this kind")
            session.add(there)
        for version in there.versions:
            version.state = VersionState.RETIRED
        session.flush()
        new = ScriptVersion(
            script_id=there.id,
            number=len(there.versions) + 1,
            state=VersionState.PUBLISHED,
            body=body,
            subject="A word from us" if medium is Medium.EMAIL else "",
            created_at=now,
            created_by="test",
            published_at=now,
        )
        session.add(new)
        session.flush()
        return new.id


def friends_task(lake, patient, ann, phone="+13125550199", email=None) -> Task:
    with transaction("test"):
        friend = NewFriend("Ines", phone, email, OptIn.FORM)
        referral = receive_referral(lake, patient, friend, actor="test", ask=None)
        friends.open_friend_task(referral, "test")
        db.session.execute(sa.delete(Message))  # the thank-you to the referrer is another matter
    return claim(ann)


def test_the_page_says_first_whether_it_may_be_sent_and_then_how_it_reads(task, ann, sign_in):
    page = sign_in(ann).get(f"/tasks/{task.id}/send", expect=200).text
    assert page.index("May they be sent anything now?") < page.index("They never push.")
    assert "Hi Maria, it&#39;s Lake Skin." in page and "Something to pass on from Lake Skin" in page
    body = send(task, ann).body
    counted = segments.count(body)
    assert counted.words in page
    for too_much in ("maria@example.com", "Lane"):
        assert too_much not in page


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a" * 143, "1 part, 143 of 160 characters"),
        ("a" * 161, "2 parts, 161 of 306 characters"),
        ("🌷", "1 part, 2 of 70 characters; a special character or emoji leaves less room"),
        ("é" * 10 + "ő" * 61, "2 parts, 71 of 134 characters; a special character or emoji leaves less room"),
    ],
)
def test_parts_are_counted_on_the_rendered_text(text, words):
    assert segments.count(text).words == words


def test_what_was_read_is_queued_and_the_tasks_story_says_so(task, ann, patient, lake, sign_in):
    desk = sign_in(ann)
    assert post(desk, task).location == "/desk"
    (message,) = queued()
    assert (message.channel, message.kind, message.to_address) == ("sms", "ask", patient.phone)
    assert message.body.startswith("Hi Maria, it's Lake Skin.")
    assert message.script_version_id == in_force(lake)
    assert [(fact["medium"], fact["template"]) for fact in sent_events(task)] == [("sms", "The note to forward")]
    assert "The text is on its way." in desk.get("/desk", expect=200).text
    page = desk.get(f"/tasks/{task.id}/send", expect=200).text
    assert "Sent from this card" in page and "Send this text" not in page and "Send this email" in page


def test_leads_read_in_the_story_what_was_sent(task, ann, sign_in):
    send(task, ann)
    page = sign_in(make_user("lead")).get(f"/tasks/{task.id}", expect=200).text
    assert "Sent from the card" in page and "a text: The note to forward" in page


def test_a_double_press_sends_once(task, ann, sign_in):
    desk = sign_in(ann)
    for _ in range(2):
        assert post(desk, task, status=200, headers=JSON).json == {"said": "The text is on its way."}
    assert (len(queued()), len(sent_events(task))) == (1, 1)


def test_text_and_email_are_two_things(task, ann):
    send(task, ann)
    mail = send(task, ann, Medium.EMAIL)
    assert (mail.subject, mail.to_address) == ("Something to pass on from Lake Skin", "maria@example.com")
    assert len(queued()) == 2
    assert [one.medium for one in sendable.sent_from(task)] == [Medium.EMAIL, Medium.SMS]


def test_the_outbox_sends_it_and_the_days_cap_counts_it(task, ann, patient):
    message = send(task, ann)
    assert sending.deliver(message.id) is MessageState.DELIVERED
    way = sendable.way(task, ann, Medium.SMS)
    assert "contacted often enough in the last 24 hours" in way.why_not  # the text and the call in hand: two


@pytest.mark.parametrize(
    ("channel", "reason", "said", "other"),
    [("sms", "STOP_SMS", "wrote STOP", Medium.EMAIL), ("email", "UNSUB_EMAIL", "unsubscribed", Medium.SMS)],
)
def test_who_said_stop_is_sent_nothing_that_way(task, ann, lake, patient, sign_in, channel, reason, said, other):
    key = patient.phone_key if channel == "sms" else patient.email_key
    do(contact.suppress, key, channel, reason, "wrote so", "test", lake.id)
    desk = sign_in(ann)
    page = desk.get(f"/tasks/{task.id}/send", expect=200).text
    assert said in page
    assert f"Send this {'text' if channel == 'sms' else 'email'}" not in page
    assert said in post(desk, task, channel, status=409).text
    assert queued() == []
    send(task, ann, other)


def test_at_night_it_says_when_it_may_be_sent_again(task, ann, sign_in, clock_):
    clock_.move_to(NIGHT)
    with transaction("test"):
        db.session.get_one(Task, task.id).lease_until = NIGHT + timedelta(hours=1)
    page = sign_in(ann).get(f"/tasks/{task.id}/send", expect=200).text
    assert "outside the lawful hours" in page and "again from Thursday, 8:00 AM CDT" in page
    with pytest.raises(Refused, match="may not be texted now"):
        send(task, ann)


def opens(task, ann) -> str:
    return sendable.way(task, ann, Medium.SMS).opens


def contacted(patient, lake, at):
    with transaction("test"):
        contact.record_contact(patient.phone_key, lake.id, "call", at)


def test_at_the_days_cap_it_says_when_one_of_the_counted_contacts_is_a_day_old(task, ann, lake, patient, clock_):
    assert opens(task, ann) == ""
    contacted(patient, lake, NOON - timedelta(hours=3))
    assert opens(task, ann) == "Thursday, 9:00 AM CDT"  # that call and the one in hand: two
    contacted(patient, lake, NOON - timedelta(hours=1))
    assert opens(task, ann) == "Thursday, 11:00 AM CDT"  # one of the two being over is not enough


def test_when_the_cap_is_over_at_night_it_says_when_their_hours_open(task, ann, lake, patient):
    contacted(patient, lake, NOON - timedelta(hours=15))
    assert opens(task, ann) == "Thursday, 8:00 AM CDT"


def test_nobody_says_when_what_only_a_person_can_end_is_over(task, ann, lake, patient, clock_):
    clock_.move_to(NIGHT)
    assert opens(task, ann) == "Thursday, 8:00 AM CDT"
    with transaction("test"):
        db.session.get_one(type(lake), lake.id).status = PracticeStatus.PAUSED
    assert opens(task, ann) == ""


@pytest.mark.parametrize("body", ["could you write less often", "thank you", "👍", ""])
def test_who_wrote_something_is_sent_nothing_until_it_is_read(task, ann, lake, patient, body):
    with transaction("test"):
        messages.receive(lake, channel="sms", from_address=patient.phone, body=body, provider_id="1")
    assert "wrote something that nobody has read yet" in sendable.way(task, ann, Medium.SMS).why_not
    with pytest.raises(Refused, match="nobody has read"):
        send(task, ann, Medium.EMAIL)


def test_a_lost_card_sends_nothing(task, ann, sign_in):
    with transaction("test"):
        tasks.give_back(db.session.get_one(Task, task.id), EventKind.RELEASED_BY_LEAD, "test")
    desk = sign_in(ann)
    assert "not yours any more" in desk.get(f"/tasks/{task.id}/send", expect=409).text
    assert "not yours any more" in post(desk, task, status=409).text
    with pytest.raises(tasks.LeaseLost):
        send(task, ann)
    assert queued() == []


def test_an_old_fence_sends_nothing(task, ann):
    with pytest.raises(tasks.LeaseLost):
        send(task, ann, fence=task.fence + 1)


def test_a_text_that_is_not_in_force_any_more_is_shown_anew_and_not_sent(task, ann, lake, sign_in):
    read = in_force(lake)
    newer = publish(lake, "Hello {{ patient_first_name }}, new words from {{ practice_name }}. Reply STOP to opt out.")
    page = post(sign_in(ann), task, version=read, status=409).text
    assert "A newer text is in force" in page and "Hello Maria, new words from Lake Skin." in page
    assert f'name="version_id" value="{newer}"' in page
    with pytest.raises(OtherText):
        send(task, ann, version=read)
    assert queued() == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("Your Toxin from us. Reply STOP to opt out.", "names a treatment"),
        ("See you on March 3. Reply STOP to opt out.", "names a date"),
        ("{{ friend_first_name }} Reply STOP to opt out.", "Nothing is known for: friend_first_name"),
        ("a" * 1700, "too long"),
    ],
)
def test_a_template_that_says_too_much_or_nothing_is_not_sent(task, ann, lake, sign_in, body, says):
    version = publish(lake, body)
    assert says in sign_in(ann).get(f"/tasks/{task.id}/send", expect=200).text
    with pytest.raises(Refused, match=re.escape(says)):
        send(task, ann, version=version)


def test_without_an_address_or_a_template_the_page_says_so(lake, ann, sign_in):
    make_task(lake, Kind.PARTNER_TOUCH, patient=make_patient(lake, email=None))
    task = claim(ann)
    page = sign_in(ann).get(f"/tasks/{task.id}/send", expect=200).text
    assert "Nobody has published a text for it." in page and "We have no email address." in page


def test_to_a_friend_it_goes_to_the_friend_and_does_not_say_who_sent_them(lake, patient, ann, sign_in):
    version = publish(lake, "Hi {{ friend_first_name }}, {{ practice_name }} here. Reply STOP.", "friend_follow_up")
    task = friends_task(lake, patient, ann)
    page = sign_in(ann).get(f"/tasks/{task.id}/send", expect=200).text
    assert "Hi Ines, Lake Skin here." in page and "Maria" not in page
    message = send(task, ann, version=version)
    assert (message.to_address, message.patient_id) == ("+13125550199", None)


@pytest.mark.parametrize("variable", ["patient_first_name", "referrer_first_name"])
def test_a_friends_text_that_would_name_who_sent_them_is_refused(lake, patient, ann, variable):
    publish(lake, "Hi, {{ " + variable + " }} sent you. Reply STOP.", "friend_follow_up")
    task = friends_task(lake, patient, ann)
    way = sendable.way(task, ann, Medium.SMS)
    assert way.written is None and variable in way.problem


def test_a_friend_who_took_their_yes_back_is_sent_nothing(lake, patient, ann):
    version = publish(lake, "Hi {{ friend_first_name }}. Reply STOP.", "friend_follow_up")
    task = friends_task(lake, patient, ann)
    with transaction("test"):
        contact.record_consent(
            contact_key("+13125550199"),
            lake.id,
            person="referral:1",
            channel="call",
            purpose="to be contacted",
            given=False,
            how="on_the_call",
            words="No more, please.",
            actor="test",
        )
    assert "has not agreed" in sendable.way(task, ann, Medium.SMS).why_not
    with pytest.raises(Refused, match="has not agreed"):
        send(task, ann, version=version)


def test_the_outcomes_note_finds_the_one_that_was_sent_by_hand(task, ann, patient):
    assert sendable.note_key(task) == f"note:{task.run_id or task.id}"
    by_hand = send(task, ann, Medium.EMAIL)
    assert sendable.note_key(task) == by_hand.reason_key
    with transaction("test"):
        assert texts.send_template(patient, Kind.ASK, Medium.SMS, sendable.note_key(task))
    assert [message.id for message in queued()] == [by_hand.id]


def test_a_note_by_hand_that_could_not_leave_does_not_stand_in_the_way(task, ann):
    by_hand = send(task, ann)
    with transaction("test"):
        db.session.get_one(Message, by_hand.id).state = MessageState.BLOCKED
    assert sendable.note_key(task) == f"note:{task.run_id or task.id}"


@pytest.mark.parametrize(
    "typed", [{}, {"medium": "call"}, {"medium": ""}, {"version_id": "x"}, {"version_id": str(2**63)}, {"fence": "x"}]
)
def test_bad_input_is_a_clear_error(task, ann, lake, sign_in, typed):
    data = {"fence": task.fence, "medium": "sms", "version_id": in_force(lake)} | typed if typed else {}
    page = sign_in(ann).post(f"/tasks/{task.id}/send", data=data, expect=409).text
    assert 'role="alert"' in page and "choose what to send" in page
    assert queued() == []


def test_nobody_else_sends_from_my_card(task, ann, lake, sign_in, client):
    for outsider, status in ((make_user("agent"), 409), (make_user("lead"), 409), (make_user("member", lake), 404)):
        browser = sign_in(outsider)
        assert "Maria" not in browser.get(f"/tasks/{task.id}/send", expect=status).text
        assert "Maria" not in post(browser, task, status=status).text
    assert client.get(f"/tasks/{task.id}/send").status_code == 303
    assert (queued(), queries.task_of(ann.id).id) == ([], task.id)


def test_looking_sends_nothing_and_keeps_no_answer_of_the_gate(task, ann, sign_in):
    before = db.session.scalar(sa.select(sa.func.count()).select_from(GateDecision))
    sign_in(ann).get(f"/tasks/{task.id}/send", expect=200)
    assert queued() == [] and sent_events(task) == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(GateDecision)) == before
