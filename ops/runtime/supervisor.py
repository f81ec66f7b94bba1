"""`ops run`: everything on one machine under one process.

Servers, migrations, then the web at once, then (on a first start) the demo agency while the sign-in page already
answers, then one worker per queue and the tick. A child that ends is started again, later and later if it keeps ending.
The supervisor opened the web's socket itself: visitors wait in it while the web restarts, and nobody else can take the
port. Once the pages answer it loads the application and forks the workers and the tick from itself: on two cores that
starts four processes in the time of one, and they share its memory.

Why our own: honcho stops everything when one child ends and leaves orphans when it is killed; circus restarts children
but opens an unauthenticated TCP port and brings pyzmq and tornado; systemd needs root, an installation and Linux.
"""

import gc
import os
import signal
import socket
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

from ops import clock
from ops.config import settings
from ops.runtime import state
from ops.runtime.child import Child, Forked, Launch, end, launcher
from ops.runtime.logs import shorten
from ops.runtime.servers import ServerError, Servers

LOOK_SECONDS = 0.1
STOP_SECONDS = 3.0
PYTHON = (sys.executable, "-m")
DEMO = (sys.executable, "-c", "from ops.cli import main; main()", "demo")
# Until the web answers the supervisor imports little: the web is what people wait for.


class Supervisor:
    """The children and the two phases of a start."""

    def __init__(self, servers: Servers, listener: socket.socket, var: Path, address: str) -> None:
        self.servers = servers
        self.var = var
        self.children: list[Child] = []
        self.state = state.AppState(
            os.getpid(),
            address,
            "starting",
            clock.now().isoformat(),
            clock_offset_minutes=settings().clock_offset_minutes,
        )
        self.signals = 0
        self._listener = listener
        self._published: state.AppState | None = None
        self._untold = False
        self._web_ready = var / "run" / "web.ready"
        self._looked_at_servers = 0.0

    def run(self, *, demo: bool) -> None:
        """Start everything and keep it running until a signal comes. `demo`: fill an empty installation first.
        Raises ServerError when an embedded server does not start."""
        try:
            if not settings().is_private:
                self._replace_known_passwords()
            self._start_web()
            self.servers.wait()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, self._on_signal)
            self._await_web()
            if demo and not self.signals and is_empty(self.servers.database_url):
                self._make_demo()
            self._say_sign_ins()
            if not self.signals:
                self._start_workers()
            self._enter("running")
            while not self.signals:
                self._watch()
        finally:
            self._stop()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals == 2:
            for child in self.children:
                child.signal(signal.SIGKILL)

    def _start_web(self) -> None:
        self._web_ready.unlink(missing_ok=True)
        fd = self._listener.fileno()
        os.environ["WEB_SOCKET_FD"] = str(fd)
        self._add("web", launcher([*PYTHON, "ops.runtime.web_server"], pass_fds=[fd]))
        self._publish()

    def _replace_known_passwords(self) -> None:
        """Before others reach the pages: the demo's password is printed in our documents. Raises ServerError when it
        cannot be replaced."""
        self.servers.wait()
        replacing = self._child("demo", launcher([*DEMO, "--new-passwords"]))
        process = replacing.start()
        while process.poll() is None:
            time.sleep(LOOK_SECONDS)
        if process.poll() != 0:
            raise ServerError(f"The demo's passwords could not be replaced, so nobody is let in: see {replacing.log}.")

    def _start_workers(self) -> None:
        from ops import create_app
        from ops.background import QUEUES
        from ops.runtime import tick, worker

        app = create_app()
        gc.freeze()  # what is loaded now stays shared: the collector does not touch it
        for name in QUEUES:
            self._add(f"worker-{name}", partial(Forked, partial(worker.work, name, app)))
        self._add("tick", partial(Forked, partial(tick.keep_ticking, app)))

    def _await_web(self) -> None:
        """Until the web answers it has the machine to itself, and it is also what migrates the tables."""
        while not self._web_ready.exists() and not self.signals:
            self._watch()
        if not self.signals:
            say(f"Loopkeeper answers at {self.state.address}")

    def _make_demo(self) -> None:
        """Run `ops demo` to its end. If it fails the agency is empty, which is no reason not to run."""
        self._enter("demo")
        say("First start: building the demo agency (about a minute; the pages already answer) ...")
        making = self._child("demo", launcher(DEMO))
        process = making.start()
        while process.poll() is None and not self.signals:
            self._watch()
        if self.signals:
            end([making], STOP_SECONDS)
        elif process.poll() != 0:
            say(f"The demo agency could not be built; the end of {making.log}:")
            say("\n".join(making.log.read_text(errors="replace").splitlines()[-10:]))

    def _say_sign_ins(self) -> None:
        accounts = self.var / "demo-accounts.txt"
        if accounts.exists() and not self.signals:
            say(accounts.read_text().rstrip())

    def _watch(self) -> None:
        for child in self.children:
            if happened := child.keep_running():
                say(happened)
            for line in child.tail.alarming():
                say(f"{child.name}: {line}")
            shorten(child.log)
        self._watch_servers()
        self._publish()
        time.sleep(LOOK_SECONDS)

    def _watch_servers(self) -> None:
        if time.monotonic() - self._looked_at_servers < 1:
            return
        self._looked_at_servers = time.monotonic()
        try:
            self.servers.see_watchdogs()
        except (ServerError, OSError) as problem:  # the latter: a watchdog that cannot be started now
            say(str(problem))

    def _child(self, name: str, launch: Launch) -> Child:
        return Child(name, self.var / "log" / f"{name}.log", launch)

    def _add(self, name: str, launch: Launch) -> None:
        child = self._child(name, launch)
        self.children.append(child)
        if happened := child.keep_running():
            say(happened)

    def _enter(self, phase: str) -> None:
        if self.signals:
            return
        self.state = replace(self.state, phase=phase, since=clock.now().isoformat())
        self._publish()

    def _publish(self) -> None:
        """Tell other commands what runs, when it changed. On a full disk they are told later: that we keep it running
        does not depend on saying so."""
        found = replace(self.state, children={child.name: child.pid for child in self.children})
        if found == self._published:
            return
        try:
            state.write(self.var, found)
        except OSError as problem:
            if not self._untold:
                say(f"Cannot write what runs to {self.var}: {problem.strerror}. Trying on.")
            self._untold = True
        else:
            self._published, self._untold = found, False

    def _stop(self) -> None:
        """Those who work first, the pages last; the servers after us all."""
        say("Stopping ...")
        web = [child for child in self.children if child.name == "web"]
        end([child for child in self.children if child not in web], STOP_SECONDS)
        end(web, STOP_SECONDS)


def say(what: str) -> None:
    """A line on the terminal; nobody reading it any more is no reason to stop."""
    if sys.stdout is None:  # closed before we started
        return
    try:
        sys.stdout.write(what + "\n")
        sys.stdout.flush()
    except OSError:
        return


def is_empty(database_url: str) -> bool:
    """Whether the tables hold nothing yet, or only half a demo agency."""
    import psycopg

    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as connection:
        if connection.execute("SELECT FROM installation WHERE demo_state = 'building'").fetchone():
            return True
        used = "SELECT FROM users UNION ALL SELECT FROM practices LIMIT 1"
        return connection.execute(used).fetchone() is None


def listen(host: str, port: int) -> socket.socket:
    """The socket the web will serve. Raises OSError when the port is taken or the host is not ours."""
    family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def use_port_of(listener: socket.socket) -> str:
    """Tell our children the port the socket really has (PORT=0 means any) and return the address of the first page."""
    os.environ["PORT"] = str(listener.getsockname()[1])
    settings.cache_clear()
    return settings().address
