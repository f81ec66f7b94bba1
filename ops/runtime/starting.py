"""Starting a program so that it cannot outlive the process that started it, as another account if need be.

On Linux the kernel delivers a signal to the child when its parent dies, even by kill -9: the parent-death signal
(PR_SET_PDEATHSIG). Elsewhere the program runs under `ops.runtime.parent_watch`, which looks for the parent's death.

PostgreSQL refuses to run as root. Started by root, it gets the account `nobody`, by util-linux's `setpriv`. The folders
above `var/` may be closed to that account (a checkout in root's home), and opening them would be opening other people's
folders; so the child keeps one capability of root's, to pass through folders, and nothing else.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

LINUX = sys.platform == "linux"
PASSES_FOLDERS = {"dac_read_search": 2, "dac_override": 1}
"""Capabilities that lead through closed folders, the narrower first, and their numbers. Docker grants the second."""
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported or opened.
_libc = ctypes.CDLL(None) if LINUX else None


@dataclass(frozen=True)
class Account:
    """A user and group number to run a child as."""

    uid: int
    gid: int


def die_with_parent(parent: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Have this process receive `how` when `parent` dies; at once when it is already dead. Does nothing off Linux."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), how)


def start(
    command: Sequence[str | Path],
    *,
    log: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    pass_fds: Sequence[int] = (),
    on_parent_death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `command` with its output in `log`. It gets `on_parent_death` when the calling *thread* ends.

    Must be called from the main thread: the kernel ties the signal to the thread that forked. Raises OSError.
    """
    words = [str(word) for word in command]
    if account is not None:
        words = [*_as_account(account, on_parent_death), *words]
    if not LINUX:
        words = [sys.executable, "-m", "ops.runtime.parent_watch", str(int(on_parent_death)), *words]
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=None if env is None else dict(env),
        cwd=cwd,
        pass_fds=pass_fds,
        start_new_session=True,  # Ctrl-C in the terminal must reach the supervisor alone
        preexec_fn=partial(die_with_parent, os.getpid(), on_parent_death),
    )


def _as_account(account: Account, on_parent_death: signal.Signals) -> list[str]:
    """The words before a command that root runs as somebody else. The change of account clears the parent-death
    signal, so it is set again after it."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FileNotFoundError("root needs setpriv (package util-linux) to run PostgreSQL as another account")
    kept = "-all" + "".join(f",+{name}" for name in _own_capabilities()[:1])
    words = [setpriv, f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    return [*words, f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--pdeathsig={on_parent_death.name}"]


def _own_capabilities() -> list[str]:
    """Those of PASSES_FOLDERS that we have (root in a container may lack either)."""
    permitted = re.search(r"CapPrm:\s*(\w+)", Path("/proc/self/status").read_text())
    bits = int(permitted[1], 16) if permitted else 0
    return [name for name, number in PASSES_FOLDERS.items() if bits >> number & 1]
