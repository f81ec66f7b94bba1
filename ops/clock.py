"""The one clock. Everything that needs to know the time asks `now()`.

`moved_to` lets the demo live through ninety days in a minute: business code sees the moved time, the operating system
does not. Tests use freezegun, which `now()` follows because it reads `datetime.now` at each call.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_moved: ContextVar[datetime | None] = ContextVar("moved_clock", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _moved.get() or datetime.now(UTC)


def today(zone: str) -> date:
    """The calendar day it is now in `zone` (an IANA name)."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def moved_to(moment: datetime) -> Iterator[None]:
    """Within the block, `now()` answers `moment` (aware). Nothing else in the process is affected."""
    if moment.tzinfo is None:
        raise ValueError("the clock only takes aware datetimes")
    token = _moved.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _moved.reset(token)


@contextmanager
def movable(moment: datetime) -> Iterator[Callable[[datetime], None]]:
    """Like `moved_to`, and yields a function that sets the clock to another moment within the block."""
    token = _moved.set(moment.astimezone(UTC))
    try:
        yield _set
    finally:
        _moved.reset(token)


def _set(moment: datetime) -> None:
    _moved.set(moment.astimezone(UTC))
