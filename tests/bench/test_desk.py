"""`ops bench desk`, small: what it reports and what must hold on any machine, never how fast it was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kills

KEYS = {"tasks", "card_ms", "bare_ms", "ratio", "statements", "first_load_kb", "key_p50_ms", "key_p95_ms"}
SMALL = ("--tasks", "500", "--practices", "5", "--cards", "10", "--presses", "10")


@pytest.fixture(scope="module")
def figures(servers: dict[str, str]) -> dict[str, float]:
    """One run in a process of its own, as people start it."""
    command = [sys.executable, "-c", "from ops.cli import main; main()", "bench", "desk", *SMALL, "--json"]
    given = os.environ | {"DATABASE_URL": servers["database_url"], "REDIS_URL": servers["redis_url"]}
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(command, cwd=root, env=given, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().rsplit("\n", 1)[-1])


def test_every_promised_figure_is_there(figures):
    assert figures.keys() >= KEYS
    assert figures["card_ms"] > 0 and figures["bare_ms"] > 0


def test_a_card_takes_at_most_twelve_statements(figures):
    assert 1 <= figures["statements"] <= 12


def test_the_first_load_is_small(figures):
    assert figures["first_load_kb"] is None or figures["first_load_kb"] <= 150
