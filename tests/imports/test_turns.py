"""Eight people who look at files at once must not take the memory of the machine."""

import subprocess
import sys

import pytest

from ops.config import settings
from ops.db import db
from ops.imports import loading
from ops.imports.loading import looking, turns
from ops.imports.models import Import
from tests.loads import HEAD, received
from tests.world import make_practice

pytestmark = pytest.mark.kills

HOLDER = """
from ops.imports.loading.turns import turn_to_look
with turn_to_look(5) as mine:
    print(mine, flush=True)
    input()
"""


def test_few_files_are_looked_at_at_once_on_a_machine_and_a_killed_look_gives_its_turn_back(app, tmp_path, monkeypatch):
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    settings.cache_clear()
    monkeypatch.setattr(looking, "WAIT_S", 0)
    practice = make_practice("lake")
    load = db.session.get_one(Import, received(practice, ("a.csv", HEAD + "1,Ada,Lane,,312-555-0101,,\n")))
    command = [sys.executable, "-c", HOLDER]
    holders = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(turns.AT_ONCE)
    ]
    try:
        assert [holder.stdout.readline() for holder in holders] == ["True\n"] * turns.AT_ONCE
        found, problems = loading.previews(practice, load)
        assert not found
        assert set(problems.values()) == {looking.BUSY}
        holders[0].kill()
        holders[0].wait()
        found, problems = loading.previews(practice, load)
        assert found
        assert not problems
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()
        settings.cache_clear()
