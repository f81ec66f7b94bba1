"""Whether a row speaks of the person its number stood for so far, or of somebody else.

A practice that changes its system counts its patients anew. Taken at its word, such a file would give names, numbers
and opt-outs of one person to another; so its rows are kept aside until somebody says whose they are.
"""

from datetime import date
from typing import NamedTuple

from ops.imports.reading.values import same_name

CLASH = "the number {} belongs to somebody else in this practice: another name, birth date or phone"
"""The reason of such a row."""
OF_A_CLASH = "the number {} belongs to somebody else in this practice, says another row of this load"


class Known(NamedTuple):
    """What tells a person: as the practice has it, or as a row says it."""

    first_name: str
    last_name: str
    birth_date: date | None
    phone_key: bytes | None
    email_key: bytes | None


def somebody_else(before: Known, now: Known) -> bool:
    """Whether the two cannot be taken for one person.

    People marry, move and have their birth date put right, one at a time: what agrees must outweigh what does not.
    """
    if before.birth_date and before.birth_date == now.birth_date:
        return False
    same_first = same_name(before.first_name) == same_name(now.first_name)
    same_last = same_name(before.last_name) == same_name(now.last_name)
    alike = _reached_alike(before, now)
    if before.birth_date and now.birth_date:
        return not same_first or not (alike or (same_last and not _reached_otherwise(before, now)))
    return not (same_first or same_last or alike)


def _reached_alike(before: Known, now: Known) -> bool:
    same_phone = before.phone_key is not None and before.phone_key == now.phone_key
    return same_phone or (before.email_key is not None and before.email_key == now.email_key)


def _reached_otherwise(before: Known, now: Known) -> bool:
    return bool((before.phone_key or before.email_key) and (now.phone_key or now.email_key))
