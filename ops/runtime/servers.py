"""PostgreSQL and Valkey for this process: those of DATABASE_URL and REDIS_URL, else embedded ones under `var_dir`.

The embedded ones are shared by everything that uses the same `var_dir` at the same time. Whoever comes first starts
them, the last one out lets them stop, and it does not matter which of them is killed (see `ops.runtime.keeper`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from ops.config import Settings, settings
from ops.runtime import postgres, valkey
from ops.runtime.locks import FileLock, is_held
from ops.runtime.places import Place

START_SECONDS = 60.0
"""How long a client waits for a server. The first start of PostgreSQL takes about 2 s here."""
LOOK_SECONDS = 0.02
_keepers: list[subprocess.Popen[bytes]] = []  # kept, so that an ended one is reaped


class ServerError(RuntimeError):
    """An embedded server did not start; the message ends with the last lines of its log."""


class Embedded:
    """This process's share in one embedded server."""

    def __init__(self, server: ModuleType, var: Path) -> None:
        self.server = server
        self.place = Place(var, server.NAME)
        self._share: FileLock | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    def claim(self) -> None:
        """Take our share and see that a keeper runs. Returns before the server answers."""
        try:
            self.place.make_folders()
            self._share = FileLock(self.place.clients_lock)
        except OSError as problem:
            raise ServerError(f"cannot use {self.place.var}: {problem}. Set VAR_DIR to a folder of yours.") from problem
        deadline = time.monotonic() + START_SECONDS
        while not self._share.try_shared():  # the keeper is just stopping the server
            self._pause(deadline)
        self.see_keeper()

    def see_keeper(self) -> None:
        """Start a keeper if there is none. Raises ServerError when the one we started gave up."""
        if is_held(self.place.keeper_lock):
            return
        if self._keeper is not None and (status := self._keeper.poll()) is not None:
            self._keeper = None
            if status > 0:
                raise self._error("did not start")
        if self._keeper is None:
            self._keeper = _start_keeper(self.place)

    def url(self) -> str:
        """The server's address, as soon as it is known; the server may not answer yet. Raises ServerError."""
        deadline = time.monotonic() + START_SECONDS
        while (sockets := self.place.sockets) is None:
            self.see_keeper()
            self._pause(deadline)
        return str(self.server.url(sockets))

    def wait(self) -> None:
        """Return when the server really answers. Raises ServerError."""
        deadline = time.monotonic() + START_SECONDS
        while (sockets := self.place.sockets) is None or not self.server.answers(sockets):
            self.see_keeper()
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
        """Have the keeper stop the server as soon as nobody uses it."""
        if (keeper := keeper_pid(self.place)) is not None:
            _signal(keeper, signal.SIGUSR1)

    def wait_for_stop(self) -> None:
        """Return when the server is down, or somebody else uses it."""
        deadline = time.monotonic() + START_SECONDS
        used = 0
        # One look can meet the keeper's own short look; five in a row are somebody else.
        while is_held(self.place.keeper_lock) and used < 5 and time.monotonic() < deadline:
            used = used + 1 if _has_clients(self.place) else 0
            time.sleep(LOOK_SECONDS)


class Servers:
    """Addresses of the two servers, valid until `close()`."""

    def __init__(self, database_url: str, redis_url: str, embedded: list[Embedded]) -> None:
        self.database_url = database_url
        self.redis_url = redis_url
        self._embedded = embedded

    def wait(self) -> None:
        """Return when both answer. Raises ServerError."""
        for server in self._embedded:
            server.wait()

    def see_keepers(self) -> None:
        """Start the keeper of an embedded server again if it was killed. For processes that live long."""
        for server in self._embedded:
            server.see_keeper()

    def close(self, *, at_once: bool = True) -> None:
        """Give up our share. `at_once`: return when servers that nobody else uses are down (a fraction of a second);
        otherwise they stay up for a short grace, for the next command."""
        for server in self._embedded:
            server.release()
            if at_once:
                server.forgo_grace()
        for server in self._embedded if at_once else ():
            server.wait_for_stop()


def acquire(given: Settings, *, wait: bool = True) -> Servers:
    """The servers these settings name, started if they are ours to start. Raises ServerError.

    Without `wait` the embedded ones may still be starting; `Servers.wait()` must be called in time.
    """
    database = None if given.database_url else Embedded(postgres, given.var_dir)
    redis = None if given.redis_url else Embedded(valkey, given.var_dir)
    embedded = [server for server in (database, redis) if server]
    try:
        for server in embedded:
            server.claim()
        acquired = Servers(
            database.url() if database else str(given.database_url),
            redis.url() if redis else str(given.redis_url),
            embedded,
        )
        if wait:
            acquired.wait()
    except BaseException:
        Servers("", "", embedded).close(at_once=False)
        raise
    return acquired


@contextmanager
def servers(given: Settings | None = None, *, at_once: bool = True, wait: bool = True) -> Iterator[Servers]:
    """`acquire` for the length of a block."""
    acquired = acquire(given or settings(), wait=wait)
    try:
        yield acquired
    finally:
        acquired.close(at_once=at_once)


@contextmanager
def ready(*, at_once: bool = False, wait: bool = True) -> Iterator[Servers]:
    """The servers for the length of a block, with DATABASE_URL and REDIS_URL set for us and our children."""
    before = {name: os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL")}
    with servers(at_once=at_once, wait=wait) as acquired:
        os.environ |= {"DATABASE_URL": acquired.database_url, "REDIS_URL": acquired.redis_url}
        settings.cache_clear()
        try:
            yield acquired
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            settings.cache_clear()


def keeper_pid(place: Place) -> int | None:
    """The process that keeps this server, None when there is none."""
    try:
        number = int(place.keeper_lock.read_text())
    except (OSError, ValueError):
        return None
    return number if is_held(place.keeper_lock) else None


def _has_clients(place: Place) -> bool:
    """Whether anybody shares the server (the keeper, while it stops it, does not)."""
    lock = FileLock(place.clients_lock)
    try:
        return lock.try_shared() and not lock.try_exclusive()
    finally:
        lock.close()


def _start_keeper(place: Place) -> subprocess.Popen[bytes]:
    # Its own session and no tie to us: it must outlive us when others still use the server.
    with place.log.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "ops.runtime.keeper", place.name, str(place.var)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
    _keepers.append(keeper)
    return keeper


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
