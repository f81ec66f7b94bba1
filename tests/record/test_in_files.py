"""What the practice's files say that somebody agreed to, on their record."""

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from freezegun import freeze_time

from ops.contact.actions import suppress
from ops.contact.models import ConsentEvent
from ops.db import db, transaction
from ops.messages.actions import queue_message
from ops.record.cli import patient as command
from tests.floors import NOON, make_floor
from tests.loads import load, patient
from tests.uploads import text
from tests.world import make_user

FILE = "Patient ID,First Name,Last Name,Mobile,SMS Consent,Call OK\n1,Ada,Lane,312-555-0142,Opted in,yes\n"


@pytest.fixture
def lake(app):
    with freeze_time(NOON):
        yield make_floor("lake", name="Lake Skin")


def test_a_lead_sees_what_the_yes_was_and_where_it_came_from_and_can_say_that_it_was_wrong(lake, sign_in):
    load(lake, ("clients.csv", FILE))
    lead, ada = sign_in(make_user("lead", name="Lena Lead")), patient("1")
    address = f"/practices/lake/patients/{ada.id}"
    page = text(lead.get(address, expect=200))
    for words in ("Texts : “Opted in” under “SMS Consent”", "Calls : “yes” under “Call OK”", "clients.csv"):
        assert words.replace(" :", ":") in page.replace(" :", ":"), words
    with transaction("test"):
        sent = queue_message(lake, ada, channel="sms", kind="ask", reason_key="x", to_address=ada.phone, body="Hello")
    assert "“Opted in” under “SMS Consent” in clients.csv" in text(lead.get(f"/outbox/{sent.id}", expect=200))
    texts, calls = db.session.scalars(
        sa.select(ConsentEvent.id).order_by(ConsentEvent.channel.desc())
    ).all()  # fmt: skip
    wrong = f"{address}/yes-was-wrong"
    assert "Please say what was wrong" in text(lead.post(wrong, data={"yes": texts, "why": ""}, expect=422))
    assert "does not stand any more" in text(lead.post(wrong, data={"yes": "x", "why": "slip"}, expect=422))
    lead.post(wrong, data={"yes": texts, "why": "About photos"}, expect=303)
    with transaction("test"):
        suppress(ada.phone_key, "call", "STOP_VOICE", "said to an agent", "user:1", lake.id)
    page = text(lead.get(address, expect=200))
    assert "It was wrong: About photos; Lena Lead" in page
    assert "They refused calls" in page
    assert "SMS Consent" not in text(lead.get(f"/outbox/{sent.id}", expect=200))
    asked = ["may-contact", "--practice", "lake", "--number", "1"]
    assert (
        "“yes” under “Call OK” in clients.csv (no yes any more: they refused calls)"
        in CliRunner().invoke(command, asked).output
    )
    why = ["yes-was-wrong", "--practice", "lake", "--number", "1", "--yes", str(calls), "--why", "old file"]
    assert CliRunner().invoke(command, why).exit_code == 0
    assert CliRunner().invoke(command, why).exit_code == 1


def test_an_agent_cannot_call_it_wrong(lake, sign_in):
    load(lake, ("clients.csv", FILE))
    event = db.session.scalars(sa.select(ConsentEvent.id)).first()
    wrong = f"/practices/lake/patients/{patient('1').id}/yes-was-wrong"
    sign_in(make_user("agent")).post(wrong, data={"yes": event, "why": "slip"}, expect=404)
