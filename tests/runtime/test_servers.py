"""The embedded servers: shared, stopped by the last one out, started again, and gone when their clients are killed."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from ops.runtime import starting
from ops.runtime.locks import FileLock
from tests import processes
from tests.processes import Client, wait_until

pytestmark = [
    pytest.mark.kills,
    pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A var folder whose servers ran once and stopped."""
    made = tmp_path_factory.mktemp("made") / "var"
    client = Client(made)
    client.urls()
    for folder in (made, made / "postgres", made / "run", made / "run" / "postgres", made / "log"):
        assert folder.stat().st_mode & 0o077 == 0, f"{folder} is open to others"
    client.leave()
    assert processes.of(made) == []
    return made


@pytest.fixture
def var(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, because making a cluster takes a second."""
    subprocess.run(["cp", "-a", made, tmp_path / "var"], check=True)
    yield tmp_path / "var"
    for pid in processes.of(tmp_path / "var"):  # whatever a failed test left
        processes.kill(pid)


def query(url: str, statement: str) -> object:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        done = connection.execute(statement)
        return done.fetchone()[0] if done.description else None


def test_the_last_client_out_stops_the_servers_and_the_data_stays(var: Path) -> None:
    first = Client(var)
    database, queue = first.urls()
    query(database, "CREATE TABLE kept AS SELECT 7 AS n")
    second = Client(var)
    assert second.urls() == [database, queue]
    first.leave()
    assert query(database, "SELECT n FROM kept") == 7
    assert redis.Redis.from_url(queue).ping()
    second.leave()
    assert processes.of(var) == []
    third = Client(var)
    assert query(third.urls()[0], "SELECT n FROM kept") == 7
    third.leave()


def test_clients_that_start_at_once_share_one_server(var: Path) -> None:
    clients = [Client(var) for _ in range(4)]
    assert len({tuple(client.urls()) for client in clients}) == 1
    assert len(processes.of(var, "postgres -D")) == 1
    assert len(processes.of(var, "ops.runtime.watchdog")) == 2
    for client in clients:
        client.leave()
    assert processes.of(var) == []


def test_killed_clients_leave_no_orphans(var: Path) -> None:
    clients = [Client(var), Client(var)]
    for client in clients:
        client.urls()
    running = processes.of(var)
    with_children = running + [child for pid in running for child in processes.descendants(pid)]
    for client in clients:
        client.kill()
    wait_until(lambda: processes.alive(with_children) == [])


def test_a_killed_server_is_started_again_with_its_data(var: Path) -> None:
    client = Client(var)
    database, queue = client.urls()
    query(database, "CREATE TABLE kept AS SELECT 7 AS n")
    line = redis.Redis.from_url(queue)
    line.set("kept", 7)
    assert line.execute_command("WAITAOF", 1, 0, 2000)[0] == 1
    processes.kill(processes.of(var, "postgres -D")[0])
    # its command line names its socket, which under a long path is elsewhere
    (watchdog,) = processes.of(var, "ops.runtime.watchdog valkey")
    processes.kill(next(pid for pid in processes.descendants(watchdog) if pid != watchdog))
    wait_until(lambda: answers(lambda: query(database, "SELECT n FROM kept") == 7))
    wait_until(lambda: answers(lambda: line.get("kept") == b"7"))
    client.leave()
    assert processes.of(var) == []


def answers(asked) -> bool:  # type: ignore[no-untyped-def]
    try:
        return bool(asked())
    except (psycopg.OperationalError, redis.RedisError):
        return False


def test_a_killed_watchdog_takes_its_server_along_and_is_replaced(var: Path) -> None:
    client = Client(var)
    database, _ = client.urls()
    query(database, "CREATE TABLE kept AS SELECT 7 AS n")
    for watchdog in processes.of(var, "ops.runtime.watchdog"):
        processes.kill(watchdog)
    wait_until(lambda: processes.of(var) == [])
    client.look_after_watchdogs()
    wait_until(lambda: answers(lambda: query(database, "SELECT n FROM kept") == 7))
    client.leave()
    assert processes.of(var) == []


def test_a_long_path_gets_its_sockets_elsewhere(tmp_path: Path) -> None:
    var = tmp_path / ("long" * 20) / "with a space" / "var"
    client = Client(var)
    database, queue = client.urls()
    assert query(database, "SELECT 7") == 7
    assert redis.Redis.from_url(queue).ping()
    sockets = Path(str(make_url(database).query["host"]))
    assert not sockets.is_relative_to(var)
    assert sockets.parent.stat().st_mode & 0o077 == 0
    client.leave()
    shutil.rmtree(sockets.parent)


def test_an_ordinary_user_gets_servers_of_their_own(tmp_path: Path) -> None:
    var = tmp_path / "theirs"
    var.mkdir()
    # Run by root this really changes the account; it may pass through folders, as Python itself may be in a closed one.
    account = None
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        account = starting.Account(nobody.pw_uid, nobody.pw_gid)
        os.chown(var, nobody.pw_uid, nobody.pw_gid)
    program = "from ops.runtime.servers import ready; import os\nwith ready(at_once=True): print('euid', os.geteuid())"
    with (tmp_path / "out").open("w+b") as out:
        env = processes.environment(var) | {"PYTHONDONTWRITEBYTECODE": "1"}
        ran = starting.start([sys.executable, "-c", program], log=out, env=env, cwd=tmp_path, account=account)
        assert ran.wait(30) == 0, (tmp_path / "out").read_text()
    assert (tmp_path / "out").read_text() != "euid 0\n"
    assert (var / "postgres" / "PG_VERSION").stat().st_uid == (account.uid if account else os.geteuid())
    assert processes.of(var) == []


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir()
    (var / "postgres").write_text("a file where the data should be")
    tried = subprocess.run(
        [sys.executable, "-c", "from ops.runtime.servers import ready\nwith ready(): pass"],
        env=processes.environment(var),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert tried.returncode != 0
    assert "the embedded postgres did not start" in tried.stderr
    assert "watchdog: " in tried.stderr


def test_a_cluster_half_made_when_killed_is_made_anew(tmp_path: Path) -> None:
    var = tmp_path / "var"
    (var / "postgres.new" / "base").mkdir(parents=True)
    (var / "postgres.new" / "PG_VERSION").write_text("18\n")
    client = Client(var)
    assert query(client.urls()[0], "SELECT 7") == 7
    client.leave()


def test_a_copy_of_a_running_var_folder_is_a_server_of_its_own(var: Path, tmp_path: Path) -> None:
    client = Client(var)
    database, _ = client.urls()
    subprocess.run(["cp", "-a", var, tmp_path / "copy"], check=True)
    copy = Client(tmp_path / "copy")
    assert copy.urls()[0] != database
    copy.leave()
    client.leave()


def test_a_number_left_by_a_crashed_machine_does_not_stop_the_server(var: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    for lock in (var / "postgres" / "postmaster.pid", var / "run" / "postgres" / ".s.PGSQL.5432.lock"):
        lock.write_text(f"{other.pid}\n{var / 'postgres'}\n1\n5432\n\n\n")
    again = Client(var)
    assert query(again.urls()[0], "SELECT 7") == 7
    again.leave()
    other.kill()
    other.wait()


def test_an_address_that_is_set_is_used_and_nothing_is_started(tmp_path: Path) -> None:
    var = tmp_path / "var"
    given = {"DATABASE_URL": "postgresql://example.com/x", "REDIS_URL": "redis://example.com"}
    asked = subprocess.run(
        [sys.executable, "-c", processes.CLIENT],
        env=processes.environment(var) | given,
        input="",
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert asked.stdout.split() == ["postgresql+psycopg://example.com/x", "redis://example.com"]
    assert not var.exists()


def test_a_lock_is_dropped_by_the_kernel_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import sys, pathlib; from ops.runtime.locks import FileLock; lock = FileLock(pathlib.Path(sys.argv[1]));"
        "print(lock.try_exclusive(), flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout and holder.stdin
    assert holder.stdout.readline() == "True\n"
    mine = FileLock(path)
    assert not mine.try_shared()
    holder.kill()
    holder.wait()
    assert mine.try_exclusive()
    mine.close()
    holder.stdin.close()
    holder.stdout.close()
