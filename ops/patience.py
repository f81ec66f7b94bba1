"""How long each kind of process waits for the database, and that nobody waits for a server that hangs.

A statement that waits for a lock, or takes too long, is ended by the server (`lock_timeout`, `statement_timeout`). A
server that hangs ends nothing: after a while without an answer we look whether it takes a connection at all, and hang
up on it if it does not. The page then says "busy", work is tried again by the tick.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors
from sqlalchemy import event

CONNECT_S = 3
"""How long a new connection may take."""
LOOK_AFTER_S = 2.0
"""After this long without an answer to a statement we look whether the server takes a connection."""
SUSPECT_S = 10.0
"""So long after it did not, nobody waits for it longer than a moment, but for one each second who asks for all."""
MOMENT_S = 0.5
EACH_S = 1.0
GONE = "the database does not answer"


@dataclass(frozen=True)
class Limits:
    """In seconds; 0 is no limit."""

    lock: int
    statement: int
    idle_in_transaction: int

    def as_sql(self) -> str:
        """The statements that set them for a connection."""
        given = {
            "lock_timeout": self.lock,
            "statement_timeout": self.statement,
            "idle_in_transaction_session_timeout": self.idle_in_transaction,
        }
        return "; ".join(f"SET {name} = '{seconds}s'" for name, seconds in given.items())


class Kind(Enum):
    """What a process is for. Somebody waits for a page; work is done again when it was ended."""

    WEB = Limits(lock=5, statement=20, idle_in_transaction=300)
    WORKER = Limits(lock=30, statement=900, idle_in_transaction=900)
    TICK = Limits(lock=10, statement=900, idle_in_transaction=900)
    COMMAND = Limits(lock=60, statement=0, idle_in_transaction=0)


_kind = Kind.COMMAND
_suspected_until = 0.0
_asked_again = 0.0


def this_is(kind: Kind) -> None:
    """Say what this process is for, before it connects."""
    global _kind
    _kind = kind


class Connection(psycopg.Connection[Any]):
    """A connection that does not wait for a server that hangs. Raises psycopg.OperationalError then, and is closed."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        while True:
            try:
                return super().wait(gen, interval, MOMENT_S if _is_suspected() else LOOK_AFTER_S)
            except errors._WaitTimeout:
                if self._server_answers():
                    continue
                self.close()
                raise psycopg.OperationalError(GONE) from None

    def _server_answers(self) -> bool:
        if not _may_ask():
            return False
        with suppress(psycopg.OperationalError), _noting_whether_it_answers():
            psycopg.connect(self.info.dsn, password=self.info.password, connect_timeout=CONNECT_S).close()
        return not _is_suspected()


def _is_suspected() -> bool:
    return bool(_suspected_until) and time.monotonic() < _suspected_until  # nearly never: no need to ask for the time


def _may_ask() -> bool:
    """Whether this thread may take its time to find out if the database is there."""
    global _asked_again
    if _is_suspected() and time.monotonic() - _asked_again < EACH_S:
        return False
    _asked_again = time.monotonic()
    return True


@contextmanager
def _noting_whether_it_answers() -> Iterator[None]:
    global _suspected_until
    try:
        yield
    except psycopg.errors.ConnectionTimeout:
        _suspected_until = time.monotonic() + SUSPECT_S
        raise
    _suspected_until = 0.0


def install(engine: sa.Engine) -> None:
    """Have every connection of this engine be of this kind of process."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Connection:
        if not _may_ask():
            raise psycopg.OperationalError(GONE)
        with _noting_whether_it_answers():
            connection = Connection.connect(*args, **{"connect_timeout": CONNECT_S} | given | {"autocommit": True})
        connection.execute(_kind.value.as_sql())
        connection.autocommit = False
        return connection


def is_busy(problem: BaseException) -> bool:
    """Whether the database was waited for in vain: a lock, a slow statement, a hung or missing server, no connection
    left."""
    if isinstance(problem, sa.exc.TimeoutError):
        return True
    cause = problem.orig if isinstance(problem, sa.exc.DBAPIError) else problem
    return isinstance(cause, psycopg.OperationalError)
