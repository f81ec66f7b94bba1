"""Wrong rows made right, one by one or as a list; what is previewed, and what is forgotten."""

import csv
import io
from datetime import date

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.errors import Refused
from ops.imports import jobs, loading
from ops.imports.models import Import, ImportChunk, QuarantinedRow
from ops.imports.reading.fields import Field
from ops.imports.reading.preview import preview
from ops.imports.reading.records import Unreadable
from ops.practices.models import Milestone
from ops.practices.refusals import keys_of
from tests import exports
from tests.loads import HEAD, VISITS, load, patient
from tests.world import make_practice

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def test_a_row_corrected_on_the_page_is_stored_and_a_still_wrong_one_says_why(practice):
    load(practice, HEAD + "1,Ada,Lane,,312-555-0101,,yes\n2,Bea,Cole,soon,312-555-0102,,yes\n")
    row = db.session.scalars(sa.select(QuarantinedRow)).one()
    with transaction("test"):
        reasons = loading.correct(row, ["2", "Bea", "Cole", "later", "312-555-0102", "", "yes"], "user:1")
    assert (reasons, row.corrected_at) == (("DOB: 'later' is not a date",), None)
    with transaction("test"):
        assert loading.correct(row, ["2", "Bea", "Cole"], "user:1") == ("has 3 cells where the header has 7",)
    with transaction("test"):
        assert loading.correct(row, ["2", "Bea", "Cole", "1990-01-01", "312-555-0102", "", "yes"], "user:1") == ()
    assert row.corrected_at is not None
    assert patient("2").birth_date == date(1990, 1, 1)
    kept = set(db.session.scalars(sa.select(Suppression.contact_key)))
    waiting = {key for number in ("1", "2") for key in keys_of(patient(number).practice_id, number, None, None)}
    assert kept == {patient(number).phone_key for number in ("1", "2")} | waiting, "an address to come is refused too"
    with pytest.raises(Refused, match="already"), transaction("test"):
        loading.correct(row, row.cells, "user:1")


def test_a_visit_waits_in_quarantine_until_its_patient_is_known(practice):
    load(practice, VISITS + "V1,1,2026-05-02,Botox\n")
    row = db.session.scalars(sa.select(QuarantinedRow)).one()
    with transaction("test"):
        assert "no patient" in loading.correct(row, row.cells, "user:1")[0]
    load(practice, HEAD + "1,Ada,Lane,,312-555-0101,,\n")
    with transaction("test"):
        assert loading.correct(row, row.cells, "user:1") == ()
    assert db.session.scalar(sa.select(sa.func.count(Milestone.id))) == 1


def test_a_wrong_resource_of_a_bundle_can_be_corrected_as_json(practice):
    load(practice, ("b.json", exports.bundle(exports.fhir_patient(birthDate="2040-01-01"))))
    row = db.session.scalars(sa.select(QuarantinedRow)).one()
    with transaction("test"):
        assert loading.correct(row, [row.cells[0].replace("2040", "1990")], "user:1") == ()
    assert patient("p-1").birth_date == date(1990, 1, 1)


def wrong_list(rows: int) -> str:
    """The list of wrong rows of the only file of the newest import."""
    newest = db.session.scalars(sa.select(Import).order_by(Import.id.desc()).limit(1)).one()
    text = "".join(loading.wrong_rows_csv(newest.files[0]))
    assert len(list(csv.reader(io.StringIO(text)))) == rows + 1
    return text


WRONG = (
    HEAD + '1,Ada,Lane,soon,312-555-0101,,\n2,Bea,Cole,,312-555-0102,,no,9\n3,Cleo\n4,"Dora,Ennis,,,,\n'
    "5,E\0ve,Frost,,312-555-0105,,\n6,=1+1,Gray,later,312-555-0106,,\n"
)


def test_the_list_of_wrong_rows_loaded_again_unchanged_stays_wrong_to_the_last_row(practice):
    load(practice, WRONG)
    outcome = load(practice, wrong_list(6))
    assert (outcome.patients_new, len(outcome.quarantined)) == (0, 6)


