"""What is asked of a message in the moment it would leave, before the gate: does anybody still want it, and what does
it say by now? A message may wait for days, for its hours or through a pause, while what it is about changes.

Messages know neither cadences nor scripts, so the factory names who answers. Without an answer nothing leaves.
"""

from collections.abc import Callable
from typing import NamedTuple

from ops.messages.models import Message
from ops.practices.models import Practice


class Says(NamedTuple):
    """What it says now: the words that were approved, with what the practice says of itself today."""

    subject: str
    body: str


class Unwanted(NamedTuple):
    """It ends, for this reason."""

    why: str


class NotYet(NamedTuple):
    """It waits until this is put right."""

    why: str


Look = Callable[[Practice, Message], Says | Unwanted | NotYet | None]
"""None: it leaves as it stands."""
_look: Look | None = None


def answered_by(look: Look) -> None:
    """Name who answers."""
    global _look
    _look = look


def take(practice: Practice, message: Message) -> Says | Unwanted | NotYet | None:
    """The answer. Raises RuntimeError when nobody was named."""
    if _look is None:
        raise RuntimeError("what waits to leave needs somebody who knows if it is wanted: last_look.answered_by()")
    return _look(practice, message)
