"""A patient's record, as leads read it and as nobody else may."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead
from ops.cadences import jobs
from ops.contact.actions import suppress
from ops.db import db, transaction
from ops.messages.actions import receive
from ops.practices.models import MilestoneKind
from ops.queue import jobs as queue_jobs
from ops.queue.models import CadenceRun
from ops.referrals.actions import NewFriend, receive_referral
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from tests.floors import NOON, claim, make_floor, make_task, record
from tests.uploads import text
from tests.world import make_milestone, make_patient, make_practice, make_user


@pytest.fixture
def lead(sign_in):
    return sign_in(make_user("lead", name="Lena Lead"))


def test_somebody_is_found_in_all_practices_by_what_is_exactly_theirs_and_each_look_is_on_record(lake, lead):
    ada = make_patient(lake, "Ada", "Lane", external_id="A-1", phone="+13125550142", email="ada@example.com")
    make_patient(lake, "Bea", "Moss", phone="+13125550143")
    here = make_patient(make_floor("hill", name="Hill Derm"), "Ada", "Lane", external_id="H-1", phone="+13125550142")
    for wanted in ("(312) 555-0142", " ada  LANE "):
        page = text(lead.post("/patients/find", data={"wanted": wanted}, expect=200))
        assert "Lake Skin" in page
        assert "Hill Derm" in page
        assert "Bea" not in page
    for wanted in ("ADA@example.com", "A-1", "(312) 555-0142", "Ada Lane"):
        page = text(lead.post("/practices/lake/patients/find", data={"wanted": wanted}, expect=200))
        assert "1 found" in page
    for wanted in ("Ada", "312555", "@example.com", "%", "A-"):
        assert "No patient has exactly this" in text(lead.post("/patients/find", data={"wanted": wanted}, expect=200))
    assert "Please say whom" in text(lead.post("/patients/find", data={"wanted": ""}, expect=422))
    seen = [(read.patient_id, read.what) for read in db.session.scalars(sa.select(PatientRead))]
    assert sorted(seen) == sorted([(ada.id, "search")] * 6 + [(here.id, "search")] * 2)


def test_the_record_shows_all_there_is_about_one_human(lake, lead, sign_in):
    ada = make_patient(lake, "Ada", "Lane", external_id="A-1", phone="+13125550142", email="ada@example.com")
    again = make_patient(lake, "Ada", "Lane", external_id="A-2", phone="+13125550142")
    make_milestone(again, "Filler", days_ago=20)
    make_task(lake, patient=ada)
    agent = make_user("agent", name="Ann Agent")
    task = claim(agent)
    record(task, agent, Outcome.NOT_HAPPY, note="It <b>hurts</b>")
    with transaction("test"):
        friend = NewFriend("Fay", "+13125550177", None, OptIn.ON_THE_CALL)
        receive_referral(lake, ada, friend, actor="test", ask=None)
        receive(lake, channel="sms", from_address="+13125550142", body="call me <i>later</i>", provider_id="x")
    address = f"/practices/lake/patients/{ada.id}"
    html = lead.get(address, expect=200).text
    page = text(lead.get(address))
    for words in (
        "A-1",
        "another record of theirs",
        "A-2",
        "Call no wrote something that nobody has read yet",
        "referral ask: Was not happy",
        "It &lt;b&gt;hurts&lt;/b&gt;",
        "They wrote by text: nobody has read it",
        "call me &lt;i&gt;later&lt;/i&gt;",
        "Treated: Filler",
        "Fay Received, not contacted yet Mar 11, 2026",
        "Friend Fay: received",
        "Was not happy",
        "No consent is on file.",
    ):
        assert words in page, words
    assert f'href="/tasks/{task.id}"' in html
    assert f'href="{address}"' in lead.get(f"/tasks/{task.id}").text
    read = sa.select(PatientRead.patient_id).where(PatientRead.what == "patient_page")
    assert set(db.session.scalars(read)) == {ada.id, again.id}


def test_a_milestone_recorded_by_hand_becomes_a_task_on_the_desk(lake, lead, at_noon):
    """Goal, review and grateful message start work in every practice; no file brings them."""
    for kind, wait in (
        (MilestoneKind.GRATEFUL_MESSAGE, 0),
        (MilestoneKind.REVIEW_LEFT, 1),
        (MilestoneKind.GOAL_REACHED, 1),
    ):
        patient = make_patient(lake, str(kind))
        address = f"/practices/lake/patients/{patient.id}"
        given = {"kind": kind.value, "happened_on": "2026-03-11", "treatment": ""}
        for _ in range(2):  # a double press is one
            lead.post(address + "/milestones", data=given, expect=303)
        at_noon.move_to(NOON + timedelta(days=wait))
        jobs.catch_up(lake.id)
        run = db.session.scalars(sa.select(CadenceRun).where(CadenceRun.patient_id == patient.id)).one()
        task = claim(make_user("agent"))
        assert (task.run_id, task.kind) == (run.id, Kind.ASK)
        at_noon.move_to(NOON)
        assert "Ask when the result shows” started" in text(lead.get(address, expect=200))


def test_what_is_wrong_with_a_milestone_is_said_and_nothing_typed_is_lost(lake, lead):
    address = f"/practices/lake/patients/{make_patient(lake).id}/milestones"
    for given, says in (
        ({"kind": "visit", "happened_on": "2026-03-12"}, "What has not happened yet is no milestone."),
        ({"kind": "visit", "happened_on": "soon"}, "Not a valid date value."),
        ({"kind": "", "happened_on": "2026-03-01"}, "Please say what happened."),
        ({"kind": "party", "happened_on": "2026-03-01"}, "Not a valid choice."),
    ):
        answer = lead.post(address, data={"treatment": "", **given}, expect=422)
        assert says in text(answer)
        assert f'value="{given["happened_on"]}"' in answer.text


def test_contact_data_is_corrected_by_hand(lake, lead):
    patient = make_patient(lake, phone="+13125550142", birth_date=date(2015, 1, 1))
    address = f"/practices/lake/patients/{patient.id}"
    assert "minor: never contacted" in text(lead.get(address, expect=200))
    facts = {"phone": "312 555 0199", "language": "es", "state": "CO", "zip": "80202", "stated_zone": "America/Denver"}
    lead.post(address + "/correct", data=facts, expect=303)
    assert (patient.phone, patient.language, patient.stated_zone) == ("+13125550199", "es", "America/Denver")
    page = text(lead.get(address))
    assert "phone from “(312) 555-0142” to “(312) 555-0199”" in page
    assert "language from English to Spanish" in page
    assert "Lena Lead" in page
    assert "dialled" in text(lead.post(address + "/correct", data={**facts, "phone": "none"}, expect=422))
    assert "ZIP" in text(lead.post(address + "/correct", data={**facts, "zip": "8o202"}, expect=422))


def test_nobody_else_finds_a_record(lake, sign_in, lead):
    patient = make_patient(lake)
    hill = make_practice("hill")
    for outsider in (make_user("agent"), make_user("member", lake), make_user("member", hill)):
        browser = sign_in(outsider)
        browser.get(f"/practices/lake/patients/{patient.id}", expect=404)
        browser.post(f"/practices/lake/patients/{patient.id}/milestones", data={"kind": "visit"}, expect=404)
        browser.get("/patients", expect=403)
        browser.post("/patients/find", data={"wanted": patient.phone}, expect=403)
    lead.get(f"/practices/hill/patients/{patient.id}", expect=404)
    lead.post(f"/practices/hill/patients/{patient.id}/correct", data={"language": "es"}, expect=404)
    assert db.session.scalars(sa.select(PatientRead)).all() == []


def test_a_step_that_was_left_out_and_a_promise_that_cannot_be_kept_are_told(lake, lead, at_noon):
    patient = make_patient(lake, "Ada", "Lane", email="ada@example.com")
    make_milestone(patient, "Toxin", days_ago=14)
    with transaction("test"):
        suppress(patient.phone_key, "call", "STOP_VOICE", "import 1", "test", lake.id)
    jobs.import_finished(lake.id)
    make_task(lake, patient=patient, promised_at=clock.now() + timedelta(hours=1))
    queue_jobs.upkeep()
    page = text(lead.get(f"/practices/lake/patients/{patient.id}"))
    assert "step 1 was left out" in page and "No call: asked not to be called." in page
    assert "the promise cannot be kept" in page
