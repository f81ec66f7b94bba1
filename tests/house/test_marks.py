"""`make test-fast` leaves out what opens a browser, starts whole processes or kills them: such a file says so."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
BROWSER = re.compile(r"^from tests\.whole_agency import", re.MULTILINE)
KILLS = re.compile(r"\bPopen\(|SIGKILL|^from tests(\.processes)? import .*\b(processes|Client|kill)\b", re.MULTILINE)


@pytest.mark.parametrize(("mark", "sign"), [("browser", BROWSER), ("kills", KILLS)])
def test_what_takes_long_is_marked(mark, sign):
    files = [path for path in TESTS.rglob("test_*.py") if sign.search(path.read_text()) and path != Path(__file__)]
    assert files, "the sign is of no use any more"
    unmarked = [path.name for path in files if not re.search(r"pytest\.mark\.(browser|kills)\b", path.read_text())]
    assert unmarked == [], f"mark it {mark}, or it makes `make test-fast` slow"
