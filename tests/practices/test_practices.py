"""Practices: what can be said about one, its contracts, treatments and status."""

from datetime import date
from decimal import Decimal

import pytest
from freezegun import freeze_time

from ops import clock, crypto
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices import actions
from ops.practices.models import Contract, Milestone, Practice, PracticeStatus
from tests.world import edge, make_contract, make_milestone, make_patient, make_practice

pytestmark = pytest.mark.usefixtures("app")


def test_a_new_practice_is_not_live_and_has_default_treatments_and_a_contract_from_today():
    with freeze_time("2026-03-01 03:00"), transaction("test"):  # still February in Chicago
        practice = actions.add_practice("lake", "Lake Skin", "America/Chicago", "il", date(2026, 1, 5), hours=12.5)
    assert practice.status is PracticeStatus.SETUP
    assert (practice.state, practice.spoken_name) == ("IL", "Lake Skin")
    assert [(c.hours_per_month, c.starts_on, c.ends_on) for c in practice.contracts] == [
        (Decimal("12.50"), date(2026, 2, 28), None)
    ]
    toxin = next(kind for kind in practice.treatment_types if kind.name == "Toxin")
    assert (toxin.opens_days, toxin.peaks_days, toxin.closes_days, toxin.recall_days) == (10, 14, 60, 100)
    assert toxin.category == "injectable"
    assert sum(not kind.match_words for kind in practice.treatment_types) == 1, "one catch-all"


def test_a_slug_that_is_taken_is_refused_and_the_transaction_goes_on():
    make_practice("lake")
    with transaction("test"):
        with pytest.raises(Refused, match="lake already"):
            actions.add_practice("lake", "Other", "America/Chicago", "IL")
        actions.add_practice("lake-2", "Other", "America/Chicago", "IL")
    assert db.session.query(Practice).count() == 2


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("slug", "Lake Skin"),
        ("slug", "-lake"),
        ("slug", "la\nke"),
        ("slug", ""),
        ("name", "  "),
        ("name", "x\x00"),
        ("zone", "Chicago"),
        ("zone", "EST"),
        ("zone", "../../etc/passwd"),
        ("state", "Illinois"),
        ("state", "XX"),
        ("baa_on", date(26, 1, 1)),
        ("website", "http://example.com"),
        ("website", "https://"),
        ("website", "https://user:word@example.com"),
        ("website", "javascript:alert(1)"),
        ("sender_email", "nobody"),
        ("callback_number", "12"),
        ("callback_number", "call us"),
        ("helps_best", "x" * 301),
    ],
)
def test_a_detail_that_cannot_be_right_is_refused(what, value):
    given = {"slug": "lake", "name": "Lake", "zone": "America/Chicago", "state": "IL"} | {what: value}
    with transaction("test"), pytest.raises(Refused):
        actions.add_practice(**given)
    assert db.session.query(Practice).count() == 0


def test_a_refused_edit_changes_nothing():
    practice = make_practice("lake", name="Lake")
    with transaction("test"), pytest.raises(Refused):
        actions.edit_practice(practice, name="River", website="ftp://x")
    db.session.refresh(practice)
    assert practice.name == "Lake"


def test_a_new_contract_ends_the_running_one_the_day_before():
    practice = make_practice(hours=10, starts_on=date(2026, 1, 1))
    make_contract(practice, 30, date(2026, 3, 15))
    assert [(c.hours_per_month, c.starts_on, c.ends_on) for c in practice.contracts] == [
        (10, date(2026, 1, 1), date(2026, 3, 15)),
        (30, date(2026, 3, 15), None),
    ]


def test_a_contract_may_not_run_into_a_later_one():
    practice = make_practice(hours=None)
    make_contract(practice, 10, date(2026, 6, 1))
    with transaction("test"), pytest.raises(Refused, match="Jun 1, 2026"):
        actions.set_contract(practice, 20, date(2026, 5, 1))
    make_contract(practice, 20, date(2026, 5, 1), date(2026, 6, 1))
    assert [c.hours_per_month for c in practice.contracts] == [20, 10]


def test_a_contract_from_the_same_day_is_corrected_not_doubled():
    practice = make_practice(hours=200, starts_on=date(2026, 1, 1))
    make_contract(practice, 20, date(2026, 1, 1))
    assert [c.hours_per_month for c in practice.contracts] == [20]


