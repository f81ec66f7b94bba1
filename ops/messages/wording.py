"""What a text or email must look like before it may be queued. Pure.

A message is checked as it will be sent, after rendering: a brace left over means a variable was not filled in, and a
treatment, a date or a drug in it would tell whoever holds the phone that its owner is a patient (docs/rules.md A7,
A12).
"""

import re
from collections.abc import Iterable

from ops.contact import segments
from ops.contact.health_words import tells
from ops.messages.models import MessageChannel

E164 = re.compile(r"\+[1-9]\d{6,14}")
MAIL = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+\.[^\s@<>,;\"]+")
LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}|<no value>|\[\[|\]\]")
MAX_MAIL_CHARACTERS = 100_000


def problem(
    channel: MessageChannel, to_address: str, subject: str, body: str, *, private: Iterable[str] = (), public: str = ""
) -> str | None:
    """Why this message cannot be sent, as a sentence, or None.

    `private`: names of treatments, which it must not contain. `public`: the practice's own published words (its name,
    the note to forward), in which such a word says nothing about the patient.
    """
    return (
        _address(channel, to_address) or _shape(channel, subject, body) or tells(f"{subject}\n{body}", private, public)
    )


def _address(channel: MessageChannel, to_address: str) -> str | None:
    pattern, what = (E164, "number") if channel is MessageChannel.SMS else (MAIL, "email address")
    return None if pattern.fullmatch(to_address) else f"There is no {what} this message could go to."


def _shape(channel: MessageChannel, subject: str, body: str) -> str | None:
    if not body.strip():
        return "The message is empty."
    if LEFT_OVER.search(subject) or LEFT_OVER.search(body):
        return "A placeholder of the text was not filled in."
    if channel is MessageChannel.SMS:
        return _too_long(body)
    if not subject.strip() or len(subject) > 200 or any(ord(character) < 32 for character in subject):
        return "An email needs a subject of one line, up to 200 characters."
    return "The email is too long." if len(body) > MAX_MAIL_CHARACTERS else None


def _too_long(body: str) -> str | None:
    parts = segments.count(body).parts
    if parts <= segments.MAX_SEGMENTS and len(body) <= segments.MAX_CHARACTERS:
        return None
    return f"The text is too long: {parts} parts, {segments.MAX_SEGMENTS} at most."
