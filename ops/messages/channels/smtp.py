"""Mails, by SMTP.

A mail server cannot be asked later what became of a mail, so a crash or a broken connection in the middle of handing
it over leaves it unknown until a person decides. What happens before that moment certainly did not send it.
"""

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as STANDARD
from email.utils import format_datetime
from urllib.parse import SplitResult, unquote, urlsplit

from ops import clock
from ops.messages.channels import NotSent, Outgoing

TIMEOUT_S = 15
POLICY = STANDARD.clone(max_line_length=900)
"""Long lines: a folded List-Unsubscribe header breaks DKIM signatures at some servers (docs/rules.md A9)."""
NO_SUCH_ADDRESS = {550, 551, 553}


class Smtp:
    name = "smtp"
    arrives = False
    carrier = False

    def __init__(self, url: str) -> None:
        self.url = urlsplit(url)

    def name_for(self, reference: str, sender_email: str) -> str:
        return f"<{reference}@{sender_email.rpartition('@')[2]}>"

    def send(self, message: Outgoing) -> None:
        try:
            mail = compose(message)
        except (ValueError, IndexError) as problem:  # the library's two ways of not liking an address
            raise NotSent("the mail could not be written to this address") from problem
        with self._connect() as server:
            try:
                server.send_message(mail)
            except smtplib.SMTPRecipientsRefused as refused:
                code = next(iter(refused.recipients.values()))[0]
                raise NotSent(
                    f"the mail server refused the address ({code})",
                    again=400 <= code < 500,
                    bad_address=code in NO_SUCH_ADDRESS,
                ) from None
            except smtplib.SMTPResponseException as refused:  # the server said no in so many words
                again = 400 <= refused.smtp_code < 500
                raise NotSent(f"the mail server refused the mail ({refused.smtp_code})", again=again) from None
            except smtplib.SMTPNotSupportedError:
                raise NotSent("the mail server cannot carry this address") from None

    def lookup(self, reference: str) -> bool | None:
        return None

    def _connect(self) -> smtplib.SMTP:
        try:
            return _greet(self.url)
        except (OSError, smtplib.SMTPException) as problem:
            raise NotSent(f"the mail server did not answer ({type(problem).__name__})", again=True) from None


def _greet(url: SplitResult) -> smtplib.SMTP:
    """A connection ready to take mails. smtps:// is TLS from the start; smtp:// turns to TLS where the server offers
    it.
    """
    host, context = url.hostname or "localhost", ssl.create_default_context()
    server: smtplib.SMTP
    if url.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT_S)
    try:
        server.ehlo()
        if url.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=context)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def compose(message: Outgoing) -> EmailMessage:
    """The mail as it goes out, with what lets a reader leave the list in one click (RFC 8058)."""
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(message.sender_name, addr_spec=message.sender_email)
    mail["To"] = message.to_address
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = message.provider_id
    mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body)
    return mail
