"""What a file says that people agreed to: kept once, word for word, opening nothing, and over with the first no."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.contact.actions import record_consent, suppress
from ops.contact.asking import KNOWN
from ops.contact.lifting import lift_agreed
from ops.contact.models import ConsentEvent, SuppressedChannel
from ops.contact.queries import has_agreed
from ops.contact.said_yes import FileYes, files_yeses, was_wrong
from ops.db import db, transaction
from ops.errors import Refused
from ops.imports.reading.answers import says_yes
from ops.imports.reading.recognising import recognise
from ops.messages.actions import receive
from tests import exports
from tests.loads import load, patient
from tests.world import make_practice

pytestmark = pytest.mark.usefixtures("app")
HEAD = "Patient ID,First Name,Last Name,Mobile,Email,SMS Consent,Email OK,OK to contact\n"
ADA = "1,Ada,Lane,312-555-0101,ada@example.com,"
FILE = HEAD + ADA + "Single opt-in,no,\n2,Bea,Cole,312-555-0102,,unknown,,yes\n3,Cy,Hale,,cy@example.com,Y,yes,\n"


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def yeses(practice, number="1") -> list[FileYes]:
    who = patient(number)
    return files_yeses(practice.id, [who.id], [key for key in (who.phone_key, who.email_key) if key])


def test_a_yes_is_kept_once_with_its_column_words_file_number_and_day_and_a_lacking_answer_is_none(practice):
    outcome = load(practice, ("clients.csv", FILE))
    assert outcome.agreed == {"sms": 2, "email": 1, "all": 1}
    (ada,) = yeses(practice)
    said = ada.event
    assert (said.channel, said.header, said.words, said.file) == (
        "sms",
        "SMS Consent",
        "Single opt-in",
        "clients.csv",
    )
    assert (said.practice_id, said.contact_key) == (practice.id, patient("1").phone_key)
    assert f"{said.at:%Y-%m-%d} {said.actor[:7]}" == "2026-06-15 import:" and ada.stands
    assert [(one.event.channel, one.event.words) for one in yeses(practice, "2")] == [("all", "yes")]
    # the words are kept of whoever has no number too, but of no number
    assert {(one.event.channel, one.event.contact_key) for one in yeses(practice, "3")} == {
        ("sms", None), ("email", patient("3").email_key),
    }  # fmt: skip
    before = db.session.scalar(sa.select(sa.func.count()).select_from(ConsentEvent))
    again = load(practice, ("again.csv", FILE))
    assert (again.rows_unchanged, again.agreed) == (3, outcome.agreed)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ConsentEvent)) == before
    # other words of the same column are a yes of their own; a new number has one of its own
    later = load(practice, HEAD + ADA.replace("0101", "0111") + "Single opt-in,no,\n")
    assert later.rows_stored == 1
    assert {one.event.contact_key for one in yeses(practice)} == {said.contact_key, patient("1").phone_key}


def test_a_files_yes_is_nobodys_own_word_and_opens_nothing(practice):
    load(practice, FILE)
    ada = patient("1")
    assert not has_agreed(practice.id, ada.phone_key)
    facts = {"practice": practice.id, "phone": ada.phone_key, "email": ada.email_key, "channel": "sms"}
    asked = facts | {"at": clock.now(), "task": None}
    assert db.session.execute(KNOWN, asked).one().consent is None
    with transaction("test"):
        record_consent(
            ada.phone_key, practice.id, person=f"patient:{ada.id}", channel="sms", purpose="care", given=False,
            how="form", words="no more", actor="user:1",
        )  # fmt: skip
    assert not yeses(practice)[0].stands
    load(practice, FILE.replace("Single opt-in", "Opted in"))
    assert db.session.execute(KNOWN, asked).one().consent is False
    assert not has_agreed(practice.id, ada.phone_key) and not any(one.stands for one in yeses(practice))


@pytest.mark.parametrize("first", ["no", "yes"])
@pytest.mark.parametrize("who", ["stop", "agency", "file"])
def test_a_no_of_any_source_before_or_after_it_is_not_outlived_by_a_files_yes(practice, first, who):
    load(practice, HEAD + ADA + ("Yes" if first == "yes" else "?") + ",,\n")
    ada = patient("1")
    with freeze_time("2026-06-16 15:00"):
        match who:
            case "stop":
                with transaction("test"):
                    receive(practice, channel="sms", from_address=ada.phone, body="STOP", provider_id="1")
            case "agency":
                with transaction("test"):
                    suppress(ada.phone_key, "all", "DNC_AGENCY", "said to an agent", "user:1")
            case "file":
                load(practice, HEAD + ADA + "No,,\n")
    with freeze_time("2026-06-17 15:00"):
        load(practice, HEAD + ADA + "opted in,,\n")
    assert yeses(practice) and not any(one.stands for one in yeses(practice))


def test_after_their_own_new_word_only_what_a_file_says_from_then_on_stands(practice):
    load(practice, FILE)
    ada = patient("1")
    with freeze_time("2026-06-16 15:00"), transaction("test"):
        suppress(ada.phone_key, "sms", "STOP_SMS", "reply STOP", "outbox", practice.id)
    with freeze_time("2026-06-17 15:00"), transaction("test"):
        lift_agreed(practice.id, [ada.phone_key], [SuppressedChannel.SMS], "text me again", "user:1")
    assert not yeses(practice)[0].stands
    with freeze_time("2026-06-18 15:00"):
        load(practice, HEAD + ADA + "Opted in,no,\n")
    assert [one.stands for one in yeses(practice)] == [True, False]


def test_a_yes_the_practice_does_not_repeat_is_over_and_kept(practice):
    load(practice, ("may.csv", FILE))
    with freeze_time("2026-07-01 15:00"):
        outcome = load(practice, ("july.csv", HEAD + ADA + ",no,\n"))
        load(practice, "Patient ID,First Name,Last Name,Mobile\n2,Bea,Cole,312-555-0102\n")  # says nothing of it
    (ada,) = yeses(practice)
    assert (ada.stands, ada.event.ended_at is None, ada.event.ended_words) == (False, False, "july.csv")
    assert (outcome.rows_stored, outcome.agreed) == (1, {})
    assert [one.stands for one in yeses(practice, "2")] == [True]
    with freeze_time("2026-08-01 15:00"):
        load(practice, ("august.csv", FILE))
    assert [(one.stands, one.event.file) for one in yeses(practice)] == [(True, "august.csv"), (False, "may.csv")]


def test_what_a_lead_calls_wrong_is_kept_and_stays_wrong_whichever_file_repeats_it(practice):
    load(practice, FILE)
    ada = patient("1")
    event = yeses(practice)[0].event.id
    with pytest.raises(Refused), transaction("user:1"):
        was_wrong(practice.id, [ada.id], event, " ", "user:1")
    with pytest.raises(Refused), transaction("user:1"):
        was_wrong(practice.id, [patient("2").id], event, "not hers", "user:1")
    with transaction("user:1"):
        was_wrong(practice.id, [ada.id], event, "The column is about photos.", "user:1")
    load(practice, FILE)
    (said,) = yeses(practice)
    assert (said.stands, said.event.words, said.event.ended_words) == (
        False, "Single opt-in", "The column is about photos.",
    )  # fmt: skip


def test_a_row_that_is_put_aside_and_a_name_that_refuses_say_no_yes(practice):
    rows = "1,Ada,Lane,312-555-0101,no address,Yes,,\n2,Bea DO NOT TEXT,Cole,312-555-0102,,Yes,Yes,\n"
    outcome = load(practice, HEAD + rows)
    assert len(outcome.quarantined) == 1
    assert [one.event.channel for one in yeses(practice, "2")] == ["email"]
    assert outcome.agreed == {"email": 1}


def test_an_extension_of_a_bundles_patient_that_is_true_is_a_yes(practice):
    url = "http://example.com/fhir/sms-consent"
    ada = {"resourceType": "Patient", "id": "1", "name": [{"given": ["Ada"], "family": "Lane"}]}
    ada |= {"telecom": [{"system": "phone", "value": "312-555-0101"}]}
    load(practice, ("b.json", exports.bundle(ada | {"extension": [{"url": url, "valueBoolean": True}]})))
    (yes,) = yeses(practice)
    assert (yes.event.channel, yes.event.header, yes.event.words, yes.stands) == ("sms", "sms-consent", "true", True)
    load(practice, ("c.json", exports.bundle(ada | {"extension": [{"url": url}]})))
    assert not yeses(practice)[0].stands


@pytest.mark.parametrize(
    ("header", "cell", "yes"),
    [
        ("SMS Consent", "Yes", True),
        ("TxtMsgOk", "1", True),
        ("TxtMsgOk", "0", False),
        ("SMS Opt In Date", "2026-01-05", True),
        ("SMS Opt In Date", "0000-00-00", False),
        ("SMS Opt Out", "Opted in", True),
        ("SMS Opt Out", "No", False),
        ("SMS Opt Out", "Not opted out", False),
        ("SMS Consent", "not blocked", False),
        ("Email OK", "", False),
        ("Email OK", "not asked", False),
        ("Email OK", "subscribed", True),
        ("Call OK", "declined", False),
    ],
)
def test_only_what_says_yes_itself_is_one(header, cell, yes):
    profile = recognise(["Patient ID", "First Name", "Last Name", "Phone", "Email", header])
    assert says_yes(profile.field_of(header), header, cell) is yes
