"""Loading files into patients and milestones: what is stored, what is kept aside, and what a second time changes."""

import csv
import io
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.background import QUEUES, queue
from ops.contact.actions import suppress
from ops.contact.models import Suppression
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices import jobs, loading, refusals
from ops.practices.actions import correct_patient
from ops.practices.importing.fields import Field
from ops.practices.importing.recognising import mapped
from ops.practices.importing.records import Unreadable
from ops.practices.loading.running import LoadError
from ops.practices.loading.writing import Writer
from ops.practices.models import (
    Import,
    ImportChunk,
    ImportState,
    Milestone,
    Patient,
    QuarantinedRow,
    SavedMapping,
    TreatmentType,
)
from tests import exports
from tests.world import make_practice

pytestmark = pytest.mark.usefixtures("app")
HEAD = "Patient ID,First Name,Last Name,DOB,Mobile,Email,DND\n"
VISITS = "Visit ID,Patient ID,Appt Date,Service\n"


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def received(practice, *files, profile=None) -> int:
    """The number of an import of these (name, content), waiting to be run."""
    with transaction("test"):
        load = loading.receive(practice, [(name, exports.stream(content)) for name, content in files], "test")
        for file in load.files:
            loading.choose_profile(file, profile)
        loading.begin(load, ring_worker=False)
        return load.id


def load(practice, *files, profile=None) -> loading.Outcome:
    """The outcome of loading contents (or (name, content)), with the counts the import's row shows."""
    named = [file if isinstance(file, tuple) else (f"file{at}.csv", file) for at, file in enumerate(files)]
    number = received(practice, *named, profile=profile)
    assert loading.run(number)
    db.session.expire_all()
    row = db.session.get_one(Import, number)
    assert row.state is ImportState.DONE, row.problem
    return loading.outcome_of(number)


def everything() -> list[tuple]:
    """All patients, milestones and suppressions, with the times at which they changed."""
    db.session.expire_all()
    tables = (Patient.__table__, Milestone.__table__, Suppression.__table__)
    return [tuple(row) for table in tables for row in db.session.execute(sa.select(table).order_by(table.c.id))]


def patient(number: str) -> Patient:
    db.session.expire_all()
    return db.session.scalars(sa.select(Patient).where(Patient.external_id == number)).one()


def test_people_come_before_their_visits_in_whatever_order_the_files_are_given(practice):
    outcome = load(
        practice,
        ("procedures.csv", exports.SYNTHEA_PROCEDURES),
        ("organizations.csv", exports.SYNTHEA_ORGANIZATIONS),
        ("encounters.csv", exports.SYNTHEA_ENCOUNTERS),
        ("patients.csv", exports.SYNTHEA_PATIENTS),
    )
    assert outcome == loading.Outcome(
        rows_read=5, patients_new=3, patients_updated=0, milestones_new=2, quarantined=[], suppressed=0,
        unreachable=3, deceased=1, minors=1,
    )  # fmt: skip
    assert (patient("p-2").deceased, patient("p-2").death_date) == (True, date(2020, 2, 3))
    assert patient("p-1").last_name == "O'Néill345"


def test_the_same_files_again_change_nothing_at_all(practice):
    files = (exports.OPEN_DENTAL, exports.MED_SPA_CLIENTS, exports.MED_SPA_VISITS, exports.MINDBODY)
    first = load(practice, *files)
    before = everything()
    with freeze_time("2026-07-01"):
        again = load(practice, *files)
    assert everything() == before
    assert (again.patients_new, again.patients_updated, again.milestones_new) == (0, 0, 0)
    assert (again.rows_read, again.suppressed, again.unreachable) == (
        first.rows_read,
        first.suppressed,
        first.unreachable,
    )


def test_the_same_bundle_again_changes_nothing_and_csv_and_fhir_are_one_person(practice):
    content = exports.bundle(exports.fhir_encounter(), exports.fhir_procedure(), exports.fhir_patient())
    load(practice, exports.SYNTHEA_PATIENTS)
    outcome = load(practice, ("b.json", content))
    assert (outcome.patients_new, outcome.patients_updated, outcome.milestones_new) == (0, 1, 2)
    before = everything()
    load(practice, ("b.json", content))
    assert everything() == before


def test_a_corrected_file_updates_what_it_speaks_about_and_nothing_else(practice):
    load(practice, HEAD + "1,Ada,Lane,1985-03-12,312-555-0101,ada@example.com,no\n")
    outcome = load(practice, "Patient ID,First Name,Last Name,Mobile\n1,Adah,Lane,\n")
    assert (outcome.patients_new, outcome.patients_updated) == (0, 1)
    ada = patient("1")
    assert (ada.first_name, ada.phone, ada.phone_key) == ("Adah", None, None)
    assert (ada.email, ada.birth_date) == ("ada@example.com", date(1985, 3, 12))


