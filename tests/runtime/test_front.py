"""Slow, many and strange clients hold up nobody else: real sockets on the server as the product starts it."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest
from flask import Flask, request

from ops import create_app
from ops.accounts import access
from ops.accounts.access import public
from ops.config import settings
from ops.db import db
from ops.runtime import front, web_server
from ops.web import csrf, takes_files
from tests.processes import wait_until

CROWD = 200
QUICK_S = 1.0
THREADS = 2
MUCH = 30_000_000


@pytest.fixture
def own_app(database_url: str, redis_url: str) -> Iterator[Flask]:
    """An application of its own, to which a test may add routes."""
    app = create_app()
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def served(own_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The product on a real socket, with two threads for its pages."""
    gate = threading.Event()
    own_app.add_url_rule("/size", "size", csrf.exempt(public(takes_files(size))), methods=["POST"])
    own_app.add_url_rule("/stuck", "stuck", public(lambda: {"waited": gate.wait(60)}))
    with _running(own_app, monkeypatch) as (server, port):
        yield SimpleNamespace(app=own_app, port=port, server=server)
        gate.set()


def size() -> dict[str, int]:
    return {"bytes": len(request.files["file"].read())}


@contextmanager
def _running(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[front.Server, int]]:
    monkeypatch.setenv("WEB_THREADS", str(THREADS))
    settings.cache_clear()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = web_server.server(app, listener)
        loop = threading.Thread(target=server.serve, args=[1.0])
        loop.start()
        try:
            yield server, listener.getsockname()[1]
        finally:
            server.stop()
            loop.join(10)


@contextmanager
def crowd(port: int, beginning: bytes, many: int = CROWD) -> Iterator[list[socket.socket]]:
    """So many connections that sent this much and no more."""
    with ExitStack() as kept:
        lines = [kept.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(many)]
        for line in lines:
            line.sendall(beginning)
        yield lines


def get(port: int, path: str = "/healthz") -> tuple[int, float]:
    """The status, and the seconds it took."""
    began = time.monotonic()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request("GET", path)
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer.status, time.monotonic() - began


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Drip: ",
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\na",
    ],
    ids=["silent", "half a header", "half a body"],
)
def test_two_hundred_clients_that_do_not_finish_hold_up_nobody(served: SimpleNamespace, beginning: bytes) -> None:
    with crowd(served.port, beginning) as lines:
        for line in lines[::10]:
            if beginning:
                line.sendall(b"x")
        for path in ("/healthz", "/sign-in"):
            status, took = get(served.port, path)
            assert status == 200
            assert took < QUICK_S


def test_who_does_not_finish_in_time_is_hung_up_on(served: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "PATIENCE_S", 0.5)
    with crowd(served.port, b"GET /sign-in HTTP/1.1\r\nX: ", 5):
        wait_until(lambda: len(served.server.active_channels) == 5)
        wait_until(lambda: not served.server.active_channels)


def test_a_drip_buys_no_time(served: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "PATIENCE_S", 1.0)
    half = b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
    with crowd(served.port, half, 1) as [line], pytest.raises(ConnectionError):
        for _ in range(300):
            line.sendall(b"x")
            time.sleep(0.1)


def test_alive_is_answered_while_every_thread_waits(served: SimpleNamespace) -> None:
    with crowd(served.port, b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n", 10):
        status, took = get(served.port)
    assert status == 200
    assert took < QUICK_S


def test_too_many_of_one_address_lose_their_oldest_and_not_the_newcomer(
    served: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "CONNECTIONS", 20)
    with crowd(served.port, b"", 20) as lines:
        wait_until(lambda: len(served.server.active_channels) == 20)
        assert get(served.port)[0] == 200
        lines[0].settimeout(5)
        assert lines[0].recv(1) == b""


def test_the_address_with_most_connections_goes_first() -> None:
    def held(address: str, at: float, requests: int = 0) -> SimpleNamespace:
        return SimpleNamespace(addr=(address, 1), creation_time=at, is_free=lambda: not requests)

    oldest = held("192.0.2.1", 1.0)
    crowd = [held("2001:db8::1", 3.0), held("2001:db8::2", 2.0), held("2001:db8::3", 1.5, requests=1)]
    assert front.one_to_leave([oldest, *crowd]) is crowd[1]
    assert front.one_to_leave([crowd[2]]) is None


def test_a_strangers_large_body_is_refused_before_it_is_read(served: SimpleNamespace) -> None:
    with crowd(served.port, b"", 1) as [line]:
        line.sendall(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n")
        line.settimeout(10)
        assert b" 413 " in line.recv(200)


def test_a_strangers_endless_pieces_are_refused_too(served: SimpleNamespace) -> None:
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    half = b"POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with crowd(served.port, half, 1) as [line], pytest.raises(ConnectionError):
        for _ in range(2000):
            line.sendall(piece)


def test_a_large_file_of_somebody_signed_in_arrives_whole(served: SimpleNamespace) -> None:
    with served.app.test_client() as browser, browser.session_transaction() as session:
        session[access.TOKEN] = "a token"
    cookie = f"loopkeeper={browser.get_cookie('loopkeeper').value}"
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n' + b"x" * MUCH + b"\r\n--b--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert post(served.port, body, headers | {"Cookie": cookie}) == (200, {"bytes": MUCH})
    assert not access.carries_sign_in(served.app, "loopkeeper=invented")


def post(port: int, body: bytes, headers: dict[str, str]) -> tuple[int, dict]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("POST", "/size", body, headers)
    answer = line.getresponse()
    return answer.status, json.loads(answer.read())


def test_a_stop_finishes_the_answer_at_hand(own_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go = threading.Event(), threading.Event()

    def slow() -> dict:
        entered.set()
        go.wait(20)
        return {"done": True}

    own_app.add_url_rule("/slow", "slow", public(slow))
    with _running(own_app, monkeypatch) as (server, port):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        line.request("GET", "/slow")
        assert entered.wait(10)
        server.stop()
        go.set()
        assert line.getresponse().read() == b'{"done":true}\n'
