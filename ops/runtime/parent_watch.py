"""Runs a program and ends it when our parent dies: the parent-death signal of Linux, for systems that have none.

python -m ops.runtime.parent_watch SIGNAL PROGRAM ARGUMENT...
"""

import os
import signal
import subprocess
import sys

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
LOOK_SECONDS = 0.5


def main(how: int, command: list[str]) -> int:
    """Run `command` to its end and return its exit status; send it `how` once our parent is gone."""
    parent = os.getppid()
    child = subprocess.Popen(command, close_fds=False)  # what was passed to us is meant for it
    for number in PASSED_ON:
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    told = False
    while True:
        try:
            status = child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent and not told:
                child.send_signal(how)
                told = True
            continue
        return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
