"""What the tick does for accounts."""

from ops.accounts import sessions
from ops.db import transaction


def upkeep() -> None:
    """Close the books on sign-ins that nobody came back to."""
    with transaction("tick"):
        sessions.end_old()