def test_a_file_that_knows_no_days_of_death_does_not_raise_the_dead(practice):
    load(practice, "Patient ID,First Name,Death Date\n1,Ada,2020-02-03\n")
    load(practice, "Patient ID,First Name,Deceased\n1,Ada,no\n")
    assert (patient("1").deceased, patient("1").death_date) == (True, date(2020, 2, 3))


def test_a_corrected_visit_moves_instead_of_being_doubled(practice):
    load(practice, HEAD + "1,Ada,Lane,,312-555-0101,,\n", VISITS + "V1,1,2026-05-02,Botox\n")
    outcome = load(practice, VISITS + "V1,1,2026-05-09,Botox\n")
    assert outcome.milestones_new == 0
    assert db.session.scalars(sa.select(Milestone.happened_on)).all() == [date(2026, 5, 9)]


def test_a_treatment_is_the_type_with_the_longest_of_its_words_or_the_one_without(practice):
    rows = "1,a,2026-05-02,Laser hair removal legs\n2,a,2026-05-02,Fraxel LASER\n3,a,2026-05-02,Palm reading\n"
    load(practice, "Patient ID,First Name\na,Ada\n", VISITS + rows)
    names = sa.select(TreatmentType.name).join(Milestone, Milestone.treatment_type_id == TreatmentType.id)
    assert db.session.scalars(names.order_by(Milestone.id)).all() == [
        "Laser hair removal",
        "Laser and resurfacing",
        "Other treatment",
    ]


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


def test_wrong_rows_as_long_as_a_page_do_not_pile_up_in_memory(practice, monkeypatch):
    monkeypatch.setattr("ops.practices.loading.batches.CHARACTERS", 10_000)
    sizes, write = [], Writer.write
    monkeypatch.setattr(Writer, "write", lambda self, *args: sizes.append(args[1].rows) or write(self, *args))
    outcome = load(practice, HEAD + f"1,{'x' * 3000}\n" * 20)
    assert (len(outcome.quarantined), max(sizes)) == (20, 4)


def test_an_import_with_opt_outs_stops_when_nobody_keeps_them(practice, monkeypatch):
    monkeypatch.setattr(refusals, "_keeper", None)
    number = received(practice, ("file.csv", HEAD + "1,Ada,Lane,,312-555-0101,,yes\n"))
    with pytest.raises(LoadError, match=r"RuntimeError at refusals\.py"):
        loading.run(number)
    assert db.session.scalar(sa.select(sa.func.count(Patient.id))) == 0
    db.session.expire_all()
    assert db.session.get_one(Import, number).state is ImportState.FAILED


def test_a_visit_of_nobody_we_know_is_quarantined_with_its_cells(practice):
    outcome = load(practice, VISITS + "V1,nobody,2026-05-02,Botox\n")
    assert outcome.quarantined == [
        {"file": "file0.csv", "line": 2, "reasons": ["no patient with the number nobody in this practice"]}
    ]
    (row,) = db.session.scalars(sa.select(QuarantinedRow)).all()
    assert row.cells == ["V1", "nobody", "2026-05-02", "Botox"]


@pytest.mark.parametrize("rows", [10_000, 2])
def test_a_number_two_people_share_stays_with_the_first_even_batches_later(practice, monkeypatch, rows):
    monkeypatch.setattr("ops.practices.loading.batches.ROWS", rows)
    others = "".join(f"{number},Cleo,Drew,,,c@example.com,\n" for number in range(2, 9))
    text = HEAD + "1,Ada,Lane,1985-03-12,,a@example.com,\n" + others + "1,Bea,Cole,1990-01-01,,b@example.com,\n"
    outcome = load(practice, text)
    assert outcome.patients_new == 8
    assert outcome.quarantined == [
        {"file": "file0.csv", "line": 10, "reasons": ["the number 1 belongs to another name or birth date in line 2"]}
    ]
    assert patient("1").first_name == "Ada"


def test_a_patient_with_many_rows_is_one_patient_with_many_milestones(practice):
    head = "Patient ID,First Name,Last Name,Mobile,Date,Service\n"
    rows = "".join(f"1,Ada,Lane,312-555-010{day},2026-05-0{day},Botox\n" for day in range(1, 6))
    outcome = load(practice, head + rows)
    assert (outcome.patients_new, outcome.patients_updated, outcome.milestones_new) == (1, 0, 5)
    assert patient("1").phone == "+13125550105", "the last row counts"


def test_wrong_rows_are_kept_aside_and_the_good_ones_stored(practice):
    outcome = load(practice, HEAD + "1,Ada,Lane,,312-555-0101,,\n2,Bea,Cole,tomorrow,,,\n3,Cleo\n")
    assert (outcome.rows_read, outcome.patients_new) == (3, 1)
    assert [(row["line"], row["reasons"][0]) for row in outcome.quarantined] == [
        (3, "DOB: 'tomorrow' is not a date"),
        (4, "has 2 cells where the header has 7"),
    ]


