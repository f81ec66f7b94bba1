"""From when on somebody may be contacted, where the clock alone can bring it: the gate, asked for that moment. Pure."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ops.contact.facts import Reason

HOURS = frozenset({Reason.HOURS_STATE, Reason.HOURS_UNKNOWN_PLACE, Reason.HOLIDAY})
CLOCK_ENDS = HOURS | {Reason.CAP_24H}
"""What stands against a contact only for a time that can be told."""
WHOLE = timedelta(minutes=5)
"""Moments are said in whole steps of this: nobody agrees on a call at 9:03:27."""
LOOKS = 60
"""A cap that ends at night, hours that open before the next one ends: a few looks reach any day."""


class Foreseen(NamedTuple):
    """What stands against a contact at one moment, as codes, and when the hours that are shut then open."""

    against: frozenset[str]
    opens_at: datetime | None


def first_open(
    ask: Callable[[datetime], Foreseen],
    asked: datetime,
    frees: Collection[datetime],
    clock_ends: frozenset[str] = CLOCK_ENDS,
) -> datetime | None:
    """The first moment from `asked` on against which nothing stands; None when the clock alone does not bring it.

    `frees`: when each of what counts toward a cap counts no more. A cap has no hour of its own: it may be over when the
    hours are shut.
    """
    moment = asked
    for _ in range(LOOKS):
        found = ask(moment)
        if not found.against:
            return moment
        if not found.against <= clock_ends:
            return None
        later = [found.opens_at] if found.against & HOURS else [each for each in frees if each > moment]
        if not (next_one := min((each for each in later if each and each > moment), default=None)):
            return None
        moment = whole(next_one)
    return None


def whole(moment: datetime) -> datetime:
    """This moment, or the next whole one after it."""
    past = (moment - datetime(2000, 1, 1, tzinfo=UTC)) % WHOLE
    return moment + (WHOLE - past) if past else moment
