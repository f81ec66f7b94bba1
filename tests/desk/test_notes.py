"""The note that an outcome promises: what the card says beforehand is what the panel says and what happens."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.contact.actions import record_contact, suppress
from ops.db import db, transaction
from ops.desk import sendable
from ops.desk.notes import Note, Way, choose
from ops.floor.board import Asked
from ops.floor.broken import broken_promises
from ops.messages import sending
from ops.messages.models import Message, MessageState
from ops.queue.models import TaskEvent
from ops.scripts.models import Medium
from ops.work.outcomes import Outcome
from ops.work.states import EventKind
from tests.floors import claim, make_floor, make_task, record
from tests.world import make_patient, make_user

NOON = "2026-03-10 17:00:00"
"""A Tuesday, noon in Chicago."""
TOMORROW = datetime(2026, 3, 11, 16, tzinfo=UTC)
CAPPED = "No text: contacted often enough in the last 24 hours."
SMS, EMAIL = Medium.SMS, Medium.EMAIL
NOT_NOW = ("CAP_24H",)


@pytest.mark.parametrize(
    ("text", "email", "goes"),
    [
        ((), (), Note(SMS, None, "")),
        (NOT_NOW, (), Note(EMAIL, None, CAPPED)),
        (NOT_NOW, "We have no email address.", Note(SMS, TOMORROW, f"{CAPPED} We have no email address.")),
        ("Nobody wrote it.", (), Note(EMAIL, None, "Nobody wrote it.")),
        (("STOP_SMS",), ("UNSUB_EMAIL",), Note(None, None, "No text: wrote STOP. No email: unsubscribed from email.")),
    ],
    ids=["by text", "by email", "later", "unwritten", "not at all"],
)
def test_the_first_way_that_is_open_is_taken_and_else_the_one_that_opens_first(text, email, goes):
    ways = [
        Way(medium, against if isinstance(against, str) else "", () if isinstance(against, str) else against)
        for medium, against in ((SMS, text), (EMAIL, email))
    ]
    assert choose(ways, lambda medium: TOMORROW if (medium, text) == (SMS, NOT_NOW) else None) == goes


@pytest.fixture
def noon(app):
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(noon):
    return make_floor("lake", name="Lake", website="https://lake.example.com", shareable="They never push.")


def card_of(lake, agent, *, contacts: int, email: bool, refused: tuple[str, ...] = ()):
    """A card of an ask, to somebody who was contacted so often an hour ago."""
    patient = make_patient(lake, email="maria@example.com" if email else None)
    make_task(lake, patient=patient)
    with transaction("test"):
        for _ in range(contacts):
            record_contact(patient.phone_key, lake.id, "call", clock.now() - timedelta(hours=1))
    task = claim(agent)
    with transaction("test"):
        for channel in refused:
            code = {"sms": "STOP_SMS", "email": "UNSUB_EMAIL"}[channel]
            suppress(patient.phone_key, channel, code, "said", "test", lake.id)
    return task


@pytest.mark.parametrize(
    ("contacts", "email", "refused", "page", "goes"),
    [
        (0, True, (), "Sends the note to forward; a friend you record is called today.</p>", "sms"),
        (1, True, (), f"The note to forward goes by email. {CAPPED}", "email"),
        (0, True, ("sms",), "The note to forward goes by email. No text: wrote STOP.", "email"),
        (1, False, (), "The note to forward leaves by text on Mar 11, 2026, 11:00 AM CDT. " + CAPPED, "sms"),
        (0, True, ("sms", "email"), "Do not promise it.", None),
    ],
    ids=["by text", "the cap", "no texts", "later", "not at all"],
)
def test_the_card_says_what_the_outcome_does(lake, noon, sign_in, contacts, email, refused, page, goes):
    agent = make_user()
    task = card_of(lake, agent, contacts=contacts, email=email, refused=refused)
    shown = sign_in(agent).get("/desk").text
    assert page in shown
    assert ("No note can be sent" in shown) is (goes is None)
    panel = {way.medium: way.why_not for way in sendable.ways(task, agent)}
    for medium, label in ((SMS, "Texts"), (EMAIL, "Emails")):
        said = shown.partition(f"<dt>{label}</dt><dd>")[2].partition("</dd>")[0]
        assert said.removeprefix("not now: ").removeprefix("no: ") == (panel[medium] or "nothing against it")
    record(task, agent, Outcome.WILLING)
    sent = db.session.scalars(sa.select(Message)).all()
    assert [str(message.channel) for message in sent] == ([goes] if goes else [])
    noon.tick(timedelta(minutes=1, seconds=1))
    for message in sent:
        if message.send_after <= clock.now():
            assert sending.deliver(message.id) is MessageState.DELIVERED, "the gate says so when it leaves"
        else:
            assert message.send_after == TOMORROW
    told = db.session.scalar(sa.select(TaskEvent.facts).where(TaskEvent.kind == EventKind.DONE))
    assert ("note" in told) is (page.find("Sends") < 0), "the task's story tells it where it is not the usual"


def test_a_note_that_fails_afterwards_stands_on_the_board(lake, noon):
    agent = make_user()
    task = card_of(lake, agent, contacts=0, email=False)
    record(task, agent, Outcome.WILLING)
    with transaction("test"):
        suppress(task.person_key, "sms", "STOP_SMS", "said elsewhere", "test", lake.id)
    noon.tick(timedelta(minutes=2))
    assert sending.deliver(db.session.scalars(sa.select(Message.id)).one()) is MessageState.BLOCKED
    (line,) = broken_promises(Asked(practice="lake"))
    assert (line.task_id, line.why, line.over) == (None, "blocked: wrote STOP", True)
