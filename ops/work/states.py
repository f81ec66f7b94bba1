"""The states of tasks and cadence runs, and the moves between them, each with its words. Pure."""

from enum import StrEnum
from typing import NamedTuple


class RunState(StrEnum):
    RUNNING = "running"
    ENDED = "ended"


class TaskState(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    CANCELLED = "cancelled"


class EventKind(StrEnum):
    OPENED = "opened"
    CLAIMED = "claimed"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    RETRY = "retry"
    RELEASED = "returned"
    LEASE_EXPIRED = "lease_expired"
    SHUT = "shut"
    DONE = "done"
    UNDONE = "undone"
    CANCELLED = "cancelled"
    RELEASED_BY_LEAD = "pulled_back"
    ASSIGNED = "handed"
    SENT = "sent"
    """A text or email was sent from the card."""
    PROMISE_BROKEN = "promise_broken"
    """A call that was agreed cannot be made as agreed: somebody has to know, and decide."""
    CORRECTED = "corrected"
    """What it is about was put right: the visit was moved, changed or withdrawn."""
    WROTE_AGAIN = "wrote_again"


class Move(NamedTuple):
    """What an event is called, and where it leads from each state in which it may happen (None: there is no task yet).

    An event that leads to the same state is told in the task's story and moves nothing.
    """

    words: str
    leads: dict[TaskState | None, TaskState]


_WAITING, _CLAIMED, _DONE, _CANCELLED = TaskState
MOVES = {
    EventKind.OPENED: Move("Opened", {None: _WAITING}),
    EventKind.CLAIMED: Move("Claimed", {_WAITING: _CLAIMED}),
    EventKind.SKIPPED: Move("Skipped", {_CLAIMED: _WAITING}),
    EventKind.SNOOZED: Move("Snoozed", {_CLAIMED: _WAITING}),
    EventKind.RETRY: Move("To be tried again", {_CLAIMED: _WAITING}),
    EventKind.RELEASED: Move("Released", {_CLAIMED: _WAITING}),
    EventKind.LEASE_EXPIRED: Move("Back in the queue: the lease ran out", {_CLAIMED: _WAITING}),
    EventKind.SHUT: Move("Not offered: may not be contacted then", {_WAITING: _WAITING}),
    EventKind.DONE: Move("Done", {_CLAIMED: _DONE}),
    # the call is in progress again; other work that its outcome had cancelled waits again
    EventKind.UNDONE: Move(
        "Taken back: not done after all", {_WAITING: _CLAIMED, _DONE: _CLAIMED, _CANCELLED: _WAITING}
    ),
    EventKind.CANCELLED: Move("Cancelled", {_WAITING: _CANCELLED, _CLAIMED: _CANCELLED}),
    EventKind.RELEASED_BY_LEAD: Move("Released by a lead", {_CLAIMED: _WAITING}),
    EventKind.ASSIGNED: Move("Assigned", {_WAITING: _WAITING}),
    EventKind.SENT: Move("Sent from the card", {_CLAIMED: _CLAIMED}),
    EventKind.PROMISE_BROKEN: Move("The promise cannot be kept", {_WAITING: _WAITING}),
    EventKind.WROTE_AGAIN: Move("They wrote again", {_WAITING: _WAITING, _CLAIMED: _CLAIMED}),
    EventKind.CORRECTED: Move("Put right by the practice's records", {_WAITING: _WAITING, _CLAIMED: _CLAIMED}),
}
"""Every legal move. `ops.queue.actions.moves` makes them, and nothing else writes a task's state."""

OPEN = tuple(state for state in TaskState if state in MOVES[EventKind.CANCELLED].leads)
"""Work that is still to be done: whatever can still be cancelled."""
OPEN_SQL = ", ".join(f"'{state}'" for state in OPEN)
"""The same for a statement: state IN ({OPEN_SQL})."""

BY_A_PERSON = (EventKind.RETRY, EventKind.SNOOZED, EventKind.SKIPPED, EventKind.ASSIGNED)
"""Moves by which a person decided when a task is done, or by whom: no rule cuts its days short after that."""
