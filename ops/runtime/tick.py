"""The clock of the installation:  python -m ops.runtime.tick

At the start and at every full minute it runs the periodic work that is due (`ops.schedule`). Any number may run, on any
number of machines: the work takes a lock in the database.
"""

import signal
import threading
import time
import traceback

import structlog
from flask import Flask

log = structlog.get_logger()
EVERY_SECONDS = 60


def main() -> None:
    """Tick until SIGTERM. No failure ends it: the database may be away for a while and come back."""
    from ops import create_app

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    signal.signal(signal.SIGINT, lambda _number, _frame: stop.set())
    app = create_app()
    while not stop.is_set():
        once(app)
        stop.wait(EVERY_SECONDS - time.time() % EVERY_SECONDS)


def once(app: Flask) -> bool:
    """One tick. False when it failed as a whole; why is logged, without the values an error message may quote."""
    from ops import schedule

    try:
        with app.app_context():
            schedule.run_due()
    except Exception as problem:
        place = traceback.extract_tb(problem.__traceback__)[-1]
        log.error("tick_failed", error=type(problem).__name__, at=f"{place.filename}:{place.lineno}")
        return False
    return True


if __name__ == "__main__":
    main()
