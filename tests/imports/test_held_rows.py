"""A row that is put aside and says a no, or what nobody understands, of a patient we have: they are not contacted until
it is made right, understood in a later file, or forgotten, which counts as a no."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.imports.actions import set_aside
from ops.imports.loading import correct, forget_raw
from ops.imports.models import Import, QuarantinedRow
from tests import exports
from tests.loads import HEAD, load, patient
from tests.uploads import text
from tests.world import make_practice

pytestmark = pytest.mark.usefixtures("app")

TWO = HEAD + "1,Ada,Lane,1985-03-12,312-555-0101,ada@example.com,no\n2,Bea,Cole,1985-03-12,312-555-0102,,no\n"
WORDS = {
    "a word that is neither yes nor no": "1,Ada,Lane,1985-03-12,312-555-0101,ada@example.com,ask her husband\n",
    "a no beside a cell that cannot be read": "1,Ada,Lane,the spring,312-555-0101,ada@example.com,yes\n",
    "a flag in a name beside one": "1,Ada,Lane DO NOT CALL,the spring,312-555-0101,ada@example.com,no\n",
    "the number in another writing": "0001,Ada,Lane,1985-03-12,312-555-0101,ada@example.com,ask her husband\n",
}


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def held() -> set[str]:
    """The patients somebody with their number or address would be held back as."""
    db.session.rollback()
    query = "SELECT a.external_id FROM patients a JOIN unread_keys u ON u.key IN (a.phone_key, a.email_key)"
    return set(db.session.scalars(sa.text(query)))


def the_row() -> QuarantinedRow:
    return db.session.scalars(sa.select(QuarantinedRow).order_by(QuarantinedRow.id.desc())).first()


@pytest.mark.parametrize("row", WORDS.values(), ids=WORDS.keys())
def test_whoever_such_a_row_is_about_is_held_back_by_number_and_address(practice, row):
    load(practice, TWO)
    outcome = load(practice, HEAD + row)
    assert len(outcome.quarantined) == 1 and outcome.held == 1
    assert held() == {"1"}


def test_a_row_that_says_nothing_of_contacting_them_holds_nobody_back(practice):
    load(practice, TWO)
    assert load(practice, HEAD + "1,Ada,Lane,the spring,312-555-0101,,no\n").held == 0
    assert held() == set()


def test_a_patient_of_the_same_file_is_held_back_too(practice):
    load(
        practice, HEAD + "1,Ada,Lane,1985-03-12,312-555-0101,,ask her husband\n1,Ada,Lane,1985-03-12,312-555-0101,,no\n"
    )
    assert held() == {"1"}


def test_a_patient_who_comes_with_a_later_file_of_the_same_load_is_held_back_too(practice):
    aside = HEAD + "5,Eve,New,1985-03-12,312-555-0105,,ask her husband\n"
    load(practice, aside, "Patient ID,First Name,Last Name,Mobile\n5,Eve,New,312-555-0105\n")
    assert held() == {"5"}


NAMELESS = "First Name,Last Name,DOB,Mobile,Email,DND\n"


def test_a_row_without_a_number_holds_back_whomever_it_may_be_about(practice):
    load(practice, TWO + "3,Ada,Lane,,,al@example.com,no\n4,Ada,Lane,1990-01-01,312-555-0104,,no\n")
    for row, people in (
        (",,,(312) 555-0102,,ask her husband\n", {"2"}),
        ("Zoe,Zed,,,ADA@example.com,ask her husband\n", {"1"}),
        ("Ada,Lane,1985-03-12,,,ask her husband\n", {"1", "3"}),
        ("Ada,LANE,the spring,,,yes\n", {"1", "3", "4"}),
        ('"Bea","Cole,1985-03-12,312-555-0102,,no\n', {"2"}),
        ("Bea,Cole,312-555-0102,,yes\n", {"2"}),
        ("Zoe,Zed,1985-03-12,,,ask her husband\n", set()),
    ):
        outcome = load(practice, NAMELESS + row)
        assert (held(), outcome.held) == (people, bool(people)), row
        with transaction("test"):
            db.session.execute(sa.update(QuarantinedRow).values(about=None))


def test_who_was_held_back_by_a_number_stays_so_under_the_next_one(practice):
    load(practice, TWO)
    load(practice, NAMELESS + "Ada,Lane,1985-03-12,312-555-0101,,ask her husband\n")
    load(practice, "Patient ID,First Name,Last Name,Mobile\n1,Ada,Lane-Cole,312-555-0177\n")
    assert held() == {"1"} and patient("1").phone == "+13125550177"
    load(practice, HEAD + "1,Ada,Lane-Cole,1985-03-12,312-555-0177,,no\n")
    assert held() == set()


def test_a_no_of_somebody_whose_number_is_unknown_or_anothers_waits_for_them(practice):
    load(practice, TWO)
    opt_outs = "Patient ID,Appt Date,Service,DND\n"
    outcome = load(practice, opt_outs + "9,2026-05-02,Botox,yes\n")
    assert (outcome.held, outcome.held_later) == (0, 1)
    load(practice, "Patient ID,First Name,Last Name,Mobile\n9,Eve,New,312-555-0109\n")
    assert held() == {"9"}
    outcome = load(practice, HEAD + "2,Xenia,Young,1960-01-01,312-555-0188,,yes\n")
    assert "belongs to somebody else" in outcome.quarantined[0]["reasons"][0]
    assert held() == {"2", "9"}


def test_a_bundle_that_understands_them_lets_go_whom_another_did_not_but_not_who_refused(practice):
    people = [
        exports.fhir_patient("a"),
        exports.fhir_patient("b", telecom=[{"system": "phone", "value": "312-555-0109"}]),
    ]
    load(practice, ("b.json", exports.bundle(*people)))
    flag = {"resourceType": "Flag", "status": "active", "subject": {"reference": "Patient/b"}, "code": {"text": "DNC"}}
    outcome = load(practice, ("b.json", exports.bundle(people[0] | {"birthDate": "soon"}, people[1], flag)))
    assert (outcome.rows_read, outcome.held, held()) == (3, 2, {"a", "b"})
    load(practice, ("b.json", exports.bundle(*people)))
    assert held() == {"b"}


def test_the_row_made_right_lets_them_go_or_keeps_the_no(practice):
    load(practice, TWO)
    for answer, kept in (("no", 0), ("yes", 2)):
        load(practice, HEAD + WORDS["a word that is neither yes nor no"])
        row = the_row()
        with transaction("test"):
            assert correct(row, [*row.cells[:-1], answer], "test") == ()
        assert held() == set()
        assert len(db.session.scalars(sa.select(Suppression.id)).all()) == kept


def test_a_later_file_that_says_it_so_that_we_understand_lets_them_go(practice):
    load(practice, TWO)
    load(practice, HEAD + WORDS["a word that is neither yes nor no"])
    load(practice, "Patient ID,First Name,Last Name\n1,Ada,Lane\n")
    assert held() == {"1"}, "a file that says nothing of contacting them is no answer"
    load(practice, TWO)
    assert held() == set()


def test_what_nobody_made_right_before_its_file_is_forgotten_counts_as_a_no(practice):
    load(practice, TWO)
    load(practice, HEAD + WORDS["a word that is neither yes nor no"])
    with freeze_time("2026-07-20"), transaction("tick"):
        forget_raw()
    ada = patient("1")
    assert {(row.contact_key, row.channel.value) for row in db.session.scalars(sa.select(Suppression))} == {
        (ada.phone_key, "all"),
        (ada.email_key, "all"),
    }


def test_setting_all_rows_aside_leaves_those_that_hold_somebody_back(practice):
    load(practice, TWO)
    load(practice, HEAD + "9,Cleo,Drew,the spring,,,no\n" + WORDS["a word that is neither yes nor no"])
    with transaction("test"):
        assert set_aside(db.session.get_one(Import, the_row().import_id)) == 1
    assert held() == {"1"}


def test_the_page_names_who_is_held_back_first(practice, sign_in):
    from tests.world import make_user

    load(practice, TWO)
    load(practice, HEAD + "9,,Drew,1985-03-12,,,no\n" + WORDS["a word that is neither yes nor no"])
    lead = sign_in(make_user("lead"))
    page = text(lead.get(f"/practices/lake/imports/{the_row().import_id}"))
    assert "1 row says something about contacting somebody" in page and "Holds 1 patient" in page
