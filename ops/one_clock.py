"""Whether this process lives in the same time as the database. Who does not must not claim, sweep or send.

Leases, hours of contact and due times are compared by many processes. One whose clock is eleven minutes ahead takes
fresh leases from people who are on the phone; one that is hours off texts at night. So clocks are compared as the
machines have them, not as tests and the demo move them, and a shifted clock (CLOCK_OFFSET_MINUTES) with the shift the
web of this installation started with.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from ops import clock
from ops.config import settings
from ops.db import read_row
from ops.errors import Refused

log = structlog.get_logger()
MOST_S = 30.0
"""How far apart two clocks may be."""
LOOK_AFTER_S = 15.0
JUMP_S = 1.0
ASK = """
    SELECT extract(epoch FROM clock_timestamp())::float8 AS at,
        (SELECT clock_offset_minutes FROM installation) AS minutes
"""
WORDS = (
    "The clock of this server is {seconds:.0f} seconds off the database's, so nothing is claimed or sent from here. "
    "Tell an admin: it needs the right time (and the same CLOCK_OFFSET_MINUTES everywhere)."
)


class WrongClock(Refused):
    """This process and the database do not agree on the time."""


@dataclass
class _Known:
    """What the last look said: when that was, and by how much the machine's clock led its running time then."""

    looked: float = float("-inf")
    lead: float = 0.0
    off: float = 0.0


_known = _Known()


def must_agree() -> None:
    """Raises WrongClock. Asks the database four times a minute at most, and at once when the machine's clock jumped.

    Whoever lives in a time of their own (the demo) is not asked.
    """
    global _known
    if clock.is_moved():
        return
    running, lead = _running(), machine_time() - _running()
    if running - _known.looked > LOOK_AFTER_S or abs(lead - _known.lead) > JUMP_S:
        _known = _Known(running, lead, off_by(lambda: read_row(ASK, {})))
    if abs(_known.off) > MOST_S:
        log.error("wrong_clock", seconds=round(_known.off))
        raise WrongClock(WORDS.format(seconds=abs(_known.off)))


def off_by(ask: Callable[[], Any]) -> float:
    """By how many seconds our clock is ahead of the database's; `ask` reads ASK. What the way takes is in our favor."""
    before = machine_time()
    found = ask()
    after = machine_time()
    shift = 0 if found.minutes is None else (settings().clock_offset_minutes - found.minutes) * 60
    nearest = min(max(found.at, before), after)
    return nearest - found.at + shift


def machine_time() -> float:
    """The time of the operating system, in seconds, whatever this process pretends."""
    return time.clock_gettime(time.CLOCK_REALTIME)


def _running() -> float:
    return time.clock_gettime(time.CLOCK_MONOTONIC)
