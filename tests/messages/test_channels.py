"""Messages through the real outside: a worker process that is killed, and a real SMTP server."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from ops import clock
from ops.agency.queries import emails_wait
from ops.background import Job, queue, ring
from ops.config import settings
from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.messages import actions, jobs, queries, sending
from ops.messages.leaving import unsubscribe_url
from ops.messages.models import Message, MessageEvent, MessageState, RecorderDelivery
from ops.practices.models import Practice
from tests import world
from tests.outbox import published

pytestmark = pytest.mark.kills

NOON = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)
TEXT = "Hi Ada, it's Glow. Thank you for thinking of us."

# The product's own worker, with a recorder that hands the message over and then never gets to say so.
STUCK_WORKER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from ops import clock, create_app
from ops.messages.channels.recorder import Recorder
from ops.runtime import worker

really_send, sign = Recorder.send, Path(sys.argv[1])

def stuck(self, message):
    if sys.argv[2] == "after":
        really_send(self, message)
    sign.touch()
    time.sleep(600)

Recorder.send = stuck
clock._moved.set(datetime.fromisoformat(sys.argv[3]))
worker.work("messages", create_app())
"""


def queue_one(practice, channel="sms", key="loop:1", **over) -> Message:
    with clock.moved_to(NOON):
        patient = world.make_patient(practice, email="ada@example.com")
        to = patient.phone if channel == "sms" else patient.email
        given = {"to_address": to, "body": TEXT, "subject": "Thank you"} | over
        with transaction("test"):
            given = {"script_version_id": published()} | given
            return actions.queue_message(
                practice, patient, channel=channel, kind="loop_closing", reason_key=key, **given
            )


def states(message) -> list[str]:
    db.session.rollback()
    told = sa.select(MessageEvent.state).where(MessageEvent.message_id == message.id).order_by(MessageEvent.id)
    return [str(state) for state in db.session.scalars(told)]


def wait_for(true, seconds=30.0):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.05)


@pytest.fixture
def practice(app):
    with clock.moved_to(NOON - timedelta(days=30)):
        return world.make_practice("glow", "Glow", sender_name="Glow Studio", sender_email="hello@glow.example.com")


@pytest.fixture
def killed_worker(app, tmp_path):
    """`killed_worker("after")`: a real worker takes the message that is rung and is killed -9, with all its children,
    before or after the recorder got it.
    """

    def run(moment: str) -> None:
        sign = tmp_path / "handing-over"
        worker = subprocess.Popen(
            [sys.executable, "-c", STUCK_WORKER, str(sign), moment, NOON.isoformat()],
            env=dict(os.environ),
            cwd=Path(__file__).parents[2],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(sign.exists)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()

    return run


@pytest.mark.parametrize(
    ("moment", "delivered", "ends"),
    [
        ("after", 1, ["queued", "claimed", "attempting", "unknown", "accepted", "delivered"]),
        ("before", 0, ["queued", "claimed", "attempting", "unknown"]),
    ],
)
def test_a_worker_killed_while_handing_over_never_sends_twice(practice, killed_worker, moment, delivered, ends):
    message = queue_one(practice)
    killed_worker(moment)
    assert states(message) == ["queued", "claimed", "attempting"]
    with clock.moved_to(NOON), transaction("test"):
        ring(Job.SEND_MESSAGE, str(message.id), on="messages")  # the job run again, as RQ may
    with clock.moved_to(NOON):
        assert sending.deliver(message.id) is None
    wait_for(lambda: swept(NOON + timedelta(minutes=3), message))
    with clock.moved_to(NOON + timedelta(minutes=4)):
        jobs.upkeep()
        assert jobs.send_due() == 0
    assert states(message) == ends
    assert db.session.scalar(sa.select(sa.func.count()).select_from(RecorderDelivery)) == delivered


def swept(moment, message) -> bool:
    """Sweep once; the server needs a moment to notice that the killed worker's connection is gone."""
    with clock.moved_to(moment):
        jobs.upkeep()
    return "unknown" in states(message)


def test_a_worker_that_is_only_slow_keeps_its_message(app, practice, monkeypatch):
    from ops.messages.channels import recorder

    message, inside, go_on = queue_one(practice), threading.Event(), threading.Event()
    really_send = recorder.Recorder.send

    def slow(self, outgoing):
        inside.set()
        assert go_on.wait(20)
        really_send(self, outgoing)

    monkeypatch.setattr(recorder.Recorder, "send", slow)

    def work():
        with app.app_context(), clock.moved_to(NOON):
            sending.deliver(message.id)

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(20)
    with clock.moved_to(NOON + timedelta(minutes=10)):
        jobs.upkeep()
    assert states(message)[-1] == "attempting"
    go_on.set()
    worker.join()
    assert states(message)[-1] == "delivered"


def test_a_rung_message_is_sent_by_the_real_worker(practice):
    message = queue_one(practice)
    assert [(job.func_name, job.description) for job in queue("messages").jobs] == [
        ("ops.messages.jobs.send", "ops.messages.jobs.send")
    ]
    script = f"""
from datetime import datetime
from ops import clock, create_app
from ops.runtime import worker
clock._moved.set(datetime.fromisoformat({NOON.isoformat()!r}))
worker.work("messages", create_app())
"""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    worker = subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], start_new_session=True, **quiet
    )
    try:
        wait_for(lambda: states(message)[-1] == "delivered")
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


# --- email


