"""Whatever somebody writes, nothing leaves to them and nobody calls them until it has been read at the desk."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.contact.actions import record_contact
from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.desk.actions import reading
from ops.errors import Refused
from ops.messages import actions as messages
from ops.messages.channels import recorder
from ops.messages.models import InboundMessage, Message, MessageState
from ops.queue import jobs, retries
from ops.queue.actions import friends, replies, tasks
from ops.queue.models import Task, TaskEvent
from ops.queue.replay import replay
from ops.referrals.actions import NewFriend, receive_referral
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import EventKind, TaskState
from tests.floors import NOON, claim, do, fresh, make_floor, make_task, record, sweep
from tests.outbox import queue, send
from tests.world import make_patient, make_user

ANYTHING = ["Thank you!", "👍", "", "estoy hasta aquí", "Call me back on Thursday", "jamais", "STOPPED by yesterday"]
"""No pattern takes any of it for a stop."""


@pytest.fixture(autouse=True)
def clock_():
    with clock.movable(NOON) as move:
        yield move


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin", shareable="They never push.", website="https://lake.example.com")


@pytest.fixture
def patient(lake):
    return make_patient(lake, "Maria", email="maria@example.com")


def write(practice, address: str, body: str = "Thank you!", channel: str = "sms", name: str = "one") -> int:
    """They write, and the bell rings."""
    with transaction("inbound"):
        one = messages.receive(practice, channel=channel, from_address=address, body=body, provider_id=name)
    jobs.note_reply(one.id)
    return one.id


def sent(message) -> tuple[str, list[str] | None]:
    """What becomes of it when it is due."""
    state = send(message, clock.now())
    return state, db.session.get_one(Message, message.id, populate_existing=True).block_reasons


def press(desk, task, *replies: int, means: str = "no_stop", status: int = 303):
    data = {"fence": task.fence, "replies": ",".join(map(str, replies)), "means": means}
    return desk.post(f"/tasks/{task.id}/read", data=data, expect=status)


def reply_cards() -> list[Task]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(Task).where(Task.kind == Kind.REPLY).order_by(Task.id)))


@pytest.mark.parametrize("body", ANYTHING)
def test_whatever_they_wrote_is_read_before_anything_goes_on(lake, patient, ann, sign_in, clock_, body):
    text, mail = queue(lake, patient), queue(lake, patient, "loop:2", "email", subject="Thank you")
    promised = make_task(lake, patient=patient, promised_at=clock.now())
    one = write(lake, patient.phone, body)
    assert sent(text) == sent(mail) == (MessageState.QUEUED, ["UNREAD_REPLY"])
    task, desk = claim(ann), sign_in(ann)
    assert task.kind is Kind.REPLY, "what is offered is to read it"
    page = desk.get("/desk").text
    assert (body or "(nothing written)") in page and "Do not call now: wrote something that nobody has read" in page
    refused = desk.post(f"/tasks/{task.id}/reveal", data={"fence": task.fence}, expect=409).text
    assert patient.phone[-4:] not in refused

    press(desk, task, one)
    reply = db.session.get_one(InboundMessage, one, populate_existing=True)
    assert (reply.decided_by, reply.decided_stop) == (ann.actor, False)
    assert "Do not call now" not in desk.get("/desk").text
    desk.post(f"/tasks/{task.id}/reveal", data={"fence": task.fence}, expect=200)
    assert sent(mail) == (MessageState.DELIVERED, None), "at once, not in an hour"
    assert sent(text) == (MessageState.QUEUED, ["CAP_24H"]), (
        "two contacts a day: this call, and the one that was promised"
    )
    record(fresh(task), ann, Outcome.ANSWERED)
    assert claim(ann).id == promised.id


def test_what_is_read_as_a_stop_ends_everything(lake, patient, ann, sign_in):
    text = queue(lake, patient)
    promised = make_task(lake, patient=patient, promised_at=clock.now())
    one = write(lake, patient.phone, "estoy hasta aquí")
    task = claim(ann)
    press(sign_in(ann), task, one, means="stop")
    assert {fresh(each).state for each in (task, promised)} == {TaskState.CANCELLED}
    assert db.session.get_one(Message, text.id, populate_existing=True).state is MessageState.BLOCKED
    assert set(db.session.scalars(sa.select(Suppression.contact_key))) == {patient.phone_key, patient.email_key}
    assert db.session.get_one(InboundMessage, one, populate_existing=True).decided_stop is True


def test_the_same_human_is_not_contacted_for_another_practice_either(lake, patient, ann, sign_in, clock_):
    river = make_floor("river", name="River Skin")
    same = make_patient(river, "Maria", phone=patient.phone, email="other@example.com")
    text, mail = queue(river, same, "loop:3"), queue(river, same, "loop:4", "email", subject="Thank you")
    call = make_task(river, patient=same)
    one = write(lake, patient.email, "private words", channel="email")
    assert sent(text) == sent(mail) == (MessageState.QUEUED, ["UNREAD_REPLY"])
    task = claim(ann)
    assert (task.practice_id, task.kind) == (lake.id, Kind.REPLY)
    assert claim(make_user("agent")) is None
    press(sign_in(ann), task, one)
    assert sent(text)[0] is MessageState.DELIVERED
    record(fresh(task), ann, Outcome.ANSWERED)
    clock_(NOON + timedelta(hours=25))  # two contacts a day
    assert claim(ann).id == call.id


def test_who_wrote_to_two_practices_is_read_at_each_and_called_by_none_before(lake, patient, ann, sign_in):
    river = make_floor("river", name="River Skin")
    same = make_patient(river, "Maria", phone=patient.phone)
    here, there = write(lake, patient.phone, "private words"), write(river, same.phone, "others", name="two")
    desk, pages = sign_in(ann), []
    for one in (here, there):
        task = claim(ann)
        pages.append(desk.get("/desk").text)
        press(desk, task, one)
        if one == here:
            assert "Do not call now: wrote something" in desk.get("/desk").text
            desk.post(f"/tasks/{task.id}/skip", data={"fence": task.fence, "reason": "not read there"}, expect=303)
    assert [("private words" in page, "others" in page) for page in pages] == [(True, False), (False, True)]
    assert "Do not call now" not in desk.get("/desk").text


def test_a_card_on_which_nothing_is_left_to_read_waits_for_what_they_wrote_elsewhere(lake, patient, ann):
    river = make_floor("river", name="River Skin")
    read = write(river, make_patient(river, "Maria", phone=patient.phone).phone, name="two")
    with transaction("test"):
        messages.decide_reply(db.session.get_one(InboundMessage, read), False, actor="user:7")
    write(lake, patient.phone)
    task = claim(ann)
    assert task.practice_id == lake.id
    do(tasks.skip, task.id, ann.id, task.fence, ann.actor, "later")
    assert claim(ann) is None


def test_who_had_two_contacts_today_is_read_today_and_called_tomorrow(lake, patient, ann, sign_in):
    with transaction("test"):
        for _ in range(2):
            record_contact(patient.phone_key, lake.id, "sms")
    one = write(lake, patient.phone)
    task, desk = claim(ann), sign_in(ann)
    assert task.kind is Kind.REPLY
    claimed = db.session.scalars(sa.select(TaskEvent).where(TaskEvent.kind == EventKind.CLAIMED)).one()
    assert replay(claimed).same and not replay(claimed).allowed
    press(desk, task, one)
    assert "Do not call now: contacted often enough" in desk.get("/desk").text
    desk.post(f"/tasks/{task.id}/release", data={"fence": task.fence}, expect=303)
    assert claim(ann) is None


def test_what_arrived_since_the_card_was_shown_is_still_unread(lake, patient, ann, sign_in):
    one = write(lake, patient.phone, "Thank you!")
    task, desk = claim(ann), sign_in(ann)
    two = write(lake, patient.phone, "and never again", name="two")
    assert len(reply_cards()) == 1, "one card for all they wrote"
    beat = desk.post(f"/tasks/{task.id}/heartbeat", data={"fence": task.fence}, expect=200).json
    assert beat["wrote"] == two, "the page that shows the first one says so"
    press(desk, task, one)
    page = desk.get("/desk").text
    assert "and never again" in page and "Do not call now" in page
    with pytest.raises(Refused, match="nobody has read yet"):
        record(fresh(task), ann, Outcome.ANSWERED)
    press(desk, task, two)
    record(fresh(task), ann, Outcome.ANSWERED)
    assert fresh(task).state is TaskState.DONE


def test_a_no_said_on_the_card_needs_no_reading(lake, patient, ann):
    write(lake, patient.phone)
    task = claim(ann)
    record(task, ann, Outcome.DO_NOT_CONTACT)
    assert fresh(task).state is TaskState.DONE


def test_who_lost_the_card_or_comes_second_decides_nothing(lake, patient, ann, sign_in):
    one = write(lake, patient.phone)
    task, desk = claim(ann), sign_in(ann)
    data = {"fence": task.fence + 1, "replies": str(one), "means": "no_stop"}
    desk.post(f"/tasks/{task.id}/read", data=data, expect=409)
    desk.post(f"/tasks/{task.id}/read", data=data | {"fence": task.fence, "replies": "1;2"}, expect=409)
    desk.post(f"/tasks/{task.id}/read", data=data | {"fence": task.fence, "means": "perhaps"}, expect=409)
    assert db.session.get_one(InboundMessage, one, populate_existing=True).decided_at is None
    press(desk, task, one)
    assert "already read this" in press(desk, task, one, status=409).text
    other = write(lake, make_patient(lake, "Bo").phone, name="two")
    with pytest.raises(Refused), transaction("test"):
        reading.read_replies(task.id, ann.id, task.fence, ann.actor, [other], is_stop=True)


def test_a_reply_after_the_last_card_was_done_opens_another(lake, patient, ann, sign_in):
    one = write(lake, patient.phone)
    task = claim(ann)
    press(sign_in(ann), task, one)
    record(fresh(task), ann, Outcome.ANSWERED)
    write(lake, patient.phone, name="two")
    assert [each.state for each in reply_cards()] == [TaskState.DONE, TaskState.WAITING]


def test_what_somebody_wrote_comes_before_the_fair_share_and_is_nobodys_own(lake, patient, ann):
    for name in "abc":
        make_task(lake, patient=make_patient(lake, name))
    record(claim(ann), ann, Outcome.NOT_NOW)
    write(lake, patient.phone)
    (card,) = reply_cards()
    assert (card.owner_id, card.promised_at) == (None, clock.now() + replies.READ_WITHIN)
    assert claim(make_user("agent")).id == card.id


@pytest.mark.parametrize("body", ["call me back today", "¿cuándo?"])
def test_a_second_call_to_who_wrote_is_due_today_before_everything_that_was_not_promised(
    lake, patient, ann, sign_in, clock_, body
):
    for name in "abc":
        make_task(lake, patient=make_patient(lake, name))
    one = write(lake, patient.phone, body)
    card = claim(ann)
    press(sign_in(ann), card, one)
    record(fresh(card), ann, Outcome.NO_ANSWER)
    again = fresh(card)
    assert (again.promised_at - clock.now(), again.owner_id) == (timedelta(hours=2), None)
    assert retries.later_today(NOON, NOON + timedelta(minutes=20), 1) is None, "nobody is called at 9"
    assert retries.later_today(NOON, NOON + timedelta(hours=9), 2) is None, "nor a third time today"
    clock_(again.promised_at)
    sweep()
    assert claim(make_user("agent")).id == card.id


def test_a_reply_while_a_text_is_handed_over_holds_the_next_one(app, lake, patient, monkeypatch):
    first, second = queue(lake, patient), queue(lake, patient, "loop:2")
    inside, written, log = threading.Event(), threading.Event(), []
    hand_over = recorder.Recorder.send

    def slowly(self, outgoing):
        inside.set()
        written.wait(0.5)
        log.append(("sent", written.is_set()))
        hand_over(self, outgoing)

    monkeypatch.setattr(recorder.Recorder, "send", slowly)

    def work():
        with app.app_context(), clock.moved_to(NOON):
            for message in (first, second):
                send(message, NOON)

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(5)
    with transaction("inbound"):
        messages.receive(lake, channel="sms", from_address=patient.phone, body="ok", provider_id="one")
    written.set()
    worker.join()
    assert log == [("sent", False)]
    states = [db.session.get_one(Message, each.id, populate_existing=True).state for each in (first, second)]
    assert states == [MessageState.DELIVERED, MessageState.QUEUED]


def test_what_was_held_for_a_week_does_not_come_out_of_the_blue(lake, patient, clock_):
    text = queue(lake, patient)
    one = write(lake, patient.phone)
    clock_(NOON + timedelta(days=8))
    assert sent(text) == (MessageState.BLOCKED, ["UNREAD_REPLY"])
    with transaction("test"):
        messages.decide_reply(db.session.get_one(InboundMessage, one), False, actor="user:7")
    assert sent(text) == (None, ["UNREAD_REPLY"]), "nothing is done about it any more"


@pytest.fixture
def friend_call(lake, patient) -> Task:
    with transaction("test"):
        new = NewFriend("Bo Friend", "+13125550199", "bo@example.com", OptIn.FORM)
        return friends.open_friend_task(receive_referral(lake, patient, new, actor="test", ask=None), "test")


def test_a_friend_who_wrote_is_read_on_the_card_of_their_call(lake, patient, ann, sign_in, friend_call):
    mail = queue(lake, None, "friend:1", "email", subject="Hello", to_address="bo@example.com")
    thanks = queue(lake, patient)
    one = write(lake, "+13125550199", "who dis")
    assert sent(mail)[1] == ["UNREAD_REPLY"], "by the other address too"
    assert sent(thanks)[0] is MessageState.DELIVERED, "the one who sent them is somebody else"
    task, desk = claim(ann), sign_in(ann)
    page = desk.get("/desk").text
    assert task.id == friend_call.id and "who dis" in page and "Do not call now" in page
    press(desk, task, one, means="stop")
    assert fresh(task).state is TaskState.CANCELLED
    assert claim(ann) is None
