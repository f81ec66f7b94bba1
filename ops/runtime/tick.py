"""The clock of the installation, a process forked from the supervisor.

At the start and at every full minute it runs the periodic work that is due (`ops.schedule`). Any number may run, on any
number of machines: the work takes a lock in the database.
"""

import signal
import threading
import time

import structlog
from flask import Flask

from ops import patience
from ops.patience import Kind

log = structlog.get_logger()
EVERY_SECONDS = 60


def keep_ticking(app: Flask) -> None:
    """Tick until SIGTERM. No failure ends it: the database may be away for a while and come back."""
    patience.this_is(Kind.TICK)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # from here on: let the tick at hand finish
        signal.signal(number, lambda _number, _frame: stop.set())
    while not stop.is_set():
        once(app)
        stop.wait(EVERY_SECONDS - time.time() % EVERY_SECONDS)


def once(app: Flask) -> bool:
    """One tick. False when it failed as a whole; why is logged."""
    from ops import schedule

    try:
        with app.app_context():
            schedule.run_due()
    except Exception:
        log.exception("tick_failed")
        return False
    return True
