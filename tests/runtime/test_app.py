"""`ops run`: one command starts everything, keeps it running whatever is killed, and takes it all along at its end."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError

import psycopg
import pytest
import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from ops.background import Job
from ops.queue.actions.shares import SWEEPING
from tests import processes
from tests.processes import wait_until

pytestmark = [
    pytest.mark.kills,
    pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc"),
    pytest.mark.timeout(180),
]
OPS = [sys.executable, "-c", "from ops.cli import main; main()"]
CHILDREN = {"web", "worker-work", "worker-messages", "worker-imports", "tick"}


class App:
    """A running `ops run` on a var folder of its own."""

    def __init__(self, var: Path, out: Path) -> None:
        self.var = var
        self.out = out
        self.process = subprocess.Popen(
            [*OPS, "run", "--port", "0", "--no-demo"],
            stdin=subprocess.DEVNULL,
            stdout=out.open("wb"),
            stderr=subprocess.STDOUT,
            env=processes.environment(var),
        )

    def wait_until_running(self) -> "App":
        wait_until(lambda: self.state().get("phase") == "running" or self.process.poll() is not None, 90)
        assert self.process.poll() is None, self.out.read_text()
        self.wait_for_children()
        return self

    def wait_for_children(self) -> None:
        wait_until(lambda: set(self.state()["children"]) == CHILDREN and all(self.state()["children"].values()), 90)

    def state(self) -> dict:
        try:
            state = json.loads((self.var / "run" / "app.json").read_text())
        except FileNotFoundError:
            return {}
        return state if state["pid"] == self.process.pid else {}

    def child(self, name: str) -> int | None:
        return self.state()["children"][name]

    def get(self, path: str) -> tuple[int, dict]:
        try:
            with urllib.request.urlopen(self.state()["address"] + path, timeout=90) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as refusal:
            return refusal.code, json.loads(refusal.read())

    def all_processes(self) -> list[int]:
        """The supervisor, its children and the servers, with everything each of them started."""
        roots = [self.process.pid, *processes.of(self.var)]
        return sorted({*roots, *(pid for root in roots for pid in processes.descendants(root))})


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One app for the tests that leave it running."""
    folder = tmp_path_factory.mktemp("app")
    app = App(folder / "var", folder / "out")
    try:
        yield app.wait_until_running()
    finally:
        app.process.kill()
        app.process.wait()
        wait_until(lambda: processes.of(app.var) == [])


def ops(app: App, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*OPS, *words], env=processes.environment(app.var), capture_output=True, text=True, timeout=90
    )


def query(app: App, statement: str) -> object:
    sockets = str(app.var / "run" / "postgres")
    with psycopg.connect(host=sockets, user="postgres", dbname="loopkeeper", autocommit=True) as connection:
        done = connection.execute(statement)
        row = done.fetchone() if done.description else None
    return row[0] if row else None


def queue(app: App, name: str) -> Queue:
    line = redis.Redis(unix_socket_path=str(app.var / "run" / "valkey" / "valkey.sock"))
    return Queue(name, connection=line, serializer=JSONSerializer)


@contextmanager
def a_long_job(app: App) -> Iterator[None]:
    """A job of ours that cannot go on: it waits for the lock of the floor, which is held here."""
    with psycopg.connect(host=str(app.var / "run" / "postgres"), user="postgres", dbname="loopkeeper") as holding:
        holding.execute("SELECT pg_advisory_xact_lock(%s)", [SWEEPING])
        queue(app, "imports").enqueue(Job.PRACTICE_CHANGED.value, 0, description="long")
        yield


def test_it_starts_every_child_and_answers(app: App) -> None:
    assert set(app.state()["children"]) == CHILDREN
    assert app.get("/healthz") == (200, {"alive": True})
    assert app.get("/readyz") == (200, {"ready": True, "problems": {}})
    assert f"Loopkeeper answers at {app.state()['address']}" in app.out.read_text()


def test_ctrl_c_in_the_terminal_reaches_the_supervisor_alone(app: App) -> None:
    for pid in app.state()["children"].values():
        assert os.getsid(pid) != os.getsid(app.process.pid)


def test_a_second_start_on_the_same_folder_names_the_first(app: App) -> None:
    second = ops(app, "run")
    assert second.returncode == 0
    assert f"already running at {app.state()['address']} (pid {app.process.pid})" in second.stdout
    assert app.process.poll() is None


def test_the_links_of_commands_lead_to_the_running_app(app: App) -> None:
    added = ops(app, "user", "add", "new.agent@example.com", "--role", "agent", "--json")
    assert json.loads(added.stdout)["invite"].startswith(app.state()["address"] + "/link/")


def test_doctor_finds_it_healthy_and_says_so_in_json(app: App) -> None:
    wait_until(lambda: query(app, "SELECT count(*) FROM ticks WHERE name = 'tick'"), 60)
    wait_until(lambda: sum(Worker.count(queue=queue(app, name)) for name in ("work", "messages", "imports")) == 3, 60)
    asked = ops(app, "doctor", "--json")
    found = json.loads(asked.stdout)
    assert (asked.returncode, found["healthy"], found["problems"]) == (0, True, [])
    assert set(found["versions"]) == {"app", "python", "postgresql", "valkey"}
    assert found["migrations"]["database"] == found["migrations"]["code"]
    assert {name: measured["workers"] for name, measured in found["queues"].items()} == {
        "work": 1,
        "messages": 1,
        "imports": 1,
    }


