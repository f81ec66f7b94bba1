"""One of the processes that claim at the same time: the product's way, or the raw way, between a common start and stop.

    python -m ops.bench.claim_client '{"what": "product", "agents": [1, 2, ...], "finish": statement, "now": ...}'

It prepares itself, prints "ready", reads one line {"start", "stop"} (monotonic seconds, the same clock in all
processes of a machine) and prints one JSON object of what it measured. An agent holds one task at a time: after each
round over its agents the client finishes what they hold with one UPDATE on a second connection. That is in the wall
time but not in the latencies; the raw loop does the same for as many tasks at once.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg

from ops.bench.scratch import plain

FINISH = (
    "UPDATE {} SET state = 'done', finished_at = claimed_at, held_by = NULL, lease_until = NULL WHERE id = ANY ($1)"
)
LEFT = """
SELECT EXISTS (
    SELECT FROM tasks t JOIN lanes l ON l.id = t.lane_id
    WHERE t.state = 'waiting' AND t.offered AND l.opens_at <= %(now)s AND %(now)s < l.closes_at
      AND (NOT EXISTS (SELECT FROM agent_profiles a WHERE a.user_id = %(agent)s AND NOT a.everywhere)
           OR t.practice_id IN (SELECT c.practice_id FROM certifications c WHERE c.user_id = %(agent)s))
)
"""
ROUND_TRIPS_OVER = 20
"""Claims over which round trips are counted on the wire."""

Claim = Callable[[int], int | None]
"""Claim for this agent: the task's number, None when told there is nothing."""


class Out(Exception):
    """Nothing is left for an agent: the measurement ends here."""


class Client:
    """Claims for its agents in turn, and remembers when and what."""

    def __init__(self, given: dict[str, Any], claim: Claim, url: str) -> None:
        self.agents: list[int] = given["agents"]
        self.now = datetime.fromisoformat(given["now"])
        self.claim = claim
        self.finish = given["finish"]
        self.product = given["what"] == "product"
        self.side = psycopg.connect(plain(url), autocommit=True)
        self.held: list[int] = []
        self.log: list[tuple[int, float, float]] = []
        """(task, when it was there, how long it took), seconds."""
        self.wrong_empty = 0
        self.out = False

    def one(self, agent: int, due: float | None = None) -> None:
        """Claim for this agent; `due`: when it asked, if it had to wait for its turn."""
        begun = time.perf_counter()
        waited = max(0.0, time.monotonic() - due) if due else 0.0
        task = self.claim(agent)
        took = time.perf_counter() - begun + waited
        if task is not None:
            self.held.append(task)
            self.log.append((task, time.monotonic(), took))
        elif self.product and self._left(agent):
            self.wrong_empty += 1
        else:
            raise Out

    def _left(self, agent: int) -> bool:
        row = self.side.execute(LEFT, {"now": self.now, "agent": agent}).fetchone()
        return bool(row and row[0])

    def put_down(self) -> None:
        """Finish everything that is held."""
        if self.held:
            psycopg.RawCursor(self.side).execute(self.finish, [self.held])
            self.held = []

    def rounds(self, until: Callable[[], bool]) -> None:
        """Claim for all agents in turn, again and again."""
        try:
            while not until():
                for agent in self.agents:
                    if until():
                        break
                    self.one(agent)
                self.put_down()
        except Out:
            self.out = True
        self.put_down()

    def burst(self, start: float, stop: float, spread: float) -> None:
        """Each second every agent asks once, at a moment of its own within `spread` seconds. A question that comes
        while the one before is being answered waits; its latency counts from when it came."""
        dice = random.Random(self.agents[0])  # noqa: S311 (no secret)
        second = start
        try:
            while second < stop:
                for due, agent in sorted((second + dice.random() * spread, agent) for agent in self.agents):
                    _sleep_until(due)
                    self.one(agent, due)
                _sleep_until(second + 1)
                self.put_down()
                second = max(second + 1, time.monotonic())
        except Out:
            self.out = True
        self.put_down()


def _sleep_until(moment: float) -> None:
    if (left := moment - time.monotonic()) > 0:
        time.sleep(left)


@contextmanager
def _product(given: dict[str, Any]) -> Iterator[tuple[Claim, Callable[[], Any], str]]:
    """The product's own claim, in its own context, under the moved clock; and the connection it uses."""
    from ops import clock, create_app
    from ops.config import settings
    from ops.db import db, driver_transaction
    from ops.queue.actions.claiming import Refusal, claim_next

    def claim(agent: int) -> int | None:
        actor = f"user:{agent}"
        with driver_transaction() as connection:
            found = claim_next(connection, agent, actor, [])
        if isinstance(found, Refusal):
            raise RuntimeError(f"the gate refused task {found.task_id}: {found.decision.reasons}")
        return found.id if found else None

    def connection() -> Any:
        with db.engine.connect() as pooled:
            return pooled.connection.driver_connection

    with create_app().app_context(), clock.moved_to(datetime.fromisoformat(given["now"])):
        yield claim, connection, settings().database_url or ""


@contextmanager
def _statement(given: dict[str, Any]) -> Iterator[tuple[Claim, Callable[[], Any], str]]:
    """One statement, autocommitted and prepared: the raw claim, or another queue's."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.prepare_threshold = 0
        cursor = psycopg.RawCursor(connection)

        def claim(agent: int) -> int | None:
            values = [agent if value == "agent" else value for value in given["values"]]
            row = cursor.execute(given["take"], values).fetchone()
            return row[0] if row else None

        yield claim, lambda: connection, url


def round_trips(client: Client, connection: Any) -> float | None:
    """Round trips of a claim, counted on the wire: libpq writes down every message, each answered request ends in one
    ReadyForQuery. The mean of a few claims, after the warm-up. None where libpq cannot trace."""
    counts = []
    for agent in (client.agents * ROUND_TRIPS_OVER)[:ROUND_TRIPS_OVER]:
        with tempfile.TemporaryFile() as lines:
            try:
                connection.pgconn.trace(lines.fileno())
            except psycopg.NotSupportedError:
                return None
            try:
                client.one(agent)
            except Out:
                break
            finally:
                connection.pgconn.untrace()
            lines.seek(0)
            counts.append(sum(b"\tReadyForQuery" in line for line in lines))
        client.put_down()
    return round(sum(counts) / len(counts), 2) if counts else None


def main() -> None:
    given = json.loads(sys.argv[1])
    way = _product if given["what"] == "product" else _statement
    with way(given) as (claim, connection, url):
        client = Client(given, claim, url)
        warm = given["warm_up"]
        client.rounds(lambda: len(client.log) >= warm)
        trips = round_trips(client, connection()) if given.get("count_round_trips") else None
        warmed = [task for task, *_ in client.log]
        client.log.clear()
        print("ready", flush=True)  # noqa: T201
        told = json.loads(sys.stdin.readline())
        _sleep_until(told["start"])
        if told.get("spread") is None:
            client.rounds(lambda: time.monotonic() >= told["stop"])
        else:
            client.burst(told["start"], told["stop"], told["spread"])
        measured = {"warmed": warmed, "log": client.log, "wrong_empty": client.wrong_empty, "out": client.out}
        print(json.dumps(measured | {"round_trips": trips}))  # noqa: T201


if __name__ == "__main__":
    if os.environ.get("BENCH_PROFILE"):
        import cProfile

        cProfile.run("main()", os.environ["BENCH_PROFILE"] + str(os.getpid()))
    else:
        main()
