"""The order of the queue, in one place and pure: what the claim's SQL walks, what its record is replayed against.

In one sentence: who wrote of a symptom, then what was assigned to you, then promises by their deadline, then the
practice owed most and there the best moment.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple


class Band(IntEnum):
    URGENT = -1
    """Came last: the numbers of the others stand in records of claims."""
    ASSIGNED = 0
    PROMISE = 1
    FAIR = 2


class Candidate(NamedTuple):
    """What decides about one candidate. `task_id` None: a practice whose turn it was not, seen by its virtual time
    alone."""

    band: Band
    practice_id: int
    task_id: int | None
    rank: float = 0.0
    virtual_time: float | None = None
    """Minutes charged per contract hour; only in the fair band."""
    at: datetime | None = None
    """The promise's deadline, or when it was assigned; not in the fair band."""


def sort_key(candidate: Candidate) -> tuple[Any, ...]:
    """Smallest first."""
    task_id = candidate.task_id or 0
    if candidate.band is Band.FAIR:
        return (candidate.band, candidate.virtual_time, candidate.practice_id, -candidate.rank, task_id)
    return (candidate.band, candidate.at, task_id)


def first(candidates: Iterable[Candidate]) -> Candidate:
    """Whose turn it is. Raises ValueError for none."""
    return min(candidates, key=sort_key)
