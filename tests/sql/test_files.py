"""How the SQL files are written, and that the database holds what they say."""

import re

import pytest
import sqlalchemy as sa

from ops.db import db
from ops.sql import units

LONGEST_LINE = 160
FILES = {unit.name: unit.text for unit in units.files()}
BODY = re.compile(r"\$\$.*?\$\$", re.DOTALL)


def statements(text: str) -> list[str]:
    """Without comments and without what stands between $$ and $$."""
    return [part.strip() for part in units.COMMENT.sub("", BODY.sub("$$", text)).split(";") if part.strip()]


@pytest.mark.parametrize("name", FILES)
def test_lines_fit_on_a_screen(name):
    for number, line in enumerate(FILES[name].splitlines(), 1):
        assert len(line) <= LONGEST_LINE, f"{name}:{number} has {len(line)} characters"


@pytest.mark.parametrize("name", FILES)
def test_a_comment_stands_above_everything_that_is_made(name):
    lines = FILES[name].splitlines()
    for number, line in enumerate(lines):
        if units.MAKES.match(line):
            assert number and lines[number - 1].startswith("-- "), f"{name}:{number + 1} {line}"


@pytest.mark.parametrize("name", FILES)
def test_a_file_makes_functions_views_and_triggers_that_can_be_made_again_and_does_nothing_else(name):
    made = [statement for statement in statements(FILES[name]) if units.MAKES.match(statement)]
    assert made == statements(FILES[name])
    assert len(made) == len(units.parse(name, FILES[name]).shapes)


@pytest.mark.parametrize("name", FILES)
def test_what_runs_with_its_owners_rights_says_where_its_names_are_found(name):
    """Else whoever calls it puts a table of their own in front of ours."""
    for statement in statements(FILES[name]):
        assert "SECURITY DEFINER" not in statement or "SET search_path" in statement, statement


def test_the_functions_of_the_database_are_those_of_the_files(app):
    function = re.compile(r"^CREATE OR REPLACE FUNCTION (\w+)[^$]*\$\$(.*?)\$\$", re.DOTALL | re.MULTILINE)
    written = {name: body for text in FILES.values() for name, body in function.findall(text)}
    query = sa.text(
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
        "AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
    )
    installed = {row.proname: row.prosrc for row in db.session.execute(query)}
    assert len(written) >= 10
    assert installed == written