@pytest.mark.parametrize("hours", [0, -1, 2001, "NaN", "many", "Infinity"])
def test_hours_outside_their_range_are_refused(hours):
    practice = make_practice(hours=None)
    with transaction("test"), pytest.raises(Refused):
        actions.set_contract(practice, hours, date(2026, 1, 1))
    assert practice.contracts == []


@freeze_time("2026-04-10 15:00")
def test_a_contract_can_end_but_only_one_that_has_not_begun_can_be_removed():
    practice = make_practice(hours=10, starts_on=date(2026, 1, 1))
    old = practice.contracts[0]
    with transaction("test"):
        with pytest.raises(Refused, match="has begun"):
            actions.remove_contract(practice, old)
        actions.end_contract(practice, old, date(2026, 5, 1))
        future = actions.set_contract(practice, 5, date(2026, 5, 1))
        with pytest.raises(Refused):
            actions.end_contract(practice, old, date(2026, 6, 1))
        actions.remove_contract(practice, future)
    assert [(c.starts_on, c.ends_on) for c in practice.contracts] == [(date(2026, 1, 1), date(2026, 5, 1))]


def test_pause_resume_and_end_follow_each_other_and_nothing_else_does():
    practice = make_practice()
    with transaction("test"):
        with pytest.raises(Refused):
            actions.resume_practice(practice)
        actions.pause_practice(practice)
        with pytest.raises(Refused):
            actions.pause_practice(practice)
        actions.resume_practice(practice)
        actions.end_practice(practice)
        with pytest.raises(Refused):
            actions.resume_practice(practice)
        actions.reopen_practice(practice)
    assert practice.status is PracticeStatus.SETUP


@freeze_time("2026-04-10 15:00")
def test_ending_a_practice_ends_its_contract_today_and_drops_later_ones():
    practice = make_practice(hours=10, starts_on=date(2026, 1, 1))
    make_contract(practice, 20, date(2026, 7, 1))
    with transaction("test"):
        actions.end_practice(practice)
        with pytest.raises(Refused, match="ended"):
            actions.set_contract(practice, 5, date(2026, 5, 1))
    stored = [(c.starts_on, c.ends_on) for c in db.session.query(Contract).all()]
    assert stored == [(date(2026, 1, 1), date(2026, 4, 11))]


def test_a_treatment_can_be_added_edited_and_removed_until_a_patient_had_it():
    practice = make_practice()
    curve = {"opens_days": 3, "peaks_days": 5, "closes_days": 9, "recall_days": None}
    with transaction("test"):
        glow = actions.add_treatment_type(
            practice, name="Glow", category="skin", match_words=["GLOW ", "glow"], **curve
        )
        with pytest.raises(Refused, match="Glow already"):
            actions.add_treatment_type(practice, name="Glow", category="skin", match_words=[], **curve)
        with pytest.raises(Refused, match="open"):
            actions.edit_treatment_type(
                practice, glow, name="Glow", category="", match_words=[], **curve | {"closes_days": 4}
            )
    assert glow.match_words == ["glow"]
    milestone = make_milestone(make_patient(practice), "Glow")
    with transaction("test"), pytest.raises(Refused, match="had Glow"):
        actions.remove_treatment_type(practice, glow)
    with transaction("test"):
        db.session.delete(milestone)
        db.session.flush()
        actions.remove_treatment_type(practice, glow)
    assert "Glow" not in {kind.name for kind in practice.treatment_types}


def test_a_corrected_phone_takes_its_key_along_and_the_change_is_in_the_audit_log():
    practice = make_practice()
    patient = make_patient(practice, phone=None, email="Ada@Example.com")
    assert (patient.phone, patient.phone_key, patient.email) == (None, None, "ada@example.com")
    with transaction("user:7"):
        actions.correct_patient(practice, patient, phone="(312) 555-0142", stated_zone="America/Denver", language="es")
    assert patient.phone_key == crypto.contact_key("+13125550142")
    entry = db.session.execute(
        db.text("SELECT actor, before, after FROM audit_log WHERE table_name = 'patients'")
    ).one()
    assert entry.actor == "user:7"
    assert entry.before["phone"] is None
    assert entry.after["phone"] == "+13125550142"


def test_the_same_milestone_twice_is_the_first_and_none_lies_in_the_future():
    patient = make_patient(make_practice())
    assert make_milestone(patient, days_ago=3).id == make_milestone(patient, days_ago=3).id
    assert db.session.query(Milestone).count() == 1
    with edge(), pytest.raises(Refused):
        make_milestone(patient, happened_on=clock.today("Pacific/Kiritimati").replace(year=2090))
