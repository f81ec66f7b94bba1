"""Emails, by SMTP.

An email server cannot be asked later what became of an email, so a connection that breaks when the whole email has gone
over leaves it unknown until a person decides. What happens before that moment certainly did not send it.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as STANDARD
from email.utils import format_datetime

from ops import clock
from ops.mail import client
from ops.mail.problems import Problem
from ops.messages.channels import NotSent, Outgoing

POLICY = STANDARD.clone(max_line_length=900)
"""Long lines: a folded List-Unsubscribe header breaks DKIM signatures at some servers (docs/rules.md A9)."""
NO_SUCH_ADDRESS = {550, 551, 553}


class Smtp:
    name = "smtp"
    arrives = False
    carrier = False

    def __init__(self, url: str) -> None:
        self.url = url

    def name_for(self, reference: str, sender_email: str) -> str:
        return f"<{reference}@{sender_email.rpartition('@')[2]}>"

    def send(self, message: Outgoing) -> None:
        try:
            mail = compose(message)
        except (ValueError, IndexError) as problem:  # the library's two ways of not liking an address
            raise NotSent("the email could not be written to this address") from problem
        try:
            client.deliver(self.url, mail)
        except client.NotLeft as problem:
            bad_address = problem.problem is Problem.ADDRESS and problem.code in NO_SUCH_ADDRESS
            raise NotSent(str(problem), again=problem.again, bad_address=bad_address) from None

    def lookup(self, reference: str) -> bool | None:
        return None


def compose(message: Outgoing) -> EmailMessage:
    """The email as it goes out, with what lets a reader leave the list in one click (RFC 8058)."""
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
