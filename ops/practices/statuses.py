"""Whether a practice is served: its status, and what may be done with a whole practice in each."""

from enum import StrEnum


class PracticeStatus(StrEnum):
    ACTIVE = "active"
    SETUP = "setup"
    """New, or come back: what it needs is still being put together, and nobody is contacted."""
    PAUSED = "paused"
    ENDED = "ended"


STATUS_WORDS = {
    PracticeStatus.ACTIVE: "live",
    PracticeStatus.SETUP: "not live yet",
    PracticeStatus.PAUSED: "paused",
    PracticeStatus.ENDED: "ended",
}


class Move(StrEnum):
    """What is done with a whole practice."""

    LIVE = "live"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    REOPEN = "reopen"


MOVES = {
    Move.LIVE: ((PracticeStatus.SETUP,), PracticeStatus.ACTIVE),
    Move.PAUSE: ((PracticeStatus.ACTIVE,), PracticeStatus.PAUSED),
    Move.RESUME: ((PracticeStatus.PAUSED,), PracticeStatus.ACTIVE),
    Move.END: ((PracticeStatus.ACTIVE, PracticeStatus.SETUP, PracticeStatus.PAUSED), PracticeStatus.ENDED),
    Move.REOPEN: ((PracticeStatus.ENDED,), PracticeStatus.SETUP),
}
"""From which states each leads where."""
