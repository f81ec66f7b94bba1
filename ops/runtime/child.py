"""A child process that is kept running: started again when it ends, later and later if it keeps ending."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from ops.runtime.logs import Tail
from ops.runtime.starting import die_with_parent, start

LONG_LIFE_SECONDS = 30.0
"""A child that lived this long ran well: its next start does not wait."""


class Process(Protocol):
    """What we need of a process: subprocess.Popen has it, and so has `Forked`."""

    pid: int

    def poll(self) -> int | None:
        """Its exit status (negative: the signal that ended it); None while it runs."""

    def send_signal(self, sig: int) -> None:
        """Signal it."""


Launch = Callable[[IO[bytes]], Process]
"""Starts a process with its output in the open log."""


class Backoff:
    """Waits 0.1 s after the first end, twice as long after each further one, `longest_s` at most."""

    def __init__(self, longest_s: float) -> None:
        self.longest_s = longest_s
        self.failures = 0
        self._started = 0.0
        self._wait_until = 0.0

    def started(self) -> None:
        """The child was started just now."""
        self._started = time.monotonic()

    def ended(self) -> float:
        """The child ended just now; the seconds it lived."""
        lived = time.monotonic() - self._started
        self.failures = 1 if lived > LONG_LIFE_SECONDS else self.failures + 1
        self._wait_until = time.monotonic() + min(self.longest_s, 0.1 * 2 ** (self.failures - 1))
        return lived

    def may_start(self) -> bool:
        """Whether the wait is over."""
        return time.monotonic() >= self._wait_until


class Child:
    """One process that is kept running, with its log."""

    def __init__(self, name: str, log: Path, launch: Launch, longest_wait_s: float = 30.0) -> None:
        self.name = name
        self.log = log
        self.tail = Tail(log)
        self.process: Process | None = None
        self.backoff = Backoff(longest_wait_s)
        self._launch = launch

    def start(self) -> Process:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = self._launch(log)
        self.backoff.started()
        return self.process

    def keep_running(self) -> str | None:
        """Start it (again) if it does not run and the wait is over; a line for people when it just ended."""
        if self.process is None:
            return self._start_if_due()
        status = self.process.poll()
        if status is None:
            return None
        lived = self.backoff.ended()
        self.process = None
        return f"{self.name} ended with status {status} after {lived:.0f} s, starting it again (see {self.log})"

    def _start_if_due(self) -> str | None:
        """A start that fails (no memory, no room for a log) is tried again, like a child that ends at once."""
        if not self.backoff.may_start():
            return None
        try:
            self.start()
        except OSError as problem:
            self.backoff.started()
            self.backoff.ended()
            return f"{self.name} could not be started: {problem}"
        return None

    @property
    def pid(self) -> int | None:
        """Its process; None while it waits to be started again."""
        return self.process.pid if self.process else None

    def runs(self) -> bool:
        """Whether its process has not ended."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Signal it if it runs."""
        if self.process is not None and self.runs():
            self.process.send_signal(number)


def end(ending: Sequence[Child], patience_s: float, signals: Sequence[signal.Signals] = (signal.SIGTERM,)) -> None:
    """Ask them all to end, by each of `signals` in turn, and kill those that take longer than `patience_s` each."""
    for number in (*signals, signal.SIGKILL):
        for child in ending:
            child.signal(number)
        deadline = time.monotonic() + patience_s
        while any(child.runs() for child in ending) and time.monotonic() < deadline:
            time.sleep(0.02)


def launcher(command: Sequence[str], pass_fds: Sequence[int] = ()) -> Launch:
    """Starts `command`; it is killed when we die: there is nobody left to watch over it."""
    return lambda log: start(command, log=log, on_parent_death=signal.SIGKILL, pass_fds=pass_fds)


class Forked:
    """A process forked from this one that does `work` and ends. It is killed when we die."""

    def __init__(self, work: Callable[[], None], log: IO[bytes]) -> None:
        parent = os.getpid()
        self._status: int | None = None
        self.pid = os.fork()
        if not self.pid:
            _work_and_exit(work, log, parent)

    def poll(self) -> int | None:
        """Its exit status (negative: the signal that ended it); None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def send_signal(self, sig: int) -> None:
        """Signal it."""
        os.kill(self.pid, sig)


def _work_and_exit(work: Callable[[], None], log: IO[bytes], parent: int) -> None:
    status = 1
    try:
        die_with_parent(parent)
        os.setsid()  # Ctrl-C in the terminal must reach the supervisor alone
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        work()
        status = 0
    except BaseException:
        with suppress(OSError):
            traceback.print_exc()
    finally:
        with suppress(OSError):  # a log on a full disk; whatever happens, this copy of the supervisor must not go on
            sys.stderr.flush()
        os._exit(status)
