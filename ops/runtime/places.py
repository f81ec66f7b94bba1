"""Where things lie under `var/`: data, logs, locks and sockets."""

import hashlib
import os
import stat
from pathlib import Path

SOCKET_PATH_BYTES = 100
"""Longest socket path we use. The system's limit is 107 on Linux and 103 on macOS."""
SHORT = Path("/tmp")  # noqa: S108 - the same for every process, as TMPDIR is not; what we make in it is ours alone


class Place:
    """The files of one embedded server (`postgres` or `valkey`) under one var folder."""

    def __init__(self, var: Path, name: str) -> None:
        self.name = name
        self.var = var.absolute()
        self.data = self.var / name
        self.log = self.var / "log" / f"{name}.log"
        self.run = self.var / "run"
        self.watchdog_lock = self.run / f"{name}.watchdog"
        self.clients_lock = self.run / f"{name}.clients"
        self.sockets = self.run / name
        if len(os.fsencode(self.sockets / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES:
            mark = hashlib.sha256(os.fsencode(self.var.resolve())).hexdigest()[:12]
            self.sockets = SHORT / f"loopkeeper-{mark}" / name

    def make_folders(self) -> None:
        """Make `var/` and what we write ourselves in it, closed to other people. Raises PermissionError."""
        self.var.mkdir(parents=True, exist_ok=True)
        if self.var.stat().st_uid == os.geteuid():
            self.var.chmod(0o700)
        for folder in (self.log.parent, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)

    def make_sockets(self) -> None:
        """Make the folder for the sockets. Raises PermissionError when somebody else made the short one it is in."""
        if (short := self.sockets.parent) != self.run:
            short.mkdir(mode=0o700, exist_ok=True)
            found = short.lstat()
            ours = stat.S_ISDIR(found.st_mode) and found.st_uid in (os.geteuid(), self.var.stat().st_uid)
            if not ours or found.st_mode & 0o077:
                raise PermissionError(f"{short} is not ours alone: set VAR_DIR to a shorter path")
        self.sockets.mkdir(mode=0o700, exist_ok=True)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the server's log, for an error message."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError as problem:
            return f"(no log: {problem})"
