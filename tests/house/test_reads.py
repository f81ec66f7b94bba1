"""Whoever sees a patient's name, number, address or words is written down, whatever page shows them.

Every route is opened by everybody who may, in a practice where one patient has something of everything. New routes are
found here; what an answer shows of that patient without a line in the log must say why in SEEN_BEFORE.
"""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import PatientRead, Role
from ops.concerns.models import Concern
from ops.db import db, transaction
from ops.imports.models import QuarantinedRow
from ops.messages.actions import queue_message, receive
from ops.messages.models import InboundMessage
from ops.referrals.actions import NewFriend, receive_referral
from ops.work.answers import OptIn
from ops.work.outcomes import Outcome
from tests.floors import NOON, claim, make_floor, make_task, record
from tests.house.test_routes import fill, methods, rules
from tests.loads import HEAD, load
from tests.uploads import number, upload
from tests.world import make_milestone, make_patient, make_user

TELLS = ("Quintessa", "Zyxwell", "555-0166", "+13125550166", "zyx@", "Perpetua", "555-0167", "+13125550167", "swollen")
"""Of one patient, of the friend they sent, and of what they said; and of the same people in files."""
SEEN_BEFORE = {
    # endpoint: why what it shows is in the log already
    "desk.desk": "the card was read when it was claimed; its number is covered until it is asked for, which is logged",
}
FORMS = {
    # what a POST is given, by endpoint; the others get nothing
    "record.find_anywhere": {"wanted": "Quintessa Zyxwell"},
    "record.find_here": {"wanted": "Quintessa Zyxwell"},
    "messages.answer": {"body": "ok"},
}


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def world(app, sign_in):
    """Ids by the names routes give them, and who looks."""
    lake = make_floor("lake", name="Lake Skin")
    agent, lead = make_user("agent", name="Ann Agent"), make_user("lead", name="Lena Lead")
    quin = make_patient(lake, "Quintessa", "Zyxwell", phone="+13125550166", email="zyx@example.com")
    make_milestone(quin, days_ago=20)
    make_task(lake, patient=quin)
    attempt = record(claim(agent), agent, Outcome.NOT_HAPPY, note="It is swollen")
    with transaction("test"):
        receive_referral(
            lake, quin, NewFriend("Perpetua", "+13125550167", None, OptIn.ON_THE_CALL), actor="test", ask=None
        )
        texts = [
            queue_message(
                lake, whose, channel="sms", kind=kind, reason_key=kind, to_address=to, body="Hi Quintessa. Reply STOP."
            )
            for whose, kind, to in ((quin, "note", "+13125550166"), (None, "friend_note", "+13125550167"))
        ]
        receive(lake, channel="sms", from_address="+13125550166", body="It is swollen", provider_id="x")
    browsers = {Role.LEAD: sign_in(lead), Role.AGENT: sign_in(agent), Role.MEMBER: sign_in(make_user("member", lake))}
    wrong = HEAD + "9,Quintessa,Zyxwell,1985-XX-XX,3125550166,zyx@example.com,\n"
    load(lake, wrong)
    waiting = number(upload(browsers[Role.LEAD], ("visits.csv", wrong)))
    row = db.session.scalars(sa.select(QuarantinedRow)).one()
    ids = {
        "slug": "lake",
        "patient_id": quin.id,
        "task_id": attempt.task_id,
        "attempt_id": attempt.id,
        "concern_id": db.session.scalars(sa.select(Concern.id)).one(),
        "message_id": texts[0].id,
        "reply_id": db.session.scalars(sa.select(InboundMessage.id)).one(),
        "row_id": row.id,
        "file_id": row.file_id,
        "import_id": row.import_id,
    }
    return ids, waiting, browsers


def looks() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(PatientRead)) or 0


def test_every_page_that_shows_a_patient_leaves_a_line_in_the_log(app, world, monkeypatch):
    monkeypatch.setattr("tests.browser.check_house_style", lambda html: None)  # pieces of pages are opened too
    ids, waiting, browsers = world
    showing, unlogged = set(), []
    for rule in rules(app):
        roles = getattr(app.view_functions[rule.endpoint], "roles", set())  # an admin may what a lead may
        for role, browser in browsers.items():
            for method in methods(rule) if role in roles else ():
                if method == "POST" and rule.endpoint not in FORMS:
                    continue
                addresses = [fill(rule, **ids)]
                if "import_id" in rule.arguments:
                    addresses.append(fill(rule, **ids | {"import_id": waiting}))
                for address in addresses:
                    before = looks()
                    answer = browser.open(address, method=method, data=FORMS.get(rule.endpoint))
                    if answer.status_code >= 300 or not any(word in answer.text for word in TELLS):
                        continue
                    showing.add(rule.endpoint)
                    if looks() == before and rule.endpoint not in SEEN_BEFORE:
                        told = [word for word in TELLS if word in answer.text]
                        unlogged.append(f"{role} {method} {address}: {told}")
    assert unlogged == []
    must = {
        "messages.outbox",
        "messages.message",
        "imports.show_import",
        "imports.wrong_rows",
        "imports.correcting_row",
    }
    assert must <= showing, must - showing
