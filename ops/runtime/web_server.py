"""The process that serves the pages (`python -m ops.runtime.web_server`). The supervisor opened its socket."""

import logging
import os
import resource
import signal
import socket
import time
from typing import TYPE_CHECKING

from ops import patience
from ops.config import settings
from ops.patience import Kind

if TYPE_CHECKING:
    from flask import Flask

    from ops.runtime.front import Server

GRACE_SECONDS = 2.0
DATABASE_SECONDS = 60.0
OPEN_FILES = 4096
"""A connection has up to three: itself, a large body, a large answer."""
SAY_OFFSET = "UPDATE installation SET clock_offset_minutes = :minutes"
BIGGEST_HEADERS = 32 * 1024


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
            with engine.begin() as connection:
                connection.execute(sa.text(SAY_OFFSET), {"minutes": settings().clock_offset_minutes})
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return create_app()


def server(app: "Flask", listener: socket.socket) -> "Server":
    """The server of `app` on a socket that listens."""
    from waitress.adjustments import Adjustments

    from ops.accounts import access
    from ops.runtime.front import Server

    adjustments = Adjustments(
        sockets=[listener],
        threads=settings().web_threads,
        max_request_header_size=BIGGEST_HEADERS,
        max_request_body_size=app.config["MAX_CONTENT_LENGTH"] + 1,
        clear_untrusted_proxy_headers=False,  # ProxyFix believes as many as TRUSTED_PROXIES says, and no other
        log_socket_errors=False,
        ident="",
    )
    adjustments.may_send_much = lambda headers: access.carries_sign_in(app, headers.get("COOKIE", ""))
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a warning for each request that waits for a thread
    where = (listener.family, listener.type, listener.proto, listener.getsockname())
    return Server(app, _sock=listener, adj=adjustments, sockinfo=where, bind_socket=False)


def main() -> None:
    """Serve until SIGTERM."""
    _allow_many_files()
    patience.this_is(Kind.WEB)
    serving = server(create(), socket.socket(fileno=int(os.environ["WEB_SOCKET_FD"])))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: serving.stop())
    # The supervisor may start the rest, which would have slowed this down.
    ready = settings().var_dir / "run" / "web.ready"
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.touch()
    serving.serve(GRACE_SECONDS)
    os._exit(0)  # a thread may wait for something that does not come


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES:
        most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    main()
