"""Nobody waits for ever: locks, slow statements, a hung PostgreSQL, a hung Valkey, a migration behind a reader."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
import sqlalchemy as sa

from ops import background, create_app, migrate, patience
from ops.accounts.access import public
from ops.background import Job
from ops.db import db, read_row, transaction
from ops.patience import Kind, Limits
from tests.browser import Browser
from tests.processes import wait_until
from tests.world import make_practice

COUNT = "SELECT count(*) FROM practices"
PAGES = {
    "/count": lambda: db.session.scalar(sa.text(COUNT)),
    "/bare": lambda: read_row(COUNT, {})[0],
    "/slow": lambda: db.session.scalar(sa.text("SELECT 1 FROM pg_sleep(30)")),
}
SHORT = SimpleNamespace(value=Limits(lock=1, statement=2, idle_in_transaction=60))


@pytest.fixture
def web(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """An application as the web server has it, with short limits, and an open transaction of somebody else."""
    monkeypatch.setattr(patience, "_kind", SHORT)
    monkeypatch.setattr(patience, "LOOK_AFTER_S", 0.5)
    background.connection(redis_url).flushdb()
    app = create_app()
    app.test_client_class = Browser
    for path, asked in PAGES.items():
        app.add_url_rule(path, path, public(lambda asked=asked: {"found": asked()}))
    with app.app_context():
        make_practice()
        yield SimpleNamespace(app=app, client=app.test_client(), url=database_url)
        db.session.remove()
        db.engine.dispose()


def plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)


@contextmanager
def reader(url: str) -> Iterator[psycopg.Connection]:
    """Somebody with a report open."""
    with psycopg.connect(plain(url)) as connection:
        connection.execute(COUNT)
        yield connection


@pytest.mark.parametrize("path", ["/count", "/bare"])
def test_a_page_behind_a_waiting_change_of_the_table_says_busy_and_works_again_after(
    web: SimpleNamespace, path: str
) -> None:
    web.client.get(path, expect=200)
    with reader(web.url) as somebody:
        changing = threading.Thread(target=_alter, args=[web.url])
        changing.start()
        wait_until(lambda: _waits(web.url))
        began = time.monotonic()
        page = web.client.get(path, expect=503)
        assert time.monotonic() - began < 10
        assert "Busy, please try again" in page.text and page.headers["Retry-After"]
        somebody.rollback()
    changing.join(20)
    web.client.get(path, expect=200)


def _alter(url: str) -> None:
    with psycopg.connect(plain(url)) as connection:
        connection.execute("LOCK TABLE practices IN ACCESS EXCLUSIVE MODE")


def _waits(url: str) -> bool:
    with psycopg.connect(plain(url)) as connection:
        found = connection.execute("SELECT FROM pg_locks WHERE NOT granted AND relation = 'practices'::regclass")
        return found.fetchone() is not None


def test_a_statement_that_takes_too_long_is_ended_with_the_same_page(web: SimpleNamespace) -> None:
    began = time.monotonic()
    web.client.get("/slow", expect=503)
    assert time.monotonic() - began < 15


def test_each_kind_of_process_has_its_limits(web: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in Kind:
        monkeypatch.setattr(patience, "_kind", kind)
        db.engine.dispose()
        with db.engine.connect() as connection:
            found = {name: connection.scalar(sa.text(f"SHOW {name}")) for name in ("lock_timeout", "statement_timeout")}
            connection.rollback()
            assert connection.scalar(sa.text("SHOW lock_timeout")) == found["lock_timeout"], "a rollback keeps it"
        assert found["lock_timeout"] in (f"{kind.value.lock}s", f"{kind.value.lock // 60}min")


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Processes that hang."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def hung_listener(folder: Path, name: str) -> Iterator[Path]:
    """A server that takes connections and says nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / name))
        listener.listen(50)
        yield folder / name


def test_a_hung_database_is_given_up_and_found_again(
    web: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "CONNECT_S", 2)
    monkeypatch.setattr(patience, "_suspected_until", 0.0)
    real = psycopg.connect
    web.client.get("/count", expect=200)
    backends = _backends_of(web.url)
    with hung_listener(tmp_path, ".s.PGSQL.5432"), stopped(backends):
        monkeypatch.setattr(psycopg, "connect", lambda dsn="", **given: real(host=str(tmp_path), **_short(given)))
        began = time.monotonic()
        web.client.get("/count", expect=503)
        assert time.monotonic() - began < 8
    monkeypatch.undo()
    monkeypatch.setattr(patience, "_suspected_until", 0.0)
    web.client.get("/count", expect=200)


def _short(given: dict) -> dict:
    return {"user": "postgres", "connect_timeout": given.get("connect_timeout")}


def _backends_of(url: str) -> list[int]:
    with psycopg.connect(plain(url)) as connection:
        mine = "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return [pid for (pid,) in connection.execute(f"SELECT pid FROM pg_stat_activity WHERE {mine}").fetchall()]


def test_a_slow_statement_of_a_server_that_answers_is_waited_for(web: SimpleNamespace) -> None:
    assert db.session.scalar(sa.text("SELECT 7 FROM pg_sleep(1.5)")) == 7


def test_a_hung_valkey_costs_whoever_rings_a_moment(
    web: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ops.config import settings

    with hung_listener(tmp_path, "valkey.sock") as there:
        monkeypatch.setenv("REDIS_URL", f"unix://{there}")
        settings.cache_clear()
        began = time.monotonic()
        with transaction("test"):
            background.ring(Job.NOTE_REPLY, 7)
        assert time.monotonic() - began < 1.5


def test_what_does_not_ring_at_once_is_rung_beside_the_answer(
    web: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "bell", lambda url: background.connection("unix:///nowhere/at/all.sock"))
    with transaction("test"):
        background.ring(Job.NOTE_REPLY, 7)
    wait_until(lambda: Job.NOTE_REPLY in [job.func_name for job in background.queue("work").jobs])


def test_a_migration_lets_others_through_while_it_waits_for_a_reader(
    web: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_S", 1)
    monkeypatch.setattr(migrate.command, "upgrade", lambda *_: None)
    done = threading.Event()

    def change(connection: sa.Connection) -> None:
        connection.execute(sa.text("LOCK TABLE practices IN ACCESS EXCLUSIVE MODE"))

    monkeypatch.setattr(migrate, "install", change)
    engine = sa.create_engine(web.url, poolclass=sa.NullPool)
    migrating = threading.Thread(target=lambda: (migrate.upgrade(engine), done.set()))
    with reader(web.url) as somebody:
        migrating.start()
        wait_until(lambda: _waits(web.url))
        wait_until(lambda: web.client.get("/count").status_code == 200)
        assert not done.is_set()
        somebody.rollback()
    assert done.wait(20)
    migrating.join()


def test_a_migration_gives_up_with_the_reason_in_the_end(web: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_S", 1)
    monkeypatch.setattr(migrate, "TRIES", 2)
    with psycopg.connect(plain(web.url)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [migrate.LOCK])
        engine = sa.create_engine(web.url, poolclass=sa.NullPool)
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            migrate.upgrade(engine)
