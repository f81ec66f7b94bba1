"""The ways out. Each plays by one protocol, so that the outbox need not know who carries a message.

Two are built in: `smtp` for emails, where there is a server for them, and the `recorder` for everything else, which
keeps what it is given as a phone or mailbox would and lets a person answer it. With a server no email goes to the
recorder, which would call it delivered: what is lacking is waited for (`lacking`).
"""

from dataclasses import dataclass
from typing import Protocol

from ops.agency.queries import emails_wait
from ops.config import settings
from ops.messages.models import MessageChannel


@dataclass(frozen=True)
class Outgoing:
    """A message as a channel gets it: no database row, so that nothing can be read or written during the call."""

    reference: str
    """Our id of the message: a provider can be asked by it what became of the message."""
    channel: MessageChannel
    to_address: str
    subject: str
    body: str
    sender_name: str
    sender_email: str
    unsubscribe_url: str
    provider_id: str
    """What the message will be called there, stored before the call where we choose it ourselves."""


class NotSent(Exception):
    """The message certainly did not leave. Any other exception of `send` leaves it unknown."""

    def __init__(self, why: str, *, again: bool = False, bad_address: bool = False) -> None:
        super().__init__(why)
        self.again = again
        """Whether it may go through later."""
        self.bad_address = bad_address
        """Whether the address does not exist."""


class Channel(Protocol):
    """One way out."""

    name: str
    arrives: bool
    """Whether what was accepted has arrived, without the other side having to tell us."""

    carrier: bool
    """Whether a telephone carrier takes part: then the practice's campaign must be registered with it (docs/rules.md
    A7)."""

    def name_for(self, reference: str, sender_email: str) -> str:
        """The id the message will have there."""
        ...

    def send(self, message: Outgoing) -> None:
        """Send the message, within 30 seconds. Raises NotSent; whatever else it raises means "perhaps"."""
        ...

    def lookup(self, reference: str) -> bool | None:
        """Did it get this message? None: it cannot be asked."""
        ...


def lacking(channel: MessageChannel, sender_email: str) -> str:
    """Why a message of a practice that sends its emails from `sender_email` ("": from nowhere yet) cannot leave though
    there is a way for it, as a sentence; "" when it can."""
    if channel is not MessageChannel.EMAIL or not settings().smtp_url:
        return ""
    return emails_wait() or ("" if sender_email else "The practice has no address that its emails come from.")


def choose(channel: MessageChannel) -> Channel:
    """Who carries a message of which nothing is `lacking`."""
    from ops.messages.channels import recorder, smtp

    conf = settings()
    if channel is MessageChannel.EMAIL and conf.smtp_url:
        return smtp.Smtp(conf.smtp_url)
    return recorder.Recorder()


def registered(channel: MessageChannel) -> bool | None:
    """Whether the practice's texts may pass the carriers: yes where none takes part. None: nobody knows, for there is
    no record of registrations yet; a way out over a carrier sends nothing before it has one.
    """
    return None if choose(channel).carrier else True


def named(name: str) -> Channel:
    """The channel that carried a message, by the name kept with it. Raises ValueError for a channel that is gone."""
    from ops.messages.channels import recorder, smtp

    match name:
        case recorder.Recorder.name:
            return recorder.Recorder()
        case smtp.Smtp.name:
            return smtp.Smtp(settings().smtp_url or "")
        case _:
            raise ValueError(f"no channel called {name!r}")
