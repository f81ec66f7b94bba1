"""The logs of child processes: kept short on disk, and their warnings shown in the terminal."""

import os
import re
import shutil
from pathlib import Path

LOG_BYTES = 20_000_000
SHOWN_AT_ONCE = 5
ALARMING = re.compile(r'\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|"level": ?"(warning|error|critical)"|^Traceback')


def shorten(log: Path) -> None:
    """Move a long log aside (one old one is kept) without its writer noticing: it appends to the emptied file."""
    try:
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
    except FileNotFoundError:
        return


class Tail:
    """Follows one log from its present end."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._at = log.stat().st_size if log.exists() else 0

    def alarming(self) -> list[str]:
        """The alarming lines written since the last call, the first few of them."""
        found = [line for line in self._new_lines() if ALARMING.search(line)]
        if len(found) > SHOWN_AT_ONCE:
            found[SHOWN_AT_ONCE:] = [f"... {len(found) - SHOWN_AT_ONCE} more in {self.log}"]
        return found

    def _new_lines(self) -> list[str]:
        try:
            with self.log.open("rb") as log:
                if log.seek(0, os.SEEK_END) < self._at:  # shortened
                    self._at = 0
                log.seek(self._at)
                text = log.read(1_000_000)
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.decode(errors="replace").splitlines()
