"""A treatment that is called otherwise under the same visit number moves its milestone: none is added, none is lost."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.db import db
from ops.practices.models import Milestone, TreatmentType
from tests import exports
from tests.loads import HEAD, VISITS, load
from tests.world import make_practice

pytestmark = pytest.mark.usefixtures("app")
STATUS = VISITS.strip() + ",Status\n"


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        practice = make_practice("lake", zone="America/Chicago")
        load(practice, HEAD + "1,Ada,Lane,1985-03-12,312-555-0101,,no\n2,Bea,Cole,1985-03-12,312-555-0102,,no\n")
        yield practice


def told() -> list[tuple[int, str, bool]]:
    """Every milestone: its number, treatment, and whether it stands."""
    db.session.expire_all()
    query = sa.select(Milestone.id, TreatmentType.name, Milestone.withdrawn_at).order_by(Milestone.id)
    return [
        (number, name or "?", at is None) for number, name, at in db.session.execute(query.outerjoin(TreatmentType))
    ]


def test_a_renamed_treatment_moves_its_milestone(practice):
    load(practice, VISITS + "7,1,2026-05-02,Botox\n8,2,2026-05-02,Botox\n")
    (ada, toxin, _), bea = told()
    outcome = load(practice, VISITS + "7,1,2026-05-02,Lip Filler\n8,2,2026-05-02,BOTOX Cosmetic\n")
    (moved, filler, stands), same = told()
    assert (moved, stands) == (ada, True) and filler != toxin and same == bea
    assert (outcome.milestones_new, outcome.rows_stored, outcome.rows_unchanged) == (0, 1, 1)


def test_of_a_visit_of_several_treatments_the_one_that_is_missing_is_renamed_and_a_new_one_added(practice):
    load(practice, VISITS + "7,1,2026-05-02,Botox\n7,1,2026-05-02,Lip Filler\n")
    first, second = told()
    load(practice, VISITS + "7,1,2026-05-02,Botox\n7,1,2026-05-02,Laser hair removal\n7,1,2026-05-02,Facial\n")
    assert told()[0] == first and told()[1][0] == second[0] and len(told()) == 3
    assert all(stands for _, _, stands in told())


def test_a_visit_that_was_cancelled_under_another_name_or_none_is_withdrawn_whole(practice):
    load(practice, STATUS + "7,1,2026-05-02,Botox,done\n7,1,2026-05-02,Filler,done\n8,2,2026-05-02,Botox,done\n")
    outcome = load(practice, STATUS + "7,1,2026-05-02,,Cancelled\n8,2,2026-05-02,Facial,done\n")
    assert [stands for _, _, stands in told()] == [False, False, True]
    assert outcome.rows_withdrawn == 1 and outcome.rows_stored == 1


def test_lines_of_one_visit_far_from_each_other_are_not_taken_for_renamed(practice, monkeypatch):
    load(practice, VISITS + "7,1,2026-05-02,Botox\n")
    monkeypatch.setattr("ops.imports.loading.batches.ROWS", 1)
    for _ in range(2):
        load(practice, VISITS + "7,1,2026-05-02,Botox\n8,2,2026-05-02,Botox\n7,1,2026-05-02,Lip Filler\n")
        assert len(told()) == 3


def test_a_procedure_of_a_bundle_whose_words_change_moves_too(practice):
    for words in ("Botox", "Lip filler"):
        procedure = exports.fhir_procedure(code={"text": words})
        load(practice, ("b.json", exports.bundle(exports.fhir_patient(), procedure)))
    assert len(told()) == 1
