"""Starting a program so that it cannot outlive the process that started it, as another account if need be.

On Linux the kernel delivers a signal to the child when its parent dies, even by kill -9 (PR_SET_PDEATHSIG). Elsewhere
the program runs under a tether (`ops.runtime.tether`), which watches for the parent's death.

PostgreSQL refuses to run as root. Started by root, it gets the account `nobody`. The folders above `var/` may be closed
to that account (a checkout in root's home), and opening them would be opening other people's folders; so the child
keeps one capability of root's, to pass through folders (CAP_DAC_READ_SEARCH, else CAP_DAC_OVERRIDE), and nothing else.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LINUX = sys.platform == "linux"

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522

# Loaded before any fork: between fork and exec nothing may be imported or opened.
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


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

    Must be called from the main thread: the kernel ties the signal to the thread that forked.
    """
    words = [str(word) for word in command]
    if not LINUX:
        words = [sys.executable, "-m", "ops.runtime.tether", str(int(on_parent_death)), *words]
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=None if env is None else dict(env),
        cwd=cwd,
        pass_fds=pass_fds,
        start_new_session=True,  # Ctrl-C in the terminal must reach the supervisor alone
        preexec_fn=_before_exec(account, on_parent_death),
    )


def _before_exec(account: Account | None, how: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        if account is not None:
            _become(account)
        die_with_parent(parent, how)  # after the change of account, which would clear it

    return prepare


def _become(account: Account) -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if _libc is not None:
        any(_keep(capability) for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE)) or _keep(None)


def _keep(capability: int | None) -> bool:
    """Drop every capability but this one and pass it on to the program. False when we do not have it."""
    assert _libc is not None
    bit = 0 if capability is None else 1 << capability
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; then the upper halves
    if _libc.capset(header, sets) != 0:
        return False
    return capability is None or _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0
