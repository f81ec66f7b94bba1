"""Opt-outs in a file: kept, kept for every number, and followed to a new one."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.contact.actions import suppress
from ops.contact.models import Suppression
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.imports import loading
from ops.imports.loading.running import LoadError
from ops.imports.models import Import, ImportState
from ops.practices import refusals
from ops.practices.actions import correct_patient
from ops.practices.models import Patient
from tests import exports
from tests.loads import HEAD, everything, load, patient, received
from tests.world import make_practice

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def test_opt_outs_become_suppressions_under_every_number_and_address(practice):
    outcome = load(practice, HEAD + "1,Ada,Lane,,312-555-0101,ada@example.com,yes\n2,Bea,Cole,,312-555-0102,,no\n")
    assert outcome.suppressed == 1
    found = db.session.scalars(sa.select(Suppression)).all()
    ada = patient("1")
    assert {row.contact_key for row in found} == {ada.phone_key, ada.email_key}
    assert {(row.channel.value, row.practice_id) for row in found} == {("all", practice.id)}
    assert all("column DND" in row.source for row in found)


def test_an_opt_out_in_a_file_of_visits_reaches_the_patient_known_from_another(practice):
    load(practice, exports.MED_SPA_CLIENTS)
    outcome = load(practice, exports.MED_SPA_VISITS)
    assert outcome.suppressed == 1
    (row,) = db.session.scalars(sa.select(Suppression)).all()
    assert (row.contact_key, row.channel.value) == (patient("M1").phone_key, "sms")


def test_an_opt_out_follows_the_patient_to_a_new_number_and_a_new_address(practice):
    load(practice, HEAD + "1,Ada,Lane,,312-555-0101,,yes\n2,Bea,Cole,,312-555-0102,,no\n")
    with freeze_time("2026-07-01"):
        load(practice, "Patient ID,First Name,Mobile\n1,Ada,312-555-0111\n2,Bea,312-555-0112\n")
        load(practice, "Patient ID,First Name,Email\n1,Ada,ada@example.com\n")
    ada = patient("1")
    assert (ada.phone, ada.email) == ("+13125550111", "ada@example.com")
    kept = db.session.scalars(sa.select(Suppression.contact_key)).all()
    assert {ada.phone_key, ada.email_key} <= set(kept)
    assert patient("2").phone_key not in kept


def test_an_opt_out_waits_for_the_number_and_the_address_that_are_not_known_yet(practice):
    load(practice, "Patient ID,First Name,Email,SMS Opt Out\n1,Ada,ada@example.com,yes\n2,Bea,bea@example.com,no\n")
    load(practice, HEAD + "3,Cleo,Drew,,,,yes\n")
    later = "Patient ID,First Name,Mobile,Email\n1,Ada,312-555-0101,ada@example.com\n"
    load(practice, later + "2,Bea,312-555-0102,bea@example.com\n3,Cleo,312-555-0103,cleo@example.com\n")
    kept = set(db.session.execute(sa.select(Suppression.contact_key, Suppression.channel)).all())
    cleo = patient("3")
    assert {(patient("1").phone_key, "sms"), (cleo.phone_key, "all"), (cleo.email_key, "all")} <= kept
    assert not {patient("1").email_key, patient("2").phone_key, patient("2").email_key} & {key for key, _ in kept}


def test_an_opt_out_outlives_a_number_that_is_cleared_and_given_anew(practice):
    load(practice, HEAD + "1,Ada,Lane,,312-555-0101,,yes\n")
    load(practice, "Patient ID,First Name,Mobile\n1,Ada,\n")
    load(practice, "Patient ID,First Name,Mobile\n1,Ada,312-555-0111\n")
    assert patient("1").phone_key in db.session.scalars(sa.select(Suppression.contact_key)).all()


def test_an_opt_out_waits_for_a_number_that_is_entered_by_hand(practice):
    load(practice, HEAD + "1,Ada,Lane,1985-03-12,,,yes\n")
    with transaction("test"):
        correct_patient(practice, patient("1"), phone="312-555-0111")
    assert contact_key("+13125550111") in db.session.scalars(sa.select(Suppression.contact_key)).all()


def test_that_a_number_was_somebody_elses_does_not_follow_the_patient(practice):
    load(practice, HEAD + "1,Ada,Lane,,312-555-0101,,\n")
    with transaction("test"):
        suppress(patient("1").phone_key, "all", "WRONG_PERSON", "said on the call", "test", practice.id)
    load(practice, HEAD + "1,Ada,Lane,,312-555-0111,,\n")
    assert db.session.scalars(sa.select(Suppression.contact_key)).all() == [contact_key("+13125550101")]


def test_a_number_corrected_by_hand_keeps_the_opt_out_too(practice):
    load(practice, HEAD + "1,Ada,Lane,,312-555-0101,,yes\n")
    ada = patient("1")
    with transaction("test"):
        correct_patient(practice, ada, phone="312-555-0111")
    assert contact_key("+13125550111") in db.session.scalars(sa.select(Suppression.contact_key)).all()


def test_an_import_with_opt_outs_stops_when_nobody_keeps_them(practice, monkeypatch):
    monkeypatch.setattr(refusals, "_keeper", None)
    number = received(practice, ("file.csv", HEAD + "1,Ada,Lane,,312-555-0101,,yes\n"))
    with pytest.raises(LoadError, match=r"RuntimeError at refusals\.py"):
        loading.run(number)
    assert db.session.scalar(sa.select(sa.func.count(Patient.id))) == 0
    db.session.expire_all()
    assert db.session.get_one(Import, number).state is ImportState.FAILED


def test_what_a_patient_says_in_a_bad_row_is_never_half_kept(practice):
    load(practice, HEAD + "1,Ada,Lane,not a day,312-555-0101,ada@example.com,yes\n")
    assert everything() == [], "neither the patient nor the opt-out of a row that was not understood"
