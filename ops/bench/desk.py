"""How fast the agent's desk is, beside a bare page of the same run.

Three things are measured on a scratch database with as many open tasks as asked for:

card_ms, bare_ms, ratio: the time the server takes for the open card (GET /desk: session, gate, script, history), and
    for a bare Flask page that reads one row by its key and renders a template of one line. Both are called in one
    process, in turns, as WSGI applications: no network, no browser. Medians.
statements: SQL statements of that card, as the driver is given them (BEGIN and ROLLBACK apart).
first_load_kb: what a browser that was never here takes over the wire for the first card, styles and scripts included.
key_p50_ms, key_p95_ms: in real Chromium, from the press of "no answer" to the frame in which the next card is painted
    (two animation frames after it is in the page), through the web server. None without a browser.
"""

import json
import os
import subprocess
import sys
from typing import Any

from ops.bench.claim_data import SCENARIOS
from ops.bench.scratch import scratch_database


def bench_desk(*, tasks: int, practices: int, cards: int, presses: int) -> dict[str, Any]:
    """Run the whole comparison on scratch data. Needs the servers (`ops.runtime.servers`)."""
    from ops import clock

    offset = round((SCENARIOS["open"].now - clock.now()).total_seconds() / 60)
    with scratch_database() as url:
        plan = {"scenario": "open", "tasks": tasks, "practices": practices, "agents": 8}
        _run("ops.bench.claim_data", plan, {"DATABASE_URL": url})
        moved = {"DATABASE_URL": url, "CLOCK_OFFSET_MINUTES": str(offset)}
        served = json.loads(_run("ops.bench.desk_server", {"cards": cards}, moved))
        pressed = json.loads(_run("ops.bench.desk_browser", {"presses": presses}, moved))
    return {"tasks": tasks, "practices": practices} | served | pressed


def _run(module: str, given: dict[str, Any], env: dict[str, str]) -> str:
    """The last line a program of ours printed."""
    command = [sys.executable, "-m", module, json.dumps(given)]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip().rsplit("\n", 1)[-1]
