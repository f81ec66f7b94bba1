"""Facts that stand in one place: another copy of one of them is found here, whatever language it is written in."""

import re
from pathlib import Path

import pytest

OPS = Path(__file__).resolve().parents[1] / "ops"
SOURCES = sorted(path for suffix in ("py", "sql", "js", "html") for path in OPS.rglob(f"*.{suffix}"))

ONE_PLACE = {
    "the type of a moment": (r"DateTime\(timezone", "db.py"),
    "the roles of the staff": (r"\(?Role\.(LEAD, Role\.ADMIN|ADMIN, Role\.LEAD)\b", "accounts/roles.py"),
    "the roles at work": (r"\(Role\.AGENT, Role\.LEAD\b", "accounts/roles.py"),
}


@pytest.mark.parametrize("fact", ONE_PLACE)
def test_each_fact_stands_in_one_place(fact: str) -> None:
    pattern, place = ONE_PLACE[fact]
    found = {str(path.relative_to(OPS)) for path in SOURCES if re.search(pattern, path.read_text())}
    assert found == {place}
