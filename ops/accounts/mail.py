"""Account mails: an invitation or a password reset, in plain text, by the mail server of SMTP_URL."""

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from ops import clock
from ops.accounts.links import Letter
from ops.accounts.models import LinkPurpose
from ops.config import settings

TIMEOUT_S = 20

WORDS = {
    LinkPurpose.INVITE: (
        "Your Loopkeeper account",
        "an account was made for you. Choose your password here; the link works once, for seven days:",
    ),
    LinkPurpose.RESET: (
        "Set a new Loopkeeper password",
        "somebody, probably you, asked to set a new password for your account. Do it here; the link works once, for "
        "two hours. If it was not you, do nothing: your password stays as it is.",
    ),
}


def is_set_up() -> bool:
    """Whether there is a mail server. Without one, links are handed over by whoever looks after the accounts."""
    return bool(settings().smtp_url)


def compose(letter: Letter) -> EmailMessage:
    """The mail."""
    subject, words = WORDS[letter.purpose]
    return plain_mail((letter.email,), subject, f"Hello {letter.name},\n\n{words}\n\n{letter.address}\n")


def plain_mail(to: Sequence[str], subject: str, words: str) -> EmailMessage:
    """A mail of ours to people who have an account, in plain text."""
    message = EmailMessage()
    message["From"] = settings().mail_from
    message["To"] = ", ".join(to)
    message["Subject"] = subject
    message["Date"] = clock.now()
    message["Message-ID"] = make_msgid(domain="loopkeeper.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words)
    return message


def send(letter: Letter) -> None:
    """Hand the mail to the server. Raises OSError or smtplib.SMTPException (SMTPRecipientsRefused: the address is no
    good).
    """
    deliver(compose(letter))


class NotHandedOver(OSError):
    """The mail server could not be reached: the mail certainly did not leave."""


def deliver(message: EmailMessage) -> None:
    """Hand a mail to the server. Raises as `send` does; NotHandedOver when it was not even begun."""
    try:
        connection = connect()
    except (OSError, smtplib.SMTPException) as problem:
        raise NotHandedOver(str(type(problem).__name__)) from problem
    with connection:
        connection.send_message(message)


def connect() -> smtplib.SMTP:
    """A connection that is ready to take mails. Raises OSError or smtplib.SMTPException: nothing was sent then."""
    server = urlsplit(settings().smtp_url or "")
    connection = _greet(server)
    try:
        if server.username:
            connection.login(unquote(server.username), unquote(server.password or ""))
    except BaseException:
        connection.close()
        raise
    return connection


def _greet(server: SplitResult) -> smtplib.SMTP:
    """smtps:// is TLS from the start; smtp:// asks for TLS where the server offers it, and always with a password."""
    context = ssl.create_default_context()
    host = server.hostname or "localhost"
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, server.port or 465, timeout=TIMEOUT_S, context=context)
    connection = smtplib.SMTP(host, server.port or 25, timeout=TIMEOUT_S)
    connection.ehlo()
    if server.username or connection.has_extn("starttls"):
        connection.starttls(context=context)
        connection.ehlo()
    return connection
