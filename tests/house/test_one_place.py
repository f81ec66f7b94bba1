"""Facts that stand in one place: another copy of one of them is found here, whatever language it is written in."""

import csv
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ops import zones
from ops.contact import rules
from ops.db import db
from ops.practices import us
from ops.practices.age import ADULT_YEARS, adult_born_by, age, is_minor

OPS = Path(__file__).resolve().parents[2] / "ops"
SOURCES = sorted(path for suffix in ("py", "sql", "js", "html") for path in OPS.rglob(f"*.{suffix}"))

ONE_PLACE = {
    "the age of majority": (
        r"(?i)\b18 years|\bunder 18\b|\badult\w* *= *18\b|(?<!<)[<>]=? *18\b(?!px)|(year|years|age)\)? *- *18\b",
        "practices/age.py",
    ),
    "the states": (r"\bAlabama\b|\bAK\W+(Alaska\W+)?AZ\b", "practices/us.py"),
    "the codes of the forces abroad": (r"(?i)\bAA\W+AE\W+AP\b", "practices/us.py"),
    "the clocks of the country": (
        r"Anchorage[^/]+America/(Adak|Juneau)|Phoenix[^/]+America/Los_Angeles",
        "zones.py",
    ),
    "the curve of an unknown treatment": (r"\b14, 30, 90\b|(?i:opens\w*\W*) *[=:] *14\b", "practices/defaults.py"),
    "the days between two asks": (r"(?i)spacing\w*.*\b90\b|None, 90, 14\)", "cadences/models.py"),
    "the type of a moment": (r"DateTime\(timezone", "db.py"),
    "the roles of the staff": (
        r"\(?Role\.(LEAD, Role\.ADMIN|ADMIN, Role\.LEAD)\b|'lead', 'admin'",
        "accounts/roles.py",
    ),
    "the roles at work": (r"\(Role\.AGENT, Role\.LEAD\b|'agent', 'lead'", "accounts/roles.py"),
}


@pytest.mark.parametrize("fact", ONE_PLACE)
def test_each_fact_stands_in_one_place(fact: str) -> None:
    pattern, place = ONE_PLACE[fact]
    found = {str(path.relative_to(OPS)) for path in SOURCES if re.search(pattern, path.read_text())}
    assert found == {place}


def test_the_law_of_contact_knows_the_same_age_of_majority_in_every_state_and_year() -> None:
    with (rules.DATA / "limits.csv").open() as table:
        ages = {row["value"] for row in csv.DictReader(table) if row["limit"] == "adult_years"}
    assert ages == {str(ADULT_YEARS)}


def test_every_state_that_can_be_chosen_has_zones_and_every_clock_is_of_a_state() -> None:
    with (rules.DATA / "state_zones.csv").open() as table:
        of_states = {row["state"]: row["zones"].split("|") for row in csv.DictReader(table)}
    assert of_states.keys() == us.STATES.keys()
    assert set(zones.US) <= {zone for each in of_states.values() for zone in each}
    assert not us.MILITARY & us.STATES.keys()


@pytest.mark.parametrize("day", [date(2026, 3, 3), date(2026, 2, 28), date(2026, 3, 1), date(2028, 2, 29)])
def test_adults_are_told_from_minors_alike_one_by_one_and_many_at_once_and_by_the_database(app, day: date) -> None:
    for born in (adult_born_by(day) + timedelta(days=n) for n in (-1, 0, 1)):
        minor = is_minor(born, day)
        assert minor == (born > adult_born_by(day)) == (age(born, day) < ADULT_YEARS)
        years = sa.extract("year", sa.func.age(sa.cast(day, sa.Date), sa.cast(born, sa.Date)))
        assert db.session.scalar(sa.select(years < ADULT_YEARS)) == minor
    assert not is_minor(None, day)
