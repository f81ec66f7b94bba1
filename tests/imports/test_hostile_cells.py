"""Whatever stands in a cell costs its own row at most: the rest of the file is stored, and nothing is a traceback."""

import json
import os

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from ops.db import db
from ops.imports.cli import import_
from ops.imports.reading.cleaning import Cleaner
from ops.imports.reading.recognising import recognise
from ops.imports.reading.records import BadRow, GoodRow, Record
from ops.practices.models import Patient
from tests import exports
from tests.world import make_practice

HEADER = [
    "Patient ID", "First Name", "Last Name", "DOB", "Mobile", "Home Phone", "Email", "State", "Zip", "Language", "DND",
    "SMS consent", "Deceased", "Patient Status", "Date of death", "Preferred contact", "Appointment Date",
    "Appt Status", "Appointment ID", "Service", "quarantined row",
]  # fmt: skip
GOOD = [
    "1", "Ada", "Lane", "1985-03-12", "312-555-0101", "", "ada@example.com", "IL", "60601", "en", "no",
    "yes", "no", "", "", "", "2026-05-02", "Completed", "9", "Botox", "",
]  # fmt: skip
HOSTILE = [
    "1985-XX-XX", "----------", "²²²²-²²-²²", "0000-00-00", "9999-99-99", "2026-05-02 25:61", "2026-05-02 10:00 +99:99",
    "9999-12-31T23:59:59+14:00", "1900-01-01T00:00:00-14:00", "1e999", "-1", "9" * 400, "³¹²", "٣١٢-٥٥٥-٠١٠١", "\u202e",
    "\ufeff", "312-867-５３０２", "+1 (²12) 555-0101", "tel:+", "=1+1", "'=1", "\\", "%s{}{{}}",
    "e\u0301" * 300, "😀" * 60,
]  # fmt: skip


def reading(cells):
    return Cleaner(HEADER, recognise(HEADER), exports.ZONE, exports.TODAY, from_excel=True)(Record(2, cells))


@given(st.integers(0, len(HEADER) - 1), st.sampled_from(HOSTILE) | st.text(max_size=40), st.booleans())
@example(3, "1985-XX-XX", False)
def test_no_cell_makes_a_row_raise(place, cell, everywhere):
    cells = [cell] * len(HEADER) if everywhere else [*GOOD[:place], cell, *GOOD[place + 1 :]]
    row = reading(cells)
    assert isinstance(row, GoodRow) or (row.cells == cells and all(row.reasons))


def test_an_error_of_ours_in_one_cell_quarantines_its_row_in_words(monkeypatch):
    monkeypatch.setattr("ops.imports.reading.cleaning.read_email", lambda text: [][1] if text else None)
    row = reading(GOOD)
    assert isinstance(row, BadRow)
    assert row.reasons == ("Email: cannot be read (IndexError)",)


def test_full_width_and_arabic_digits_are_read_as_what_they_are():
    row = reading([*GOOD[:3], "１９８５－０３－１２", "312-555-０１０１", *GOOD[5:8], "٦٠٦٠١", *GOOD[9:]])
    assert (str(row.patient.birth_date), row.patient.phone, row.patient.zip) == ("1985-03-12", "+13125550101", "60601")


@pytest.fixture
def ops_import(app, tmp_path):
    """Loads one file with the command; what it says as JSON."""
    make_practice("lake", zone=exports.ZONE)

    def run(name: bytes, content: str | bytes):
        path = os.fsencode(tmp_path) + b"/" + name
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        done = CliRunner().invoke(import_, ["--practice", "lake", "--json", os.fsdecode(path)])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


def test_hostile_rows_never_end_a_load_and_the_good_row_behind_them_is_stored(ops_import):
    rows = [
        [str(number) if at == 0 else HOSTILE[number % len(HOSTILE)] if at == number % len(HEADER) else good
         for at, good in enumerate(GOOD)]
        for number in range(len(HOSTILE) * len(HEADER))
    ]  # fmt: skip
    lines = ["\t".join(row) for row in [HEADER, *rows, ["last", *GOOD[1:]]]]
    said = ops_import(b"clients.tsv", "\n".join(lines) + "\n")
    assert said["rows_read"] == len(rows) + 1
    assert said["patients_new"] + len(said["quarantined"]) >= said["rows_read"]
    assert db.session.scalar(sa.select(Patient.first_name).where(Patient.external_id == "last")) == "Ada"


def test_a_resource_of_which_nothing_is_as_it_should_be_is_quarantined_alone(ops_import):
    keys = ("birthDate", "deceasedDateTime", "name", "telecom", "address", "communication", "meta")
    values = ("1985-XX-XX", 5, None, [None], {"a": []}, [[]], [{"period": "x", "use": []}])
    wrong = [exports.fhir_patient(f"{key}{at}", **{key: value}) for key in keys for at, value in enumerate(values)]
    said = ops_import(b"b.json", exports.bundle(*wrong, exports.fhir_patient("last")))
    assert said["rows_read"] == len(wrong) + 1
    assert db.session.scalar(sa.select(Patient.first_name).where(Patient.external_id == "last")) == "Ada May"


def test_a_file_name_that_is_no_text_is_told_as_well_as_it_can_be(ops_import):
    said = ops_import(b"Jos\xe9.csv", "Patient ID,First Name,DOB\n1,Ada,1985-03-12\n2,Bea,soon\n")
    assert said["patients_new"] == 1
    assert said["quarantined"] == [{"file": "Jos\ufffd.csv", "line": 3, "reasons": ["DOB: 'soon' is not a date"]}]
