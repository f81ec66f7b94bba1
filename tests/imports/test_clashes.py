"""Another system's file counts its patients anew: nobody gets somebody else's name, number, opt-out or treatment."""

from datetime import date

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.imports import loading
from ops.imports.loading.clashes import OF_A_CLASH, Known, somebody_else
from ops.imports.models import QuarantinedRow
from ops.practices.models import Milestone
from tests.loads import VISITS, everything, load, patient
from tests.world import make_practice

HEAD = "Patient ID,First Name,Last Name,DOB,Mobile,Date of Visit,Treatment,Do Not Contact\n"
OURS = HEAD + (
    "1,Ana,Able,1985-04-12,312-555-0101,2026-05-05,Botox,\n2,Bea,Baker,1986-04-12,312-555-0102,2026-05-05,Botox,Yes\n"
)
THEIRS = (
    "Patient ID,First Name,Last Name,DOB,Mobile,Do Not Contact\n"
    "1,Xavier,Young,1950-01-01,312-555-0103,Yes\n2,Yolanda,Zimmer,1951-01-01,312-555-0104,\n"
    "3,Zoe,Adams,1952-01-01,312-555-0105,\n"
)


@pytest.fixture
def practice(app):
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def test_other_people_under_known_numbers_are_kept_aside_and_change_nobody(practice):
    load(practice, OURS)
    before, refusals = everything(), sa.select(sa.func.count()).select_from(Suppression)
    refused = db.session.scalar(refusals)
    outcome = load(practice, THEIRS)
    assert [row["line"] for row in outcome.quarantined] == [2, 3]
    assert "belongs to somebody else" in outcome.quarantined[0]["reasons"][0]
    assert (outcome.patients_new, outcome.patients_updated) == (1, 0)
    db.session.expire_all()
    assert patient("1").name == "Ana Able"
    assert patient("2").phone == "+13125550102"
    assert set(before) <= set(everything()), "nobody's opt-out moved"
    assert db.session.scalar(refusals) == refused


def test_visits_of_a_clashing_load_go_to_nobody(practice):
    load(practice, OURS)
    outcome = load(practice, THEIRS, VISITS + "V1,1,2026-05-09,Filler\nV2,3,2026-05-09,Filler\n")
    assert sum(OF_A_CLASH.format("1") in row["reasons"] for row in outcome.quarantined) == 1
    treated = sa.select(Milestone.patient_id).where(Milestone.happened_on == date(2026, 5, 9))
    assert db.session.scalars(treated).all() == [patient("3").id]


def test_whoever_looked_can_say_that_it_is_the_same_person(practice):
    load(practice, OURS)
    load(practice, THEIRS)
    row = db.session.scalars(sa.select(QuarantinedRow).order_by(QuarantinedRow.line)).first()
    with transaction("test"):
        assert loading.correct(row, row.cells, "test")
    with transaction("test"):
        assert loading.correct(row, row.cells, "test", same_person=True) == ()
    db.session.expire_all()
    assert patient("1").name == "Xavier Young"


ANA = Known("Ana", "Able", date(1985, 4, 12), b"phone", b"mail")


@pytest.mark.parametrize(
    "change",
    [
        {"last_name": "Young"},
        {"last_name": "Young", "phone_key": b"new", "email_key": None},
        {"phone_key": b"new", "email_key": None},
        {"birth_date": date(1985, 12, 4)},
        {"birth_date": date(1985, 12, 4), "last_name": "Young"},
        {"birth_date": date(1985, 12, 4), "phone_key": None, "email_key": None},
        {"birth_date": None, "first_name": "Anna"},
        {"birth_date": None, "phone_key": None, "email_key": None},
        {"first_name": "Anna", "last_name": "Young", "phone_key": b"new"},
        {"first_name": "Able", "last_name": "Ana"},
        {"first_name": "ANA", "last_name": "Áble", "birth_date": None, "phone_key": b"new", "email_key": None},
    ],
)
def test_people_marry_move_and_have_their_dates_put_right(change):
    assert not somebody_else(ANA, ANA._replace(**change))
    assert not somebody_else(ANA._replace(**change), ANA)


@pytest.mark.parametrize(
    "change",
    [
        {
            "first_name": "Xavier",
            "last_name": "Young",
            "birth_date": date(1950, 1, 1),
            "phone_key": b"x",
            "email_key": b"x",
        },
        {"first_name": "Xavier", "birth_date": date(2010, 1, 1)},  # a child at its mother's number
        {"last_name": "Young", "birth_date": date(1950, 1, 1), "phone_key": b"x", "email_key": None},
        {"birth_date": date(1950, 1, 1), "phone_key": b"x", "email_key": None},
        {"first_name": "Xavier", "last_name": "Young", "birth_date": None, "phone_key": b"x", "email_key": None},
        {"first_name": "Xavier", "last_name": "Young", "birth_date": None, "phone_key": None, "email_key": None},
    ],
)
def test_two_people_under_one_number_are_two(change):
    assert somebody_else(ANA, ANA._replace(**change))
    assert somebody_else(ANA._replace(**change), ANA)
