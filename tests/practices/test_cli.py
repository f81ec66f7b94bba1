"""`ops practice`, as typed."""

import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from ops.db import db
from ops.practices.cli import practice
from ops.practices.models import Practice
from tests.world import make_patient, make_practice

pytestmark = pytest.mark.usefixtures("app")
LAKE = ["add", "lake", "--name", "Lake Skin", "--zone", "America/Chicago", "--state", "IL"]


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(practice, list(words))
    assert result.exit_code == code, result.output
    return result.output


def test_a_practice_is_added_and_told_as_json():
    told = json.loads(run(*LAKE, "--baa", "2026-01-05", "--hours", "12.5", "--json"))
    stored = db.session.scalars(sa.select(Practice)).one()
    assert told == {
        "id": stored.id,
        "slug": "lake",
        "name": "Lake Skin",
        "zone": "America/Chicago",
        "state": "IL",
        "baa_on": "2026-01-05",
        "status": "setup",
    }
    assert stored.contracts[0].hours_per_month == 12.5


def test_without_a_baa_it_is_added_all_the_same():
    assert json.loads(run(*LAKE, "--json"))["baa_on"] is None


def test_the_same_slug_twice_is_an_error_in_words():
    run(*LAKE)
    assert "Error: There is a practice called lake already." in run(*LAKE, code=1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("--zone", "Chicago"), 1),
        (("--state", "Illinois"), 1),
        (("--hours", "many"), 1),
        (("--hours", "-1"), 1),
        (("--baa", "5 January"), 2),
        (("--colour", "red"), 2),
    ],
)
def test_bad_input_stores_nothing(change, code):
    assert "Error" in run(*LAKE, *change, code=code)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Practice)) == 0


def test_list_and_show_tell_hours_patients_and_contracts():
    make_patient(make_practice("hill", hours=8))
    make_practice("lake", hours=None)
    rows = json.loads(run("list", "--json"))
    assert [(row["slug"], row["hours"], row["patients"]) for row in rows] == [("hill", 8.0, 1), ("lake", None, 0)]
    assert "hill" in run("list")
    facts = json.loads(run("show", "hill", "--json"))
    assert facts["contracts"] == [{"hours_per_month": 8.0, "starts_on": "2026-01-02", "ends_on": None}]
    assert len(facts["treatments"]) == 12
    assert "contracts:" in run("show", "hill")
    assert "no practice called moon" in run("show", "moon", code=1)
