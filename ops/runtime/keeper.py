"""Keeps one embedded server running for as long as anybody uses it.

    python -m ops.runtime.keeper postgres|valkey VAR_DIR

A client (the supervisor, an `ops` command, a test run) shares a lock on a file for as long as it lives. The keeper is
alone by an exclusive lock of its own, starts the server as its child, starts it again when it dies, and stops it when
it gets the clients' lock to itself, that is, when the last client is gone. The kernel drops locks of the dead, so
kill -9 of anything leaves neither an orphan nor a stale state to clean up.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

from ops.runtime import postgres, starting, valkey
from ops.runtime.backoff import Backoff
from ops.runtime.locks import FileLock
from ops.runtime.logs import shorten
from ops.runtime.places import Place

SERVERS: dict[str, ModuleType] = {postgres.NAME: postgres, valkey.NAME: valkey}
LOOK_SECONDS = 0.1
GRACE_SECONDS = 2.0
"""How long the server stays up after the last client, so that commands in a row share it."""
STOP_SECONDS = 15.0
MOST_FAILURES = 7
"""So many short lives in a row (6 s) and the keeper gives up; whoever needs the server tries again, or is told."""


class Keeper:
    """One server, its child process, and the two locks."""

    def __init__(self, name: str, var: Path) -> None:
        self.server = SERVERS[name]
        self.place = Place(var, name)
        self.clients = FileLock(self.place.clients_lock)
        self.child: subprocess.Popen[bytes] | None = None
        self.backoff = Backoff(longest_s=5.0)
        self.idle_since: float | None = None
        self.grace = GRACE_SECONDS
        self.told_to_stop = False

    def run(self) -> int:
        """Keep the server until nobody needs it. Exit status: 0, or 1 when it would not start at all."""
        signal.signal(signal.SIGTERM, self._stop_now)
        signal.signal(signal.SIGINT, self._stop_now)
        signal.signal(signal.SIGUSR1, self._no_grace)
        while not self.told_to_stop and not self._unused():
            self._keep_running()
            if self.backoff.failures >= MOST_FAILURES:
                return 1
            time.sleep(LOOK_SECONDS)
        self._stop()
        return 0

    def _stop_now(self, _number: int, _frame: object) -> None:
        self.told_to_stop = True

    def _no_grace(self, _number: int, _frame: object) -> None:
        self.grace = 0.0

    def _unused(self) -> bool:
        """True when the last client has been gone for the grace time. We then hold the clients' lock alone, so that
        a client coming now waits until the server is down and starts a new one."""
        if not self.clients.try_exclusive():
            self.idle_since = None
            return False
        self.idle_since = self.idle_since or time.monotonic()
        if time.monotonic() - self.idle_since >= self.grace:
            return True
        self.clients.release()
        return False

    def _keep_running(self) -> None:
        if self.child is not None and self.child.poll() is None:
            return
        if self.child is not None:
            lived = self.backoff.ended()
            say(f"{self.place.name} ended with status {self.child.returncode} after {lived:.1f} s; starting it again")
            self.child = None
        if self.backoff.may_start():
            self._start()

    def _start(self) -> None:
        shorten(self.place.log)
        self.server.prepare(self.place)
        with self.place.log.open("ab") as log:
            self.child = starting.start(
                self.server.command(self.place),
                log=log,
                env=self.server.environment(),
                cwd=self.place.data,
                account=self.server.account(self.place),
                on_parent_death=self.server.ON_KEEPER_DEATH,
            )
        self.backoff.started()

    def _stop(self) -> None:
        if self.child is None:
            return
        for how in (*self.server.STOP, signal.SIGKILL):
            self.child.send_signal(how)
            try:
                self.child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return


def say(what: str) -> None:
    """A line for the server's log, where the keeper's output goes."""
    sys.stderr.write(f"keeper: {what}\n")
    sys.stderr.flush()


def main(name: str, var: Path) -> int:
    """Run the keeper unless there is one already (that is no failure: the client will find it)."""
    alone = FileLock(Place(var, name).keeper_lock)
    if not alone.try_exclusive():
        return 0
    Place(var, name).keeper_lock.write_text(str(os.getpid()))
    try:
        return Keeper(name, var).run()
    except (OSError, subprocess.CalledProcessError) as problem:
        say(str(problem))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
