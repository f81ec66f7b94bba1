"""`ops bench claim`, small: what it reports, never how fast it was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kills

KEYS = {
    "tasks", "practices", "scenario", "claims_per_s", "p50_ms", "p99_ms", "raw_per_s", "raw_p99_ms", "ratio", "doubles",
    "wrong_empty", "share_error", "round_trips", "peers", "last_over_first", "pgbench_per_s",
}  # fmt: skip
SMALL = ("--tasks", "600", "--practices", "8", "--agents", "4", "--clients", "2", "--seconds", "1")


@pytest.fixture(scope="module")
def figures(servers: dict[str, str]) -> dict[str, object]:
    """One run in a process of its own, as people start it."""
    command = [sys.executable, "-c", "from ops.cli import main; main()", "bench", "claim", *SMALL, "--json"]
    given = os.environ | {"DATABASE_URL": servers["database_url"], "REDIS_URL": servers["redis_url"]}
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(command, cwd=root, env=given, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_promised_figure_is_there(figures):
    assert figures.keys() >= KEYS
    assert figures["claims_per_s"] > 0 and figures["raw_per_s"] > 0
    assert 0 <= figures["share_error"] < 1


def test_nobody_gets_a_task_twice_and_nobody_goes_without(figures):
    assert figures["doubles"] == 0
    assert figures["wrong_empty"] == 0


def test_a_claim_takes_at_most_four_round_trips(figures):
    assert figures["round_trips"] <= 4