def test_one_unreadable_file_keeps_all_of_them_from_being_stored(practice):
    number = received(practice, ("good.csv", HEAD + "1,Ada,Lane,,,a@example.com,\n"), ("scan.csv", b"%PDF-1.7 x"))
    assert loading.run(number)
    db.session.expire_all()
    row = db.session.get_one(Import, number)
    assert row.state is ImportState.FAILED
    assert (
        row.problem == "scan.csv: this looks like a PDF document, not a table. Send CSV, TSV, XLSX or a FHIR R4 Bundle."
    )
    assert db.session.scalar(sa.select(sa.func.count(Patient.id))) == 0


def test_without_an_agreement_or_after_the_end_nothing_is_taken_in():
    without = make_practice("open", baa_on=None)
    future = make_practice("soon", baa_on=clock.now().date() + timedelta(days=5))
    for practice in (without, future):
        with pytest.raises(Refused, match="agreement"), transaction("test"):
            loading.receive(practice, [("a.csv", exports.stream(HEAD))], "test")
    assert db.session.scalar(sa.select(sa.func.count(ImportChunk.number))) == 0


def test_a_try_out_says_all_that_would_happen_and_writes_nothing(practice):
    files = [("visits.csv", exports.MED_SPA_VISITS), ("clients.csv", exports.MED_SPA_CLIENTS + "M2,?,?,,,,,,,,\n")]
    tried = loading.try_out(practice, [(name, exports.stream(text), None) for name, text in files], "test")
    assert everything() == []
    for table in (Import, ImportChunk, QuarantinedRow):
        assert db.session.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 0
    assert tried == load(practice, *files)
    assert len(tried.quarantined) == 1


def test_two_practices_with_the_same_numbers_stay_apart(practice):
    other = make_practice("river")
    for one in (practice, other):
        assert (
            load(one, HEAD + "1,Ada,Lane,,312-555-0101,,yes\n", VISITS + "V1,1,2026-05-02,Botox\n").milestones_new == 1
        )
    owners = sa.select(Patient.practice_id, Milestone.practice_id).join(Milestone, Milestone.patient_id == Patient.id)
    assert sorted(db.session.execute(owners).all()) == [(practice.id,) * 2, (other.id,) * 2]
    assert {row.practice_id for row in db.session.scalars(sa.select(Suppression))} == {practice.id, other.id}


def test_a_saved_mapping_is_found_again_by_its_columns(practice):
    profile = mapped("ours", {"who": Field.FULL_NAME, "reach": Field.PHONE})
    with transaction("test") as session:
        session.add(
            SavedMapping(
                practice_id=practice.id, name="ours", headers=["who", "reach"], profile=profile.as_json(),
                saved_at=clock.now(),
            )
        )  # fmt: skip
    assert load(practice, "Who,Reach,Else\nAda Lane,312-555-0101,x\n").patients_new == 1


def test_a_file_with_no_rows_is_loaded_and_brings_nothing(practice):
    assert load(practice, HEAD).rows_read == 0


def test_what_a_patient_says_in_a_bad_row_is_never_half_kept(practice):
    load(practice, HEAD + "1,Ada,Lane,not a day,312-555-0101,ada@example.com,yes\n")
    assert everything() == [], "neither the patient nor the opt-out of a row that was not understood"


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
    assert db.session.scalar(sa.select(sa.func.count(Suppression.id))) == 2
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
    seen = loading.preview(exports.stream(exports.FRESHA), "f.csv", practice.zone, date(2026, 6, 15))
    assert (seen.profile_name, seen.kind, seen.lacking) == ("fresha", "patients", ())
    assert seen.dropped == ["Gender", "City", "Note", "Added"]
    mobile = next(column for column in seen.columns if column.header == "Mobile Number")
    assert (mobile.key, mobile.field, mobile.samples) == ("mobilenumber", Field.MOBILE, ("+1 312-555-0101",))
    assert len(seen.good) == 2
    assert loading.preview(exports.stream("who\nAda\n"), "f", practice.zone, date(2026, 6, 15)).lacking == ("a name",)
    with pytest.raises(Unreadable):
        loading.preview(exports.stream(b"%PDF-"), "f.csv", practice.zone, date(2026, 6, 15))


def test_a_rung_import_is_loaded_by_a_worker_and_rings_the_queue(practice):
    from rq import SimpleWorker
    from rq.serializers import JSONSerializer

    assert "imports" in QUEUES
    with transaction("test"):
        number = loading.receive(practice, [("f.csv", exports.stream(exports.FRESHA))], "test")
        loading.begin(number)
    SimpleWorker([queue("imports")], connection=queue("imports").connection, serializer=JSONSerializer).work(burst=True)
    db.session.expire_all()
    assert db.session.get_one(Import, number.id).state is ImportState.DONE
    assert {job.description for job in queue("work").jobs} >= {"ops.queue.jobs.import_finished"}
