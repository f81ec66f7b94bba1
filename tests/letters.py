"""Email servers for tests: real ones, on this machine, that can refuse, hang up and ask for a password."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from ops.config import settings

CERTIFICATE = Path(__file__).parent / "mail" / "localhost.pem"
"""Of nobody: key and certificate for "localhost", signed by itself, good until 2126."""


class Mailbox:
    """A real SMTP server that keeps what it is given, or refuses, or hangs up.

    `hang_up`: "before" the email goes over, "in" the middle of it, or "after" all of it, without an answer; "silent" is
    no answer and no hanging up; "good-bye" is an accepted email and then a hang-up.
    """

    def __init__(self) -> None:
        self.letters, self.refuse, self.refuse_mail = [], None, None
        self.refuse_one = ""
        self.hang_up: str | None = None
        self.passwords: list[str] = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.hang_up == "before":
            server.transport.abort()
        if self.refuse or address == self.refuse_one:
            return self.refuse or "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.refuse_mail:
            return self.refuse_mail
        self.letters.append((envelope.rcpt_tos, envelope.content.decode()))
        if self.hang_up == "silent":
            await asyncio.sleep(2)
        if self.hang_up == "after":
            server.transport.close()
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        if self.hang_up == "good-bye":
            server.transport.abort()
        return "221 Bye"

    def sign_in(self, server, session, envelope, mechanism, told) -> AuthResult:
        self.passwords.append(told.password.decode())
        return AuthResult(success=told.password == b"right", handled=False)


class Server(SMTP):
    """One that can hang up when an email has begun to go over."""

    async def smtp_DATA(self, arg):
        box = self.event_handler
        if getattr(box, "hang_up", None) == "in":
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self):
        return Server(self.handler, **self.SMTP_kwargs)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextmanager
def mail_server(monkeypatch, *, tls: str = "", user: str = "", utf8: bool = True) -> Iterator[Mailbox]:
    """One that the settings name. `tls`: "" for none, "starttls", or "smtps" from the start; it knows one user, by the
    password "right". `user`: what SMTP_URL says before the host ("ops:right@")."""
    box, port = Mailbox(), free_port()
    wraps = {"ssl_context": _certified()} if tls == "smtps" else {}
    offers = {"tls_context": _certified()} if tls == "starttls" else {}
    controller = _Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        enable_SMTPUTF8=utf8,
        authenticator=box.sign_in,
        auth_require_tls=False,  # as a careless server: it is we who keep the password
        **wraps,
        **offers,
    )
    controller.start()
    scheme, host = ("smtps" if tls == "smtps" else "smtp"), ("localhost" if tls else "127.0.0.1")
    monkeypatch.setenv("SMTP_URL", f"{scheme}://{user}{host}:{port}")
    settings.cache_clear()
    yield box
    controller.stop()


def _certified() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context
