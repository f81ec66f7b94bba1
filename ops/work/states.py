"""The states of tasks and cadence runs, and what happens to a task, each with its words. Pure."""

from enum import StrEnum


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
    RETURNED = "returned"
    LEASE_EXPIRED = "lease_expired"
    SHUT = "shut"
    DONE = "done"
    UNDONE = "undone"
    CANCELLED = "cancelled"
    PULLED_BACK = "pulled_back"
    HANDED = "handed"
    SENT = "sent"
    """A text or mail was sent from the card."""


EVENT_WORDS = {
    EventKind.OPENED: "Opened",
    EventKind.CLAIMED: "Taken",
    EventKind.SKIPPED: "Skipped",
    EventKind.SNOOZED: "Put off",
    EventKind.RETRY: "To be tried again",
    EventKind.RETURNED: "Given back",
    EventKind.LEASE_EXPIRED: "Came back: the time in hand ran out",
    EventKind.SHUT: "Not offered: may not be contacted then",
    EventKind.DONE: "Done",
    EventKind.UNDONE: "Taken back: not done after all",
    EventKind.CANCELLED: "Cancelled",
    EventKind.PULLED_BACK: "Pulled back",
    EventKind.HANDED: "Handed over",
    EventKind.SENT: "Sent from the card",
}
