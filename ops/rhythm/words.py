"""What the desk says of the work there is, and how leads set the pause after a call. Pure."""

from ops.phrases import count_of
from ops.rhythm.models import WrapUp

WRAP_UP_WORDS = {
    WrapUp.OPEN: "As long as it takes",
    WrapUp.TIMED: "A number of seconds, then the card says they are over",
    WrapUp.NEXT: "No pause: the outcome brings the next card",
    WrapUp.ASK: "The desk asks before the next card",
}


def ready_words(ready: int, enough: int) -> str:
    """What an idle desk says: how many tasks can be worked, which were counted up to `enough`."""
    if not ready:
        return "Nothing can be worked right now."
    return f"{'At least ' if ready >= enough else ''}{count_of(ready, 'task')} can be worked now."


def due_words(own_due: int) -> str:
    """That calls they promised are due."""
    return f"{count_of(own_due, 'callback')} you promised {'is' if own_due == 1 else 'are'} due."
