"""Loading files into patients and milestones: what is stored, what is kept aside, and what a second time changes."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.background import QUEUES, queue
from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.errors import Refused
from ops.imports import loading
from ops.imports.loading.writing import Writer
from ops.imports.models import Import, ImportChunk, ImportState, QuarantinedRow, SavedMapping
from ops.imports.reading.fields import Field
from ops.imports.reading.recognising import mapped
from ops.practices.models import Milestone, Patient, TreatmentType
from tests import exports
from tests.loads import HEAD, VISITS, everything, load, patient, received
from tests.world import make_practice

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def test_people_come_before_their_visits_in_whatever_order_the_files_are_given(practice):
    outcome = load(
        practice,
        ("procedures.csv", exports.SYNTHEA_PROCEDURES),
        ("organizations.csv", exports.SYNTHEA_ORGANIZATIONS),
        ("encounters.csv", exports.SYNTHEA_ENCOUNTERS),
        ("patients.csv", exports.SYNTHEA_PATIENTS),
    )
    assert outcome == loading.LoadCounts(
        rows_read=5, patients_new=3, patients_updated=0, milestones_new=2, quarantined=[], suppressed=0,
        unreachable=3, deceased=1, minors=1, rows_stored=5, files=outcome.files,
    )  # fmt: skip
    assert [(file["file"], file["read_as"], file["holds"]) for file in outcome.files] == [
        ("procedures.csv", "synthea-procedures", "visits"),
        ("organizations.csv", "synthea-organizations", "ignored"),
        ("encounters.csv", "synthea-encounters", "visits"),
        ("patients.csv", "synthea-patients", "patients"),
    ]
    assert outcome.files[0]["dropped"] == ["STOP", "ENCOUNTER", "CODE", "BASE_COST", "REASONCODE", "REASONDESCRIPTION"]
    assert (patient("p-2").deceased, patient("p-2").death_date) == (True, date(2020, 2, 3))
    assert patient("p-1").last_name == "O'Néill345"


def test_the_import_counts_nobody_as_a_minor_from_the_eighteenth_birthday_on(practice):
    with freeze_time("2026-06-15 15:00"):
        born = HEAD + "1,Ada,Lane,2008-06-15,312-555-0101,,\n2,Bea,Cole,2008-06-16,312-555-0102,,\n"
        assert load(practice, born).minors == 1


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


def test_wrong_rows_as_long_as_a_page_do_not_pile_up_in_memory(practice, monkeypatch):
    monkeypatch.setattr("ops.imports.loading.batches.CHARACTERS", 10_000)
    sizes, write = [], Writer.write
    monkeypatch.setattr(Writer, "write", lambda self, *args: sizes.append(args[1].rows) or write(self, *args))
    outcome = load(practice, HEAD + f"1,{'x' * 3000}\n" * 20)
    assert (len(outcome.quarantined), max(sizes)) == (20, 4)


def test_a_visit_of_nobody_we_know_is_quarantined_with_its_cells(practice):
    outcome = load(practice, VISITS + "V1,nobody,2026-05-02,Botox\n")
    assert outcome.quarantined == [
        {"file": "file0.csv", "line": 2, "reasons": ["no patient with the number nobody in this practice"]}
    ]
    (row,) = db.session.scalars(sa.select(QuarantinedRow)).all()
    assert row.cells == ["V1", "nobody", "2026-05-02", "Botox"]


@pytest.mark.parametrize("rows", [10_000, 2])
def test_a_number_two_people_share_stays_with_the_first_even_batches_later(practice, monkeypatch, rows):
    monkeypatch.setattr("ops.imports.loading.batches.ROWS", rows)
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
    assert {job.description for job in queue("work").jobs} >= {"ops.cadences.jobs.import_finished"}


@pytest.mark.parametrize(
    "entry",
    [
        exports.fhir_patient(id="a\0b"),
        exports.fhir_patient(name=[{"family": "La\0ne"}]),
        exports.fhir_encounter(id="e\0"),
        exports.fhir_encounter(subject={"reference": "Patient/no\0body"}),
    ],
)
def test_what_a_database_cannot_store_is_quarantined_with_its_reason(practice, entry):
    outcome = load(practice, ("b.json", exports.bundle(exports.fhir_patient(), entry)))
    assert (outcome.patients_new, [row["line"] for row in outcome.quarantined]) == (1, [2])
