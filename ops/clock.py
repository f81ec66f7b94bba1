"""The one clock. Everything that needs to know the time asks `now()`.

`moved_to` lets the demo live through ninety days in a minute: business code sees the moved time, the operating system
does not. Tests use freezegun, which `now()` follows because it reads `datetime.now` at each call. CLOCK_OFFSET_MINUTES
shifts the clock of a whole installation that only has the recorder: to try the desk in the evening, when the law shuts
every window.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ops.config import settings

_moved: ContextVar[datetime | None] = ContextVar("moved_clock", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _moved.get() or datetime.now(UTC) + timedelta(minutes=settings().clock_offset_minutes)


def today(zone: str) -> date:
    """The calendar day it is now in `zone` (an IANA name)."""
    return now().astimezone(ZoneInfo(zone)).date()


def is_moved() -> bool:
    """Whether this code lives in a time of its own."""
    return _moved.get() is not None


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
