"""A child process that is kept running: started again when it ends, later and later if it keeps ending."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Protocol

from ops.runtime.backoff import Backoff
from ops.runtime.logs import Tail


class Process(Protocol):
    """What we need of a process: subprocess.Popen has it, and so has `Forked`."""

    pid: int

    def poll(self) -> int | None:
        """Its exit status (negative: the signal that ended it); None while it runs."""

    def send_signal(self, sig: int) -> None:
        """Signal it."""


class Forked:
    """A process forked from this one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

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


class Child:
    """One process that is kept running, with its log. `launch` starts it with its output in the open log."""

    def __init__(self, name: str, log: Path, launch: Callable[[IO[bytes]], Process]) -> None:
        self.name = name
        self.log = log
        self.tail = Tail(log)
        self.process: Process | None = None
        self._launch = launch
        self._backoff = Backoff(longest_s=30.0)

    def start(self) -> Process:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = self._launch(log)
        self._backoff.started()
        return self.process

    def keep_running(self) -> str | None:
        """Start it again if it ended and the wait is over; a line for people when it just ended."""
        if self.process is None:
            if self._backoff.may_start():
                self.start()
            return None
        status = self.process.poll()
        if status is None:
            return None
        lived = self._backoff.ended()
        self.process = None
        return f"{self.name} ended with status {status} after {lived:.0f} s, starting it again (see {self.log})"

    @property
    def pid(self) -> int | None:
        """Its process; None while it waits to be started again."""
        return self.process.pid if self.process else None

    def signal(self, number: signal.Signals) -> None:
        """Signal it if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


def end(ending: Sequence[Child], patience_s: float) -> None:
    """Ask them all to end, and kill those that take longer than `patience_s` seconds together."""
    for child in ending:
        child.signal(signal.SIGTERM)
    if not _gone(ending, patience_s):
        for child in ending:
            child.signal(signal.SIGKILL)
        _gone(ending, patience_s)


def _gone(ending: Sequence[Child], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while any(child.process is not None and child.process.poll() is None for child in ending):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def launcher(command: Sequence[str], pass_fds: Sequence[int] = ()) -> Callable[[IO[bytes]], "subprocess.Popen[bytes]"]:
    """Starts `command`; it is killed when we die: there is nobody left to watch over it."""
    from ops.runtime import starting

    return lambda log: starting.start(command, log=log, on_parent_death=signal.SIGKILL, pass_fds=pass_fds)
