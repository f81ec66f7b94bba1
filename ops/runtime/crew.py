"""The workers and the tick of one machine:  python -m ops.runtime.crew

One process loads the application once and forks a worker per queue and the tick from it: on two cores that starts four
processes in the time of one, and they share its memory. It starts again what ends, and its children die with it.
"""

import gc
import json
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import structlog

from ops.background import QUEUES
from ops.config import settings
from ops.runtime import tick, worker
from ops.runtime.child import Child, Forked, end
from ops.runtime.logs import shorten

if TYPE_CHECKING:
    from flask import Flask

log = structlog.get_logger()
LOOK_SECONDS = 0.1
STOP_SECONDS = 2.5
"""Less than the supervisor's patience with us."""


def main() -> None:
    """Keep the crew running until SIGTERM. A worker then finishes its job if it can do so soon; jobs may run twice."""
    from ops import create_app

    app = create_app()
    gc.freeze()  # what is loaded now stays shared: the collector does not touch it
    children = [_child(f"worker-{name}", app, partial(worker.work, name, app)) for name in QUEUES]
    children.append(_child("tick", app, partial(tick.keep_ticking, app)))
    told = Told()
    try:
        while not told.to_stop:
            for child in children:
                if happened := child.keep_running():
                    log.warning("child_ended", child=child.name, state=happened)
                shorten(child.log)
            told.publish({child.name: child.pid for child in children})
            time.sleep(LOOK_SECONDS)
    finally:
        end(children, STOP_SECONDS)


class Told:
    """What we are told (to stop), and what we tell the supervisor (who our children are)."""

    def __init__(self) -> None:
        self.to_stop = False
        self._path = settings().var_dir / "run" / "crew.json"
        self._published: dict[str, int | None] = {}
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def _stop(self, _number: int, _frame: object) -> None:
        self.to_stop = True

    def publish(self, pids: dict[str, int | None]) -> None:
        """Write down the processes by name when they changed."""
        if pids != self._published:
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps({"crew": os.getpid(), "children": pids}))
            draft.rename(self._path)
            self._published = pids


def _child(name: str, app: "Flask", work: Callable[[], None]) -> Child:
    return Child(name, settings().var_dir / "log" / f"{name}.log", partial(Forked, work))


if __name__ == "__main__":
    main()