class Postbox:
    """Takes emails, or answers what it is told to."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.answer_to_address = self.answer_to_mail = "250 OK"
        self.hang_up = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answer_to_address.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer_to_address

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope.content)
        if self.hang_up:
            server.transport.close()
        return self.answer_to_mail


@pytest.fixture
def postbox(app, monkeypatch):
    """A real SMTP server on this machine, set as SMTP_URL."""
    box = Postbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{port}")
    monkeypatch.setenv("POSTAL_ADDRESS", "1 Main Street, Springfield, IL 62701")
    monkeypatch.setenv("PUBLIC_URL", "https://keeper.example.com")
    settings.cache_clear()
    yield box
    controller.stop()


def send(message, moment=NOON):
    with clock.moved_to(moment):
        return sending.deliver(message.id)


def test_an_email_goes_out_whole_with_the_headers_that_let_a_reader_leave(practice, postbox):
    message = queue_one(practice, "email", body="Hi Zoë,\n\nthank you – for “thinking” of us.")
    assert send(message) is MessageState.ACCEPTED
    raw = postbox.mails[0]
    mail = message_from_bytes(raw, policy=modern)
    assert mail["From"] == "Glow Studio <hello@glow.example.com>" and mail["To"] == "ada@example.com"
    assert mail["Subject"] == "Thank you"
    assert mail["List-Unsubscribe"] == f"<{unsubscribe_url(message.id)}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert b"List-Unsubscribe: <https://keeper.example.com/u/" in raw, "not folded"
    assert mail["Message-ID"] == db.session.get_one(Message, message.id, populate_existing=True).provider_id
    text = mail.get_content().replace("\r\n", "\n")
    assert text.strip() == message.body.strip()
    assert "1 Main Street" in text and "Zoë" in text


def test_the_message_id_is_stored_before_the_email_leaves(practice, postbox, monkeypatch):
    from ops.mail import client

    message, seen = queue_one(practice, "email"), []
    connect = client.connect

    def look(url):
        with db.engine.connect() as other:
            seen.append(other.scalar(sa.select(Message.provider_id)))
        return connect(url)

    monkeypatch.setattr(client, "connect", look)
    send(message)
    assert seen == [f"<{message.id}@glow.example.com>"]


def test_without_a_server_emails_stay_on_the_recorder(practice, postbox, monkeypatch):
    monkeypatch.setenv("SMTP_URL", "")
    settings.cache_clear()
    assert send(queue_one(practice, "email")) is MessageState.DELIVERED
    assert not postbox.mails and not emails_wait()


def test_with_a_server_an_email_that_lacks_an_address_of_ours_waits_and_is_not_called_sent(
    practice, postbox, monkeypatch
):
    message = queue_one(practice, "email")
    monkeypatch.setenv("POSTAL_ADDRESS", "")
    settings.cache_clear()
    assert send(message) is MessageState.QUEUED
    assert "no postal address" in emails_wait() and emails_wait() in queries.events(message)[-1].note
    monkeypatch.setenv("POSTAL_ADDRESS", "1 Main Street")
    settings.cache_clear()
    assert not emails_wait()
    with transaction("test"):
        db.session.get_one(Practice, practice.id).sender_email = ""
    assert send(message, NOON + sending.LOOK_AGAIN) is MessageState.QUEUED
    assert not postbox.mails
    with transaction("test"):
        db.session.get_one(Practice, practice.id).sender_email = "hello@glow.example.com"
    assert send(message, NOON + 2 * sending.LOOK_AGAIN) is MessageState.ACCEPTED
    assert len(postbox.mails) == 1


def test_an_address_that_does_not_exist_is_not_tried_again(practice, postbox):
    postbox.answer_to_address = "550 no such user"
    message = queue_one(practice, "email")
    assert send(message) is MessageState.FAILED
    told = db.session.execute(sa.select(Suppression.contact_key, Suppression.channel, Suppression.reason)).all()
    assert told == [(message.contact_key, "email", "BOUNCED")]
    assert send(queue_one(practice, "email", "loop:2")) is MessageState.BLOCKED


@pytest.mark.parametrize("where", ["answer_to_address", "answer_to_mail"])
def test_a_busy_server_is_tried_again_later(practice, postbox, where):
    setattr(postbox, where, "451 try again later")
    message = queue_one(practice, "email")
    assert send(message) is MessageState.QUEUED
    setattr(postbox, where, "250 OK")
    assert send(message) is None, "not at once"
    assert send(message, NOON + sending.TRY_AGAIN) is MessageState.ACCEPTED


def test_a_server_that_refuses_the_email_fails_it(practice, postbox):
    postbox.answer_to_mail = "554 not from you"
    assert send(queue_one(practice, "email")) is MessageState.FAILED
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Suppression)) == 0


def test_a_server_that_is_away_is_tried_again_later(practice, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("POSTAL_ADDRESS", "1 Main Street")
        settings.cache_clear()
        assert send(queue_one(practice, "email")) is MessageState.QUEUED


def test_a_connection_lost_after_the_email_went_over_is_unknown_for_a_person(practice, postbox):
    postbox.hang_up = True
    message = queue_one(practice, "email")
    assert send(message) is MessageState.UNKNOWN
    with clock.moved_to(NOON + timedelta(minutes=5)):
        jobs.upkeep()
        jobs.send_due()
    assert states(message)[-1] == "unknown" and len(postbox.mails) == 1
