"""The logs of child processes: kept short on disk, and their warnings shown in the terminal, each in one short line."""

import json
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

LOG_BYTES = 20_000_000
SHOWN_AT_ONCE = 5
SAME_AGAIN_SECONDS = 300.0
LONGEST = 160
ALARMING = re.compile(r'\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|"level": ?"(warning|error|critical)"')
UNCAUGHT = re.compile(r"^(?!Traceback)[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt)\b")
"""The last line of a traceback. What follows the type may quote a patient's data, so it stays in the file."""


def shorten(log: Path) -> None:
    """Move a long log aside (one old one is kept) without its writer noticing: it appends to the emptied file. Where
    there is no room for the old one, it is given up."""
    old = log.with_suffix(".log.1")
    with suppress(OSError):
        if log.stat().st_size <= LOG_BYTES:
            return
        try:
            shutil.copyfile(log, old)
        except OSError:
            with suppress(OSError):
                old.unlink()
        os.truncate(log, 0)


def in_short(line: str) -> str | None:
    """What the terminal shows of a line of a log; None when it is not alarming."""
    if uncaught := UNCAUGHT.match(line):
        return uncaught.group()
    if not ALARMING.search(line):
        return None
    try:
        told = json.loads(line)
        place = (told.get("raised") or [""])[-1]
        parts = [
            told.get(key) for key in ("level", "event", "child", "state", "work", "job", "logger", "endpoint", "error")
        ]
    except (ValueError, AttributeError):
        return line[:LONGEST]
    return " ".join([str(part) for part in parts if part] + ([f"at {place}"] if place else []))[:LONGEST]


class Tail:
    """Follows one log from its present end."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._at = log.stat().st_size if log.exists() else 0
        self._shown: dict[str, float] = {}

    def alarming(self) -> list[str]:
        """The alarming lines written since the last call, in short: each once in five minutes, the first few."""
        now = time.monotonic()
        self._shown = {line: when for line, when in self._shown.items() if now - when < SAME_AGAIN_SECONDS}
        found = [short for line in self._new_lines() if (short := in_short(line))]
        fresh = [line for line in dict.fromkeys(found) if line not in self._shown]
        self._shown |= dict.fromkeys(fresh, now)
        if len(fresh) > SHOWN_AT_ONCE:
            fresh[SHOWN_AT_ONCE:] = [f"... and {len(fresh) - SHOWN_AT_ONCE} more in {self.log}"]
        return fresh

    def _new_lines(self) -> list[str]:
        try:
            with self.log.open("rb") as log:
                if log.seek(0, os.SEEK_END) < self._at:  # shortened
                    self._at = 0
                log.seek(self._at)
                text = log.read(1_000_000)
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.decode(errors="replace").splitlines()
