"""The watchdog of one embedded server: keeps it running for as long as anybody uses it.

    python -m ops.runtime.watchdog postgres|valkey VAR_DIR

A client (the supervisor, an `ops` command, a test run) shares a lock on a file for as long as it lives. The watchdog is
alone by an exclusive lock of its own, starts the server as its child, starts it again when it dies, and stops it when
it gets the clients' lock to itself, that is, when the last client is gone. The kernel drops locks of the dead, so
kill -9 of anything leaves neither an orphan nor a stale state to clean up.

A process of its own, because a server must outlive the command that happened to start it, and must not outlive the last
one that uses it: no supervisor that starts and stops things by name (honcho, circus, systemd) counts users.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import IO

from ops.runtime import postgres, valkey
from ops.runtime.child import Child, end
from ops.runtime.locks import FileLock
from ops.runtime.logs import shorten
from ops.runtime.places import Place
from ops.runtime.starting import start

SERVERS: dict[str, ModuleType] = {postgres.NAME: postgres, valkey.NAME: valkey}
LOOK_SECONDS = 0.1
GRACE_SECONDS = 2.0
"""How long the server stays up after the last client, so that commands in a row share it."""
STOP_SECONDS = 15.0
MOST_FAILURES = 7
"""So many short lives in a row (6 s) and we give up; whoever needs the server tries again, or is told."""


class Watchdog:
    """One server, our child, and the clients' lock. SIGTERM: stop it as soon as nobody uses it, without grace."""

    def __init__(self, name: str, var: Path) -> None:
        self.server = SERVERS[name]
        self.place = Place(var, name)
        self.clients = FileLock(self.place.clients_lock)
        self.child = Child(name, self.place.log, self._launch, longest_wait_s=5.0)
        self.idle_since: float | None = None
        self.grace = GRACE_SECONDS

    def run(self) -> int:
        """Keep the server until nobody needs it. Exit status: 0, or 1 when it would not start at all."""
        signal.signal(signal.SIGTERM, self._without_grace)
        self.child.start()  # what cannot be started the first time is told to whoever asked for it, at once
        while not self._unused():
            if happened := self.child.keep_running():
                say(happened)
            if self.child.backoff.failures >= MOST_FAILURES:
                return 1
            time.sleep(LOOK_SECONDS)
        end([self.child], STOP_SECONDS, self.server.STOP)
        return 0

    def _without_grace(self, _number: int, _frame: object) -> None:
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

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        shorten(self.place.log)
        self.server.prepare(self.place)
        return start(
            self.server.command(self.place),
            log=log,
            env=self.server.environment(),
            cwd=self.place.data,
            account=self.server.account(self.place),
            on_parent_death=self.server.STOP[0],
        )


def say(what: str) -> None:
    """A line for the server's log, where our output goes."""
    with suppress(OSError):
        sys.stderr.write(f"watchdog: {what}\n")
        sys.stderr.flush()


def main(name: str, var: Path) -> int:
    """Run the watchdog unless there is one already (that is no failure: the client will find it)."""
    alone = FileLock(Place(var, name).watchdog_lock)
    if not alone.try_exclusive():
        return 0
    with suppress(OSError):  # on a full disk a stop is not hurried (see forgo_grace), nothing else
        Place(var, name).watchdog_lock.write_text(str(os.getpid()))
    try:
        return Watchdog(name, var).run()
    except (OSError, subprocess.CalledProcessError) as problem:
        say(str(problem))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
