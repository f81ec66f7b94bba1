"""What the running app tells other commands about itself: `var/run/app.json`, true while the lock beside it is held."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ops.config import settings
from ops.runtime.locks import FileLock, is_held


@dataclass
class AppState:
    """The supervisor's process, its address, what it is doing, and its children by name."""

    pid: int
    address: str
    phase: str
    """ "starting", "demo" (first start) or "running"."""
    since: str
    """When this phase began, ISO 8601."""
    children: dict[str, int | None] = field(default_factory=dict)
    """Process by name; None for one that ended and waits to be started again."""
    clock_offset_minutes: int = 0
    """By how much the app's clock is shifted, so that commands beside it live in the same time."""


def lock_path(var: Path) -> Path:
    """The file whose lock the supervisor holds for its life."""
    return var / "run" / "app.lock"


def write(var: Path, state: AppState) -> None:
    """Replace the published state."""
    path = var / "run" / "app.json"
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(state)))
    draft.rename(path)


def running(var: Path) -> AppState | None:
    """The state of the app that runs on this var folder; None when none does."""
    if not is_held(lock_path(var)):
        return None
    try:
        return AppState(**json.loads((var / "run" / "app.json").read_text()))
    except (OSError, ValueError, TypeError):
        return AppState(pid=0, address="", phase="starting", since="")


def join(var: Path) -> None:
    """Live in the time of the app that runs on this folder, if its clock is shifted, and make links that lead to it."""
    app = running(var)
    if app is None:
        return
    if app.clock_offset_minutes:
        os.environ["CLOCK_OFFSET_MINUTES"] = str(app.clock_offset_minutes)
    if app.address:
        os.environ.setdefault("PUBLIC_URL", app.address)
    settings.cache_clear()


def take(var: Path) -> FileLock | None:
    """Become the app of this var folder; None when there is one."""
    lock = FileLock(lock_path(var))
    if lock.try_exclusive():
        (var / "run" / "app.json").unlink(missing_ok=True)  # of an app that is gone
        return lock
    lock.close()
    return None
