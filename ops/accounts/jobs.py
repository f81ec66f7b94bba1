"""What the tick does for accounts."""

from ops.accounts import sessions, tries
from ops.db import transaction


def upkeep() -> None:
    """Close the books on sign-ins that nobody came back to, and forget old tries."""
    with transaction("tick"):
        sessions.end_old()
        tries.forget_old()
