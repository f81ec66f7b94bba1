"""How fast the next task is claimed, beside a bare `SKIP LOCKED` claim of the same server in the same run.

Several processes claim at the same time, each for agents of its own, through the product's `claim_next` in its own
transaction: real tables, gate, eligibility, fairness, events and why-record. Then as many processes do nothing but one
UPDATE on one perfect index (`raw`), and other queues take one job (`peers`). What is held is finished in the same way
by all, once a round, outside the latencies (`claim_client`).

claims_per_s, raw_per_s: whole claims between the common start and stop, or until there was nothing left to claim.
p50_ms, p99_ms: of single claims, transaction and commit included.
doubles: tasks somebody got that had been given to somebody before (none is ever given back here).
wrong_empty: "nothing to do" while a task waited in an open lane of a practice of this agent.
share_error: half the sum over practices of |minutes - fair minutes|, as a part of all minutes (total variation
    distance), of what was charged in the measured time. Fair is in proportion to contract hours among the practices
    that could be served, whoever may work for them. Tasks are whole, so it cannot be 0 in a short run: `share_floor`
    is what one queue that always serves whoever had least per hour would have after as many tasks.
round_trips: of one claim, BEGIN and COMMIT and all, counted on the wire.
last_over_first: claims of the last quarter of the time over those of the first.
In a burst all agents ask once in each second, at moments of their own within it, and wait for their turn (p50_ms,
    p99_ms); `at_once_p99_ms` is when they all ask in the same instant. `served` of `asked` got a task.
"""

import heapq
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg

from ops.bench import peers, raw
from ops.bench.claim_client import FINISH
from ops.bench.claim_data import SCENARIOS
from ops.bench.scratch import plain, scratch_database

WARM_UP = 400
"""Claims that are not counted, all clients together; fewer when there are few tasks."""
HEAD_START = 0.2
"""Seconds between the word and the common start."""
MINUTES = "SELECT practice_id, minutes_charged::float, hours::float FROM shares"
SERVED = """
SELECT s.practice_id FROM shares s
WHERE s.has_open AND (EXISTS (SELECT FROM users u WHERE u.role = 'agent'
                              AND NOT EXISTS (SELECT FROM agent_profiles a WHERE a.user_id = u.id AND NOT a.everywhere))
                      OR EXISTS (SELECT FROM certifications c WHERE c.practice_id = s.practice_id))
"""