def test_a_job_runs_in_the_worker_of_its_queue(app: App) -> None:
    job = queue(app, "work").enqueue(Job.NOTE_REPLY.value, 7, description="who runs me")
    wait_until(lambda: job.get_status(refresh=True) == "finished", 30)
    assert job.latest_result().worker_name.endswith(f"-{app.child('worker-work')}")


def test_what_a_failed_job_complained_of_stays_out_of_logs_and_redis(app: App) -> None:
    job = queue(app, "messages").enqueue(Job.NOTE_REPLY.value, "Ann Patient 555-0100", description="fails")
    wait_until(lambda: job.get_status(refresh=True) == "failed", 30)
    assert "Error (message withheld)" in job.latest_result().exc_string
    assert "Ann" not in job.latest_result().exc_string
    wait_until(lambda: "job_failed" in (app.var / "log" / "worker-messages.log").read_text())
    assert "Ann" not in (app.var / "log" / "worker-messages.log").read_text()


@pytest.mark.parametrize("name", ["tick", "worker-messages"])
def test_a_killed_child_is_started_again(app: App, name: str) -> None:
    app.wait_for_children()
    killed = app.child(name) or 0
    with_children = [killed, *processes.descendants(killed)]
    processes.kill(killed)
    wait_until(lambda: app.state()["children"].get(name) not in (killed, None))
    wait_until(lambda: processes.alive(with_children) == [])
    wait_until(lambda: f"{name} ended with status -9" in app.out.read_text())


def test_visitors_wait_while_a_killed_web_starts_again(app: App) -> None:
    app.wait_for_children()
    killed = app.child("web") or 0
    processes.kill(killed)
    wait_until(lambda: processes.alive([killed]) == [])
    assert app.get("/healthz") == (200, {"alive": True})


def test_a_job_dies_with_its_killed_worker(app: App) -> None:
    app.wait_for_children()
    worker = app.child("worker-imports") or 0
    with a_long_job(app):
        wait_until(lambda: processes.descendants(worker), 60)
        job = processes.descendants(worker)
        processes.kill(worker)
        wait_until(lambda: processes.alive(job) == [])


def test_killed_servers_come_back_and_the_app_with_them(app: App) -> None:
    for name in ("postgres -D", "valkey-server"):
        processes.kill(processes.of(app.var, name)[0])
    wait_until(lambda: app.get("/readyz")[0] == 200, 60)
    for watchdog in processes.of(app.var, "ops.runtime.watchdog"):
        processes.kill(watchdog)
    wait_until(lambda: len(processes.of(app.var, "ops.runtime.watchdog")) == 2, 30)
    wait_until(lambda: app.get("/readyz")[0] == 200, 60)
    assert app.process.poll() is None


def test_readyz_names_what_is_missing_and_no_secret(app: App) -> None:
    watchdogs = processes.of(app.var, "ops.runtime.watchdog valkey")
    os.kill(watchdogs[0], signal.SIGSTOP)  # so that nobody starts it again
    try:
        processes.kill(processes.of(app.var, "valkey-server")[0])
        assert app.get("/readyz") == (503, {"ready": False, "problems": {"redis": "ConnectionError"}})
        assert app.get("/healthz")[0] == 200
    finally:
        os.kill(watchdogs[0], signal.SIGCONT)
    wait_until(lambda: app.get("/readyz")[0] == 200, 60)


def test_with_no_room_to_write_everything_is_kept_running_and_told_of_later(app: App) -> None:
    app.wait_for_children()
    before = dict(app.state()["children"])
    _, most = resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (0, most))  # children to come inherit it
    try:
        for name in CHILDREN:
            processes.kill(before[name])
        wait_until(lambda: len(set(processes.children(app.process.pid)) - set(before.values())) >= len(CHILDREN), 60)
        assert app.get("/readyz") == (200, {"ready": True, "problems": {}})
        job = queue(app, "work").enqueue(Job.NOTE_REPLY.value, 7, description="done all the same")
        wait_until(lambda: job.get_status(refresh=True) == "finished", 60)
        assert app.process.poll() is None
    finally:
        resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (most, most))
    wait_until(lambda: not set(app.state()["children"].values()) & {*before.values(), None}, 60)


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = processes.environment(tmp_path / "var") | {"PORT": port}
        tried = subprocess.run([*OPS, "run"], env=env, capture_output=True, text=True, timeout=60)
    assert tried.returncode == 1
    assert re.search(rf"Cannot listen on 127\.0\.0\.1:{port}: Address already in use", tried.stderr)
    assert not (tmp_path / "var" / "postgres").exists()


def test_a_stop_takes_everything_along_and_the_data_stays(app: App) -> None:
    query(app, "CREATE TABLE kept AS SELECT 7 AS n")
    everything = app.all_processes()
    assert len(everything) > 10
    app.process.send_signal(signal.SIGTERM)
    assert app.process.wait(30) == 0
    assert processes.alive(everything) == []


def test_a_killed_supervisor_leaves_no_orphans(app: App, tmp_path: Path) -> None:
    assert app.process.wait(1) == 0, "the test before this one stops it"
    again = App(app.var, tmp_path / "out").wait_until_running()
    assert query(again, "SELECT n FROM kept") == 7
    with suppress(psycopg.OperationalError), a_long_job(again):  # the server goes with the supervisor
        wait_until(lambda: processes.descendants(again.child("worker-imports") or 0), 60)
        everything = again.all_processes()
        assert len(everything) > 11
        again.process.kill()
        again.process.wait()
        wait_until(lambda: processes.alive(everything) == [], 30)
