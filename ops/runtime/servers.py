"""PostgreSQL and Valkey for this process: those of DATABASE_URL and REDIS_URL, else embedded ones under `var_dir`.

The embedded ones are shared by everything that uses the same `var_dir` at the same time. Whoever comes first starts
them, the last one out lets them stop, and it does not matter which of them is killed (see `ops.runtime.watchdog`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from ops.config import settings
from ops.runtime import postgres, valkey
from ops.runtime.locks import FileLock, is_held
from ops.runtime.places import Place

START_SECONDS = 60.0
"""How long a client waits for a server. The first start of PostgreSQL takes about 2 s here."""
LOOK_SECONDS = 0.02
EMBEDDED = {"DATABASE_URL": postgres, "REDIS_URL": valkey}
_watchdogs: list[subprocess.Popen[bytes]] = []  # kept, so that an ended one is reaped


class ServerError(RuntimeError):
    """An embedded server did not start; the message ends with the last lines of its log."""


class Embedded:
    """This process's share in one embedded server."""

    def __init__(self, server: ModuleType, var: Path) -> None:
        self.server = server
        self.place = Place(var, server.NAME)
        self.url = str(server.url(self.place.sockets))
        """Its address. It may not answer yet."""
        self._share: FileLock | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    def claim(self) -> None:
        """Take our share and see that a watchdog runs. Returns before the server answers. Raises ServerError."""
        try:
            self.place.make_folders()
            self._share = FileLock(self.place.clients_lock)
        except OSError as problem:
            raise ServerError(f"cannot use {self.place.var}: {problem}. Set VAR_DIR to a folder of yours.") from problem
        deadline = time.monotonic() + START_SECONDS
        while not self._share.try_shared():  # the watchdog is just stopping the server
            self._pause(deadline)
        self.see_watchdog()

    def see_watchdog(self) -> None:
        """Start a watchdog if there is none. Raises ServerError when the one we started gave up."""
        if is_held(self.place.watchdog_lock):
            return
        if self._watchdog is not None and (status := self._watchdog.poll()) is not None:
            self._watchdog = None
            if status > 0:
                raise self._error("did not start")
        if self._watchdog is None:
            self._watchdog = _start_watchdog(self.place)

    def wait(self) -> None:
        """Return when the server really answers. Raises ServerError."""
        deadline = time.monotonic() + START_SECONDS
        while not self.server.answers(self.place.sockets):
            self.see_watchdog()
            self._pause(deadline)

    def _pause(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise self._error(f"did not answer within {START_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)

    def _error(self, what: str) -> ServerError:
        return ServerError(
            f"the embedded {self.server.NAME} {what}. The end of {self.place.log}:\n{self.place.log_tail()}"
        )

    def release(self) -> None:
        """Give our share back."""
        if self._share is not None:
            self._share.close()
            self._share = None

    def forgo_grace(self) -> None:
        """Have the watchdog stop the server as soon as nobody uses it."""
        if is_held(self.place.watchdog_lock):
            with suppress(OSError, ValueError):  # just ended, or has not written its number yet
                os.kill(int(self.place.watchdog_lock.read_text()), signal.SIGTERM)

    def wait_for_stop(self) -> None:
        """Return when the server is down, or somebody else uses it."""
        deadline = time.monotonic() + START_SECONDS
        used = 0
        # One look can meet the watchdog's own short look; five in a row are somebody else.
        while is_held(self.place.watchdog_lock) and used < 5 and time.monotonic() < deadline:
            used = used + 1 if self._has_clients() else 0
            time.sleep(LOOK_SECONDS)

    def _has_clients(self) -> bool:
        """Whether anybody shares the server (the watchdog, while it stops it, does not)."""
        lock = FileLock(self.place.clients_lock)
        try:
            return lock.try_shared() and not lock.try_exclusive()
        finally:
            lock.close()


class Servers:
    """Addresses of the two servers, and our shares in those that are embedded."""

    def __init__(self, urls: dict[str, str], embedded: Sequence[Embedded]) -> None:
        self.database_url = urls["DATABASE_URL"]
        self.redis_url = urls["REDIS_URL"]
        self._embedded = embedded

    def wait(self) -> None:
        """Return when both answer. Raises ServerError."""
        for server in self._embedded:
            server.wait()

    def see_watchdogs(self) -> None:
        """Start the watchdog of an embedded server again if it was killed. For processes that live long."""
        for server in self._embedded:
            server.see_watchdog()


@contextmanager
def ready(*, at_once: bool = False, wait: bool = True) -> Iterator[Servers]:
    """The servers for the length of a block, with DATABASE_URL and REDIS_URL set for us and our children. Raises
    ServerError.

    `at_once`: on the way out, return when servers that nobody else uses are down (a fraction of a second); otherwise
    they stay up for a short grace, for the next command. Without `wait` the embedded ones may still be starting;
    `Servers.wait()` must be called in time.
    """
    conf = settings()
    before = {name: os.environ.get(name) for name in EMBEDDED}
    given = {"DATABASE_URL": conf.database_url, "REDIS_URL": conf.redis_url}
    embedded = {name: Embedded(server, conf.var_dir) for name, server in EMBEDDED.items() if not given[name]}
    servers = Servers({name: given[name] or embedded[name].url for name in EMBEDDED}, list(embedded.values()))
    try:
        for server in embedded.values():
            server.claim()
        if wait:
            servers.wait()
        _set({"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url})
        yield servers
    finally:
        _set(before)
        _leave(list(embedded.values()), at_once=at_once)


def _set(environment: dict[str, str | None] | dict[str, str]) -> None:
    for name, value in environment.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    settings.cache_clear()


def _leave(embedded: Sequence[Embedded], *, at_once: bool) -> None:
    for server in embedded:
        server.release()
        if at_once:
            server.forgo_grace()
    for server in embedded if at_once else ():
        server.wait_for_stop()


def _start_watchdog(place: Place) -> subprocess.Popen[bytes]:
    # Its own session and no tie to us: it must outlive us when others still use the server.
    with place.log.open("ab") as log:
        watchdog = subprocess.Popen(
            [sys.executable, "-m", "ops.runtime.watchdog", place.name, str(place.var)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
    _watchdogs.append(watchdog)
    return watchdog
