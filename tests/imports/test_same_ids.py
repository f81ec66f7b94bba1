"""A patient and a visit that another file writes otherwise are the same ones."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.db import db, transaction
from ops.imports.loading.same_ids import same_id
from ops.practices.models import SAME_ID, Milestone, Patient
from tests.loads import load, patient
from tests.world import make_practice

HEAD = "Patient ID,First Name,Last Name,DOB,Mobile,Date of Visit,Treatment\n"
PEOPLE = "Patient ID,First Name,Last Name,DOB,Mobile,Do Not Contact\n"
WRITINGS = ["00101", "101", "101.0", "0101", "101.00"]


@pytest.fixture
def practice(app):
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def row(number, day="2026-05-05", treatment="Botox"):
    return f"{number},Ana,Able,1985-04-12,312-555-0101,{day},{treatment}\n"


def count(table):
    return db.session.scalar(sa.select(sa.func.count()).select_from(table))


@pytest.mark.parametrize("first", WRITINGS)
@pytest.mark.parametrize("second", WRITINGS)
def test_zeros_in_front_and_behind_a_point_make_no_other_patient(practice, first, second):
    load(practice, HEAD + row(first))
    outcome = load(practice, HEAD + row(second) + row("102"))
    assert (outcome.patients_new, outcome.milestones_new) == (1, 1)
    assert (count(Patient), count(Milestone)) == (2, 2)
    assert patient(first).name == "Ana Able"


def test_all_writings_in_one_file_are_one_patient_called_by_the_first(practice):
    outcome = load(practice, HEAD + "".join(map(row, WRITINGS)))
    assert (outcome.patients_new, outcome.milestones_new, outcome.quarantined) == (1, 1, [])
    assert db.session.scalars(sa.select(Patient.external_id)).all() == ["00101"]


def test_visits_and_opt_outs_of_a_number_written_otherwise_are_theirs(practice):
    load(practice, PEOPLE + "00101,Ana,Able,1985-04-12,312-555-0101,\n")
    outcome = load(practice, "Patient ID,Visit Date,Service\n101.0,2026-05-05,Botox\n")
    assert (outcome.milestones_new, outcome.quarantined) == (1, [])
    load(practice, PEOPLE + "101,Ana,Able,1985-04-12,312-555-0101,yes\n")
    assert count(Patient) == 1


def test_two_people_whose_numbers_differ_by_zeros_alone_clash(practice):
    load(practice, PEOPLE + "101,Ana,Able,1985-04-12,312-555-0101,\n")
    outcome = load(practice, PEOPLE + "00101,Xavier,Young,1950-01-01,312-555-0102,\n")
    assert len(outcome.quarantined) == 1


@pytest.mark.parametrize("day", ["5/5/2026", "2026-05-05 00:00:00", "May 5, 2026", "2026-05-05T00:00:00"])
@pytest.mark.parametrize("treatment", ["Botox", "BOTOX", " botox "])
def test_a_visit_is_the_same_however_its_day_and_treatment_are_written(practice, day, treatment):
    load(practice, HEAD + row("1"))
    load(practice, HEAD + row("1", f'"{day}"', treatment))
    load(practice, HEAD + row("1", "5/5/2026 2:05 PM", "Filler"))
    assert count(Milestone) == 2


def test_a_visit_stored_before_capitals_counted_for_nothing_is_not_doubled(practice):
    load(practice, HEAD + row("1"))
    with transaction("test") as session:
        session.execute(sa.update(Milestone).values(dedupe_key="0123456789abcdef0123"))
    assert load(practice, HEAD + row("1")).milestones_new == 0
    assert load(practice, HEAD + row("1", "2026-05-06")).milestones_new == 1


@pytest.mark.parametrize("number", [*WRITINGS, "0", "000", "0.0", "A01", "01A", "1.5", "1.", ".0", "٠١", "~0a1b"])
def test_python_and_the_database_agree_on_what_writings_share(app, number):
    shared = sa.text(f"SELECT {SAME_ID} FROM (SELECT CAST(:number AS text) AS external_id) one")
    assert db.session.scalar(shared, {"number": number}) == same_id(number)