def bench_claim(
    scenario: str,
    *,
    tasks: int,
    practices: int,
    agents: int,
    clients: int,
    seconds: float,
    snapshot_held: bool = False,
) -> dict[str, Any]:
    """Run the whole comparison on scratch data. Needs the servers (`ops.runtime.servers`)."""
    with scratch_database() as url:
        plan = {"scenario": scenario, "tasks": tasks, "practices": practices, "agents": agents}
        _run_alone("ops.bench.claim_data", plan, url)
        raw.make_table(url)
        crew = _Crew(url, scenario, _shared_out(agents, clients), min(WARM_UP, tasks // 10))
        with _snapshot(url) if snapshot_held else nullcontext():
            product = crew.product(seconds, burst=scenario == "burst")
            bare = crew.raw(seconds)
            pgbench = raw.pgbench_per_s(url, clients, seconds)
            others = {name: crew.peer(name, tasks, seconds) for name in peers.installed()}
    given = {"tasks": tasks, "practices": practices, "agents": agents, "clients": clients, "scenario": scenario}
    return given | _figures(product, bare) | {"pgbench_per_s": pgbench, "peers": others}


def _figures(product: dict[str, Any], bare: dict[str, Any]) -> dict[str, Any]:
    figures = {
        "claims_per_s": product["per_s"],
        "p50_ms": product["p50_ms"],
        "p99_ms": product["p99_ms"],
        "raw_per_s": bare["per_s"],
        "raw_p50_ms": bare["p50_ms"],
        "raw_p99_ms": bare["p99_ms"],
        "ratio": round(product["per_s"] / bare["per_s"], 3) if bare["per_s"] else None,
        "raw_doubles": bare["doubles"],
    }
    kept = ("doubles", "wrong_empty", "share_error", "share_floor", "round_trips", "last_over_first", "claims")
    of_bursts = ("asked", "served", "at_once_p99_ms")
    return figures | {name: product[name] for name in (*kept, *of_bursts) if name in product}


class _Crew:
    """The clients of one run, started anew for everything that is measured."""

    def __init__(self, url: str, scenario: str, agents: list[list[int]], warm_up: int) -> None:
        self.url, self.agents, self.now = url, agents, SCENARIOS[scenario].now.isoformat()
        self.warm_up = warm_up // len(agents)

    def product(self, seconds: float, *, burst: bool) -> dict[str, Any]:
        """The product's own claim; a burst is measured twice, spread over a second and all at once."""
        given = {"what": "product", "finish": FINISH.format("tasks")}
        if not burst:
            return self._measure(given, seconds)
        spread, at_once = self._measure(given, seconds, 1.0), self._measure(given, seconds, 0.0)
        both = {name: spread[name] + at_once[name] for name in ("doubles", "wrong_empty", "asked", "served")}
        return spread | both | {"at_once_p99_ms": at_once["p99_ms"]}

    def raw(self, seconds: float) -> dict[str, Any]:
        """The bare claim of the same tasks."""
        values = ["agent", self.now, self.now]
        given = {"what": "raw", "take": raw.TAKE, "values": values, "finish": FINISH.format("raw_tasks")}
        return self._measure(given, seconds)

    def peer(self, name: str, jobs: int, seconds: float) -> dict[str, Any]:
        """Another queue with as many jobs."""
        peer = peers.prepare(name, self.url, jobs)
        given = {"what": name, "take": peer.take, "values": peer.values, "finish": peer.finish}
        measured = self._measure(given, seconds)
        return {name: measured[name] for name in ("per_s", "p50_ms", "p99_ms", "doubles")}

    def _measure(self, given: dict[str, Any], seconds: float, spread: float | None = None) -> dict[str, Any]:
        """Have all clients claim for `seconds`. `spread`: as bursts, each second's within so many seconds."""
        product = given["what"] == "product"
        each = [
            # one counts round trips while the others warm up: what a claim sends does not depend on them
            given
            | {"agents": agents, "now": self.now, "warm_up": self.warm_up, "count_round_trips": product and not at}
            for at, agents in enumerate(self.agents)
        ]
        with _running(each, self.url) as clients:
            for client in clients:
                _line(client, "ready")
            before = _ledger(self.url)
            start = time.monotonic() + HEAD_START
            for client in clients:
                _tell(client, {"start": start, "stop": start + seconds, "spread": spread})
            told = [json.loads(_line(client, "{")) for client in clients]
        figures = _of_logs(told, start, seconds)
        if product:
            figures |= _shares_of(before, _ledger(self.url), _served(self.url), figures["claims"])
        return figures


def _shared_out(agents: int, clients: int) -> list[list[int]]:
    """Each client's agents; at least one."""
    each = [list(range(1 + at, agents + 1, clients)) for at in range(clients)]
    return [some for some in each if some]


@contextmanager
def _running(given: list[dict[str, Any]], url: str) -> Iterator[list[subprocess.Popen[str]]]:
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", "ops.bench.claim_client", json.dumps(each)],
            env=os.environ | {"DATABASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in given
    ]
    try:
        yield clients
        for client in clients:
            client.wait()
    finally:
        for client in clients:
            if client.poll() is None:
                client.kill()
            for pipe in (client.stdin, client.stdout):
                if pipe:
                    pipe.close()


def _line(client: subprocess.Popen[str], beginning: str) -> str:
    """The client's next line that begins so; what the product logs is passed over."""
    assert client.stdout
    for line in client.stdout:
        if line.startswith(beginning):
            return line
    raise RuntimeError("a client of the benchmark failed; its error is above")


def _tell(client: subprocess.Popen[str], what: dict[str, Any]) -> None:
    assert client.stdin
    client.stdin.write(json.dumps(what) + "\n")
    client.stdin.flush()


def _of_logs(told: list[dict[str, Any]], start: float, seconds: float) -> dict[str, Any]:
    """Rates, latencies and doubles from what the clients wrote down."""
    log = sorted((at, task, took) for each in told for task, at, took in each["log"])
    given = Counter(task for each in told for task in each["warmed"]) + Counter(task for _, task, _ in log)
    # where the tasks ran out before the time did, the time ends there
    wall = log[-1][0] - start if log and any(each["out"] for each in told) else seconds
    took = sorted(took for *_, took in log)
    quarters = Counter(min(3, int(4 * (at - start) / wall)) for at, *_ in log)
    trips = [each["round_trips"] for each in told if each["round_trips"] is not None]
    wrong_empty = sum(each["wrong_empty"] for each in told)
    return {
        "claims": len(log),
        "per_s": round(len(log) / wall, 1),
        "p50_ms": _percentile(took, 0.5),
        "p99_ms": _percentile(took, 0.99),
        "doubles": sum(times - 1 for times in given.values()),
        "wrong_empty": wrong_empty,
        "round_trips": max(trips, default=None),
        "last_over_first": round(quarters[3] / quarters[0], 3) if quarters[0] else None,
        "asked": len(log) + wrong_empty,
        "served": len(log),
    }


def _percentile(sorted_seconds: list[float], part: float) -> float | None:
    """In milliseconds, by nearest rank."""
    if not sorted_seconds:
        return None
    return round(1000 * sorted_seconds[min(len(sorted_seconds) - 1, int(part * len(sorted_seconds)))], 2)


def _ledger(url: str) -> dict[int, tuple[float, float]]:
    """Minutes charged and contract hours by practice."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        return {practice: (minutes, hours) for practice, minutes, hours in connection.execute(MINUTES)}


def _served(url: str) -> set[int]:
    """The practices somebody could be given work of."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        return {practice for (practice,) in connection.execute(SERVED)}


Ledger = dict[int, tuple[float, float]]


def _shares_of(before: Ledger, after: Ledger, served: set[int], claims: int) -> dict[str, Any]:
    had = {practice: minutes - before[practice][0] for practice, (minutes, _) in after.items()}
    served |= {practice for practice, minutes in had.items() if minutes}
    hours = {practice: after[practice][1] for practice in served}
    charged_before = {practice: before[practice][0] for practice in served}
    floor = _whole_tasks(charged_before, hours, sum(had.values()), claims)
    return {"share_error": _distance(had, hours), "share_floor": _distance(floor, hours)}


def _distance(had: dict[int, float], hours: dict[int, float]) -> float | None:
    """Total variation distance between the minutes they had and the hours they bought, 0 to 1."""
    total, bought = sum(had.values()), sum(hours.values())
    if not total or not bought:
        return None
    return round(sum(abs(had.get(each, 0) - total * hours[each] / bought) for each in hours) / (2 * total), 4)


def _whole_tasks(charged: dict[int, float], hours: dict[int, float], total: float, claims: int) -> dict[int, float]:
    """Minutes by practice when one queue serves whoever had least per hour, in as many equal tasks."""
    if not claims:
        return {}
    each = total / claims
    had = dict.fromkeys(hours, 0.0)
    owed = [(charged[practice] / hours[practice], practice) for practice in hours if hours[practice]]
    heapq.heapify(owed)
    for _ in range(claims):
        level, practice = owed[0]
        had[practice] += each
        heapq.heapreplace(owed, (level + each / hours[practice], practice))
    return had


@contextmanager
def _snapshot(url: str) -> Iterator[None]:
    """Another session that began to read a long report before, and is not done."""
    with psycopg.connect(plain(url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT count(*) FROM shares")
        yield


def _run_alone(module: str, given: dict[str, Any], url: str) -> None:
    command = [sys.executable, "-m", module, json.dumps(given)]
    done = subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-2000:]}")
