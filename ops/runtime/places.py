"""Where things lie under `var/`: data, logs, locks and sockets."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

SOCKET_PATH_BYTES = 100
"""Longest socket path we use. The system's limit is 107 on Linux and 103 on macOS."""


class Place:
    """The files of one embedded server (`postgres` or `valkey`) under one var folder."""

    def __init__(self, var: Path, name: str) -> None:
        self.name = name
        self.var = var.absolute()
        self.data = self.var / name
        self.log = self.var / "log" / f"{name}.log"
        self.run = self.var / "run"
        self.keeper_lock = self.run / f"{name}.keeper"
        self.clients_lock = self.run / f"{name}.clients"
        self.where = self.run / f"{name}.where"

    def make_folders(self) -> None:
        """Make `var/` and what we write ourselves in it, closed to other people. Raises PermissionError."""
        self.var.mkdir(parents=True, exist_ok=True)
        if self.var.stat().st_uid == os.geteuid():
            self.var.chmod(0o700)
        for folder in (self.log.parent, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def sockets(self) -> Path | None:
        """The folder the keeper put the sockets in; None before it did. What a copied var folder says of the one it was
        copied from does not count: it would lead to somebody else's data."""
        try:
            of, _, folder = self.where.read_text().partition("\n")
        except FileNotFoundError:
            return None
        return Path(folder) if of == str(self.var) else None

    def choose_sockets(self) -> Path:
        """Make the folder for the sockets and write down where it is. Only the keeper calls this."""
        folder = self.run / self.name
        if len(os.fsencode(folder / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES:
            folder = self._short_folder() / self.name
        folder.mkdir(mode=0o700, exist_ok=True)
        draft = self.where.with_suffix(".new")
        draft.write_text(f"{self.var}\n{folder}")
        draft.rename(self.where)
        return folder

    def _short_folder(self) -> Path:
        """A private folder in the system's temporary one, the same for this var folder each time."""
        mark = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"loopkeeper-{os.geteuid()}-{mark}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(f"{folder} is not ours alone: somebody else made it. Set TMPDIR to another folder.")
        return folder

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the server's log, for an error message."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError as problem:
            return f"(no log: {problem})"
