"""How gunicorn serves the pages (`gunicorn -c python:ops.runtime.web_server`). The supervisor opened the socket."""

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops.config import settings
from ops.runtime.starting import die_with_parent

if TYPE_CHECKING:
    from flask import Flask

wsgi_app = "ops.runtime.web_server:create()"
bind = f"fd://{os.environ['WEB_SOCKET_FD']}"
worker_class = "gthread"
workers = 1
threads = settings().web_threads
timeout = 120
graceful_timeout = 2  # open streams would hold a stop for the default 30 s
keepalive = 5
# Lines of an access log hold links that open a patient's page.
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
DATABASE_SECONDS = 60.0
if Path("/dev/shm").is_dir():  # noqa: S108 - the heartbeat file; on a disk it can stall a worker
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def create() -> "Flask":
    """The application, on tables that are up to date. The database may still be starting: waits a minute for it, then
    raises OperationalError."""
    import sqlalchemy as sa

    from ops import create_app
    from ops.migrate import upgrade

    engine = sa.create_engine(str(settings().database_url), poolclass=sa.NullPool)
    deadline = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            upgrade(engine)
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return create_app()


def post_worker_init(_worker: Any) -> None:
    """The application is loaded: the supervisor may start the rest, which would have slowed this down."""
    settings().var_dir.joinpath("run", "web.ready").touch()


def post_fork(server: Any, _worker: Any) -> None:
    """A worker does not notice the death of its master while it streams; the kernel tells it."""
    die_with_parent(server.pid, signal.SIGKILL)
