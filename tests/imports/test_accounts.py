"""Every row that was read is accounted for: stored, unchanged, quarantined, ahead, or ignored with the reason."""

from datetime import date

import pytest
import sqlalchemy as sa
from freezegun import freeze_time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.imports import loading
from ops.imports.loading.outcome import NOT_HELD
from ops.imports.models import Import
from ops.practices.models import Milestone, Patient
from tests import exports
from tests.loads import VISITS, load, patient, received
from tests.world import make_practice

pytestmark = pytest.mark.usefixtures("app")
BOTH = "Patient ID,First Name,Last Name,Mobile,Appt Date,Service,Status\n"
PEOPLE = "Patient ID,First Name,Last Name,Mobile\n"


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        yield make_practice("lake", zone="America/Chicago")


def account(outcome: loading.LoadCounts) -> tuple[int, int, int, int, dict[str, int]]:
    """Stored, unchanged, quarantined, future and ignored, once it is known that they are all rows read."""
    parts = (outcome.rows_stored, outcome.rows_unchanged, len(outcome.quarantined), outcome.rows_future)
    assert sum(parts) + sum(outcome.rows_ignored.values()) == outcome.rows_read
    return (*parts, outcome.rows_ignored)


def test_each_row_of_a_file_is_told_by_what_became_of_it(practice):
    content = BOTH + (
        "1,Ana,Able,312-555-0101,2026-05-05,Botox,completed\n"
        "2,Bea,Baker,312-555-0102,2026-05-06,Botox,cancelled\n"
        "3,Cy,Cole,312-555-0103,2026-05-07,Botox,no-show\n"
        "4,Di,Dow,312-555-0104,2026-05-08,Botox,whatever\n"
        "5,Ed,Eby,312-555-0105,2026-08-05,Botox,booked\n"
    )
    assert account(load(practice, content)) == (1, 0, 1, 1, {NOT_HELD: 2})
    assert db.session.scalars(sa.select(Milestone.happened_on)).all() == [date(2026, 5, 5)]
    assert sorted(db.session.scalars(sa.select(Patient.external_id))) == ["1", "2", "3", "5"]
    assert account(load(practice, content)) == (0, 1, 1, 1, {NOT_HELD: 2})


def test_a_row_whose_only_news_is_an_opt_out_is_stored_and_then_unchanged(practice):
    load(practice, PEOPLE + "1,Ana,Able,312-555-0101\n")
    said = "Patient ID,First Name,Last Name,Mobile,SMS Opt Out\n1,Ana,Able,312-555-0101,Opted Out\n"
    assert account(load(practice, said)) == (1, 0, 0, 0, {})
    assert account(load(practice, said)) == (0, 1, 0, 0, {})


def test_every_row_of_somebody_unknown_is_kept_aside_however_often_it_stands_there(practice):
    outcome = load(practice, VISITS + "v1,9,2026-05-02,Botox\nv1,9,2026-05-02,Botox\n")
    assert [row["line"] for row in outcome.quarantined] == [2, 3]


def test_a_refusal_of_somebody_unknown_is_not_lost_with_a_visit_that_was_cancelled(practice):
    content = "Patient ID,Appt Date,Service,Status,DND\n9,2026-05-02,Botox,Cancelled,yes\n"
    assert account(load(practice, content)) == (0, 0, 1, 0, {})
    load(practice, PEOPLE + "9,Ana,Able,312-555-0109\n")
    assert account(load(practice, content)) == (0, 0, 0, 0, {NOT_HELD: 1})
    assert patient("9").phone_key in db.session.scalars(sa.select(Suppression.contact_key)).all()


def test_a_bundle_names_what_it_holds_besides_and_counts_what_was_not_finished(practice):
    content = exports.bundle(
        exports.fhir_patient(),
        exports.fhir_procedure(),
        exports.fhir_encounter(status="cancelled"),
        exports.fhir_encounter("e-2", status="over"),
        {"resourceType": "Condition", "id": "c-1"},
        {"resourceType": "Consent", "id": "c-2", "status": "active", "provision": {"type": "permit"}},
    )
    outcome = load(practice, ("b.json", content))
    assert account(outcome) == (2, 0, 1, 0, {NOT_HELD: 1})
    assert outcome.quarantined[0]["reasons"] == ["entry 4, Encounter e-2: 'over' is no status of a visit that is known"]
    assert outcome.files[0]["notes"] == ["Not read: Condition 1, Consent 1."]


def test_the_database_refuses_an_import_whose_rows_do_not_add_up(practice):
    number = received(practice, ("p.csv", PEOPLE))
    with pytest.raises(sa.exc.IntegrityError, match="every_row_is_accounted_for"), transaction("test"):
        db.session.get_one(Import, number).rows_read = 1


ROWS = {
    "good": "{n},Ana,Able{n},312-555-0101,2026-05-05,Botox,done\n",
    "same person": "0,Ana,Able,312-555-0101,2026-05-{day:02},Filler,done\n",
    "wrong": "{n},,,soon,2026-05-05,Botox,done\n",
    "unknown word": "{n},Ana,Able,312-555-0101,2026-05-05,Botox,perhaps\n",
    "another under that number": "0,Zoe,Zed{n},312-555-0101,2026-05-05,Botox,done\n",
    "ahead": "{n},Ana,Able{n},312-555-0101,2026-08-05,Botox,booked\n",
    "cancelled": "{n},Ana,Able{n},312-555-0101,2026-05-05,Botox,cancelled\n",
    "damaged": '{n},"Ana,Able\n',
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(sorted(ROWS)), min_size=1, max_size=12), batch=st.integers(1, 5))
def test_whatever_stands_in_a_file_its_rows_add_up_and_a_second_time_nothing_is_stored(
    practice, monkeypatch, kinds, batch
):
    monkeypatch.setattr("ops.imports.loading.batches.ROWS", batch)
    with transaction("test"):
        db.session.execute(sa.delete(Patient))
    content = BOTH + "0,Ana,Able,312-555-0101,2026-05-01,Botox,done\n"
    content += "".join(ROWS[kind].format(n=n, day=n % 28 + 1) for n, kind in enumerate(kinds, 1))
    first, again = load(practice, content), load(practice, content)
    stored, unchanged, wrong, ahead, ignored = account(first)
    assert first.rows_read == len(kinds) + 1
    assert (unchanged, ahead) == (0, kinds.count("ahead"))
    assert ignored == ({NOT_HELD: kinds.count("cancelled")} if "cancelled" in kinds else {})
    assert wrong == sum(kinds.count(kind) for kind in ("wrong", "unknown word", "another under that number", "damaged"))
    assert account(again) == (0, stored, wrong, ahead, ignored)


def test_a_row_that_withdraws_a_visit_is_counted_as_that_once(practice):
    for finished, cancelled in (
        (exports.fhir_encounter(), exports.fhir_encounter(status="entered-in-error")),
        (exports.fhir_procedure(), exports.fhir_procedure(status="not-done")),
    ):
        load(practice, ("b.json", exports.bundle(exports.fhir_patient(), finished)))
        again = [load(practice, ("b.json", exports.bundle(exports.fhir_patient(), cancelled))) for _ in range(2)]
        assert [each.rows_withdrawn for each in again] == [1, 0]
        assert [account(each)[-1] for each in again[1:]] == [{NOT_HELD: 1}]
