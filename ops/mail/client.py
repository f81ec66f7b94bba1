"""The one SMTP client: whatever leaves by email leaves through `deliver`.

One policy: a password goes over an encrypted connection or not at all. smtps:// is TLS from the start. smtp:// with a
user turns to TLS or gives up. smtp:// without one (a relay on this machine or network) turns to TLS where the server
offers it.

Three results: the server has it (a return), it certainly did not leave (NotLeft), nobody can tell (MaybeLeft).
"""

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ops.config import settings
from ops.mail.problems import Problem, in_words

TIMEOUT_S = 15
"""For each answer of the server."""


class NotLeft(Exception):
    """The email certainly did not leave, and why."""

    def __init__(self, problem: Problem, code: int | None = None, *, again: bool = False) -> None:
        super().__init__(in_words(problem, code))
        self.problem, self.code = problem, code
        self.again = again
        """Whether it may go through later."""


class MaybeLeft(Exception):
    """The whole email went over and no answer came: the server may have it."""


def is_set_up() -> bool:
    """Whether there is an email server. Without one, what would be emailed waits for a person to pass it on."""
    return bool(settings().smtp_url)


def deliver(url: str, mail: EmailMessage) -> Mapping[str, int]:
    """Give an email, which has its Message-ID, to the server of `url`. Call outside any transaction.

    Returns the addresses that were refused while others were taken, with the server's codes. Raises NotLeft or
    MaybeLeft.
    """
    with _session(urlsplit(url)) as server:
        try:
            refused = server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as problem:
            codes = [code for code, _ in problem.recipients.values()]
            raise NotLeft(Problem.ADDRESS, codes[0], again=any(map(_is_for_now, codes))) from None
        except smtplib.SMTPResponseException as problem:
            if not _was_said_by_the_server(problem):
                raise _cut(server) from None
            raise NotLeft(Problem.MAIL, problem.smtp_code, again=_is_for_now(problem.smtp_code)) from None
        except smtplib.SMTPNotSupportedError:
            raise NotLeft(Problem.CANNOT_CARRY) from None
        except (ValueError, IndexError):  # the library's two ways of not liking an address
            raise NotLeft(Problem.NOT_WRITTEN) from None
        except (OSError, smtplib.SMTPException):
            raise _cut(server) from None
    return {address: code for address, (code, _) in refused.items()}


def _was_said_by_the_server(problem: smtplib.SMTPResponseException) -> bool:
    """Whether it is a refusal, and not what the library makes of an answer it cannot read."""
    return isinstance(problem, smtplib.SMTPDataError | smtplib.SMTPSenderRefused) and 400 <= problem.smtp_code < 600


def _is_for_now(code: int) -> bool:
    return 400 <= code < 500


def _cut(server: "_Watched") -> NotLeft | MaybeLeft:
    return MaybeLeft() if server.all_went_over else NotLeft(Problem.CUT_BEFORE, again=True)


class _Watched(smtplib.SMTP):
    """A connection that remembers whether the dot that ends an email was sent: from there on the server may have it."""

    all_went_over = False

    def send(self, s: Any) -> None:
        super().send(s)
        if isinstance(s, bytes) and s.endswith(b"\r\n.\r\n"):
            self.all_went_over = True


class _WatchedTls(_Watched, smtplib.SMTP_SSL):
    """The same, with TLS from the start."""


@contextmanager
def _session(url: SplitResult) -> Iterator[_Watched]:
    """A connection that is ready to take an email. Raises NotLeft when there is none to be had."""
    try:
        server = connect(url)
    except (OSError, smtplib.SMTPException):
        raise NotLeft(Problem.NO_ANSWER, again=True) from None
    try:
        yield server
    finally:
        with suppress(OSError, smtplib.SMTPException):  # what it says to a good-bye changes nothing about the email
            server.quit()
        server.close()


def connect(url: SplitResult) -> _Watched:
    """Greet the server, turn to TLS, sign in. Raises NotLeft, OSError or smtplib.SMTPException."""
    server = _greet(url)
    try:
        if url.scheme != "smtps":
            _encrypt(server, must=bool(url.username))
        if url.username:
            _sign_in(server, unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _greet(url: SplitResult) -> _Watched:
    host = url.hostname or "localhost"
    if url.scheme != "smtps":
        return _Watched(host, url.port or 25, timeout=TIMEOUT_S)
    try:
        return _WatchedTls(host, url.port or 465, timeout=TIMEOUT_S, context=ssl.create_default_context())
    except ssl.SSLError:
        raise NotLeft(Problem.NO_TLS, again=True) from None


def _encrypt(server: _Watched, *, must: bool) -> None:
    """Turn to TLS where it is offered, or must be."""
    server.ehlo()
    if not must and not server.has_extn("starttls"):
        return
    try:
        server.starttls(context=ssl.create_default_context())
    except (ssl.SSLError, smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException):
        raise NotLeft(Problem.NO_TLS, again=True) from None


def _sign_in(server: _Watched, user: str, password: str) -> None:
    try:
        server.login(user, password)
    except smtplib.SMTPAuthenticationError as refused:
        raise NotLeft(Problem.SIGN_IN, refused.smtp_code, again=True) from None
    except smtplib.SMTPNotSupportedError:
        raise NotLeft(Problem.SIGN_IN, again=True) from None
