"""The small parts of the runtime: waits before a restart, logs in short, children that cannot outlive their parent."""

import subprocess
import sys
from pathlib import Path

import pytest

from ops.runtime import child as child_module
from ops.runtime import logs
from ops.runtime.child import Backoff, Child, end, launcher
from ops.runtime.logs import Tail, in_short
from tests import processes
from tests.processes import wait_until

pytestmark = pytest.mark.kills


class Clock:
    """A clock that is moved by hand, for `time.monotonic`."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(child_module, "time", clock)
    monkeypatch.setattr(logs, "time", clock)
    return clock


def wait_after_end(waits: Backoff, clock: Clock) -> float:
    before = clock.now
    while not waits.may_start():
        clock.now += 0.05
    return round(clock.now - before, 1)


def test_a_child_that_keeps_ending_waits_twice_as_long_each_time_up_to_a_limit(clock: Clock) -> None:
    waits = Backoff(longest_s=1.0)
    seen = []
    for _ in range(6):
        waits.started()
        waits.ended()
        seen.append(wait_after_end(waits, clock))
    assert seen == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0], abs=0.06)


def test_a_child_that_lived_long_is_started_again_at_once(clock: Clock) -> None:
    waits = Backoff(longest_s=30.0)
    for _ in range(5):
        waits.started()
        waits.ended()
    waits.started()
    clock.now += 31
    waits.ended()
    assert wait_after_end(waits, clock) <= 0.15


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"event": "worker_started", "level": "info"}', None),
        ('{"event": "job_failed", "level": "error", "error": "KeyError"}', "error job_failed KeyError"),
        (
            '{"level": "warning", "event": "late", "error": "X", "raised": ["a.py:1 f", "b.py:2 g"]}',
            "warning late X at b.py:2 g",
        ),
        ("Traceback (most recent call last):", None),
        ("ValueError: Ann Patient, 555-0100", "ValueError"),
        ("psycopg.errors.UniqueViolation.Error: Key (phone)=(555-0100)", "psycopg.errors.UniqueViolation.Error"),
        ("2026-01-01 LOG:  checkpoint complete", None),
        ("[ERROR] Worker failed to boot", "[ERROR] Worker failed to boot"),
    ],
)
def test_the_terminal_shows_alarming_lines_in_short_and_no_messages_of_exceptions(line: str, shown: str | None) -> None:
    assert in_short(line) == shown


def test_the_same_alarm_is_shown_once_in_five_minutes(clock: Clock, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ERROR of yesterday\n")
    tail = Tail(log)
    assert tail.alarming() == []

    def write(*lines: str) -> list[str]:
        with log.open("a") as out:
            out.writelines(f"{line}\n" for line in lines)
        return tail.alarming()

    assert write("ERROR one", "ERROR one", "ERROR two") == ["ERROR one", "ERROR two"]
    assert write("ERROR one") == []
    clock.now += 301
    assert write("ERROR one") == ["ERROR one"]
    assert write(*(f"ERROR {n}" for n in range(20)))[-1] == f"... and 15 more in {log}"


def test_a_long_log_is_moved_aside_while_its_writer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", 10)
    path = tmp_path / "web.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"ERROR before\n")
        tail = Tail(path)
        logs.shorten(path)
        writer.write(b"ERROR after\n")
    assert path.read_bytes() == b"ERROR after\n"
    assert (tmp_path / "web.log.1").read_bytes() == b"ERROR before\n"
    assert tail.alarming() == ["ERROR after"]


def test_a_child_that_ignores_a_stop_is_killed(tmp_path: Path) -> None:
    ignores = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    child = Child("deaf", tmp_path / "log", launcher([sys.executable, "-c", ignores]))
    process = child.start()
    wait_until(lambda: child.log.read_text() == "1\n")
    end([child], 0.3)
    assert process.poll() == -9


STARTS_A_CHILD = """
import sys, time
from ops.runtime import starting
starting.LINUX = sys.argv[1] == "kernel"
child = starting.start(["sleep", "61"], log=sys.stderr.buffer)
print("started", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="both ways can only be tried on Linux")
@pytest.mark.parametrize("way", ["kernel", "watch"])
def test_a_child_ends_when_its_parent_is_killed(way: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS_A_CHILD, way], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout
    assert parent.stdout.readline() == "started\n"
    wait_until(lambda: len(processes.descendants(parent.pid)) == (1 if way == "kernel" else 2))
    children = processes.descendants(parent.pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: processes.alive(children) == [])


def test_a_log_that_cannot_be_moved_aside_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", 10)
    path = tmp_path / "web.log"
    path.write_text("a long line of a log\n")
    path.with_suffix(".log.1").mkdir()  # nothing can be written there
    logs.shorten(path)
    assert path.read_text() == ""


def test_a_child_that_cannot_be_started_is_tried_again_later(clock: Clock, tmp_path: Path) -> None:
    child = Child("web", tmp_path / "no folder" / "web.log", launcher([sys.executable, "-c", ""]))
    assert "web could not be started" in str(child.keep_running())
    assert child.keep_running() is None and child.pid is None, "not at once"
    (tmp_path / "no folder").mkdir()
    clock.now += 1
    assert child.keep_running() is None
    assert child.process and child.process.wait(10) == 0  # type: ignore[attr-defined]


FULL = """
import os, resource, sys
from ops import logs
from ops.runtime.child import Forked
log = open(sys.argv[1], "ab")
os.dup2(log.fileno(), 2)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
logs.configure()
import structlog
structlog.get_logger().info("a line that is lost")
child = Forked(lambda: 1 / 0, log)
while (status := child.poll()) is None:
    pass
print(os.getpid(), status)
"""


def test_a_log_on_a_full_disk_loses_lines_and_lets_no_fork_go_on_as_its_parent(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path / "log"], stdout=subprocess.PIPE, text=True, timeout=60)
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["1"]