@pytest.mark.parametrize(("third", "born"), [("30/11/1985", "1990-04-03"), ("11/30/1985", None)])
def test_a_date_in_the_list_of_wrong_rows_is_read_as_its_column_had_it_or_not_at_all(practice, third, born):
    rows = [f"1,Ada,Lane,31/12/1985,,nobody,\n2,Bea,Lane,{third},,,\n", "3,Cleo,Lane,03/04/1990,,nobody,\n"]
    load(practice, HEAD + "".join(rows))
    count = db.session.scalar(sa.select(sa.func.count(QuarantinedRow.id)))
    outcome = load(practice, wrong_list(count).replace("nobody", "somebody@example.com"))
    if born:
        assert str(patient("3").birth_date) == born
    else:
        assert (outcome.patients_new, len(outcome.quarantined)) == (0, count)


def test_the_list_of_wrong_rows_corrected_and_loaded_clears_them(practice):
    load(practice, WRONG)
    text = wrong_list(6)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[5]["First Name"] == "'=1+1", "a spreadsheet must not run it"
    for row in rows:
        row |= {"First Name": "Ada", "Last Name": "Lane", "DOB": "1985-03-12", "Mobile": "", "Email": "a@example.com"}
        row |= {"DND": "", "Patient ID": row["Patient ID"][:1], "surplus 1": ""}
    corrected = io.StringIO()
    writer = csv.DictWriter(corrected, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    outcome = load(practice, corrected.getvalue())
    assert (outcome.patients_new, outcome.quarantined) == (6, [])
    db.session.expire_all()
    assert all(row.corrected_at for row in db.session.scalars(sa.select(QuarantinedRow)))


def test_another_practices_quarantine_is_not_cleared_by_our_list(practice):
    load(practice, HEAD + "1,Ada,Lane,soon,,,\n")
    theirs = db.session.scalars(sa.select(QuarantinedRow)).one()
    other = make_practice("river")
    load(other, f"Patient ID,First Name,quarantined row\n1,Bea,{theirs.id}\n")
    db.session.expire_all()
    assert db.session.get_one(QuarantinedRow, theirs.id).corrected_at is None


def test_raw_files_and_wrong_rows_are_forgotten_after_thirty_days_and_the_counts_are_not(practice):
    with freeze_time("2026-05-01"):
        load(practice, HEAD + "1,Ada,Lane,soon,,,\n")
    with freeze_time("2026-05-31"):
        jobs.forget_raw_files()
        assert db.session.scalar(sa.select(sa.func.count(ImportChunk.number))) == 1
    with freeze_time("2026-06-01"):
        jobs.forget_raw_files()
    assert db.session.scalar(sa.select(sa.func.count(ImportChunk.number))) == 0
    assert db.session.scalar(sa.select(sa.func.count(QuarantinedRow.id))) == 0
    assert db.session.scalar(sa.select(Import.quarantined)) == 1


def test_a_preview_shows_columns_samples_and_what_is_dropped_without_storing(practice):
    seen = preview(exports.stream(exports.FRESHA), "f.csv", practice.zone, date(2026, 6, 15))
    assert (seen.profile_name, seen.kind, seen.lacking) == ("fresha", "patients", ())
    assert seen.dropped == ["Gender", "City", "Note", "Added"]
    mobile = next(column for column in seen.columns if column.header == "Mobile Number")
    assert (mobile.key, mobile.field, mobile.samples) == ("mobilenumber", Field.MOBILE, ("+1 312-555-0101",))
    assert len(seen.good) == 2
    assert preview(exports.stream("who\nAda\n"), "f", practice.zone, date(2026, 6, 15)).lacking == ("a name",)
    with pytest.raises(Unreadable):
        preview(exports.stream(b"%PDF-"), "f.csv", practice.zone, date(2026, 6, 15))
