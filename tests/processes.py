"""Counting, killing and waiting for real processes, for the tests of the runtime."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CLIENT = """
import sys
from ops.runtime.servers import ready
with ready(at_once=True) as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    for line in sys.stdin:
        servers.see_watchdogs()
        print("seen", flush=True)
"""


def environment(var: Path) -> dict[str, str]:
    """Ours, with embedded servers under `var` that forget everything in a crash of the machine."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return kept | {"VAR_DIR": str(var), "EMBEDDED_FSYNC": "off"}


class Client:
    """A process that uses the embedded servers of a var folder until `leave()`."""

    def __init__(self, var: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(var),
            text=True,
        )

    def urls(self) -> list[str]:
        """The database's and the queue's address, once both answer."""
        assert self.process.stdout
        return self.process.stdout.readline().split()

    def look_after_watchdogs(self) -> None:
        """What the supervisor does every second."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "seen\n"

    def leave(self) -> None:
        """Give the share back; returns when servers without other clients are down."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        assert self.process.stdout
        self.process.stdout.close()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(10)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()


def of(place: Path, containing: str = "") -> list[int]:
    """Processes whose command line names `place` and `containing`, without their children."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(place) in words and containing in words and state != "Z":
            found.append(int(folder.name))
    return sorted(found)


def children(pid: int) -> list[int]:
    """The processes that `pid` itself started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid: int) -> list[int]:
    """Every process that `pid` started, and those they started."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def alive(pids: list[int]) -> list[int]:
    """Those of `pids` that still run (a zombie does not)."""
    left = []
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                left.append(pid)
        except OSError:
            continue
    return left


def kill(pid: int) -> None:
    """kill -9 of one process."""
    os.kill(pid, signal.SIGKILL)


def wait_until(true: Callable[[], object], seconds: float = 15.0) -> None:
    """Return when `true()` is; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
