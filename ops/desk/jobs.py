"""What the tick does for the desk."""

from ops.db import transaction
from ops.desk.actions import undoing


def forget_old_undos() -> None:
    """Let go of what was kept for outcomes that cannot be taken back any more."""
    with transaction("tick"):
        undoing.forget_old()
