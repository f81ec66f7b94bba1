"""How many files are looked at at once on this machine: each look may take as much memory as its process is allowed
(`ops.imports.reading.child.MEMORY`), and pages ask for it whenever somebody wants.

A turn is a lock on a file, which the kernel lets go of when its holder dies, however it dies.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ops.config import settings

AT_ONCE = 2
"""Looks at a file, of all processes together: 600 MB on a machine of 2 GB. Loads take none: each worker has one."""
LOOK_AGAIN_S = 0.1


@contextmanager
def turn_to_look(wait_s: float) -> Iterator[bool]:
    """Hold one of the few turns for a block; False when none was free for `wait_s` seconds."""
    held = _take(time.monotonic() + wait_s)
    try:
        yield held is not None
    finally:
        if held is not None:
            os.close(held)


def _take(until: float) -> int | None:
    folder = settings().var_dir / "looks"
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        for number in range(AT_ONCE):
            if (held := _try(folder / str(number))) is not None:
                return held
        if time.monotonic() >= until:
            return None
        time.sleep(LOOK_AGAIN_S)


def _try(path: Path) -> int | None:
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return held
    os.close(held)
    return None
