"""The way out of our emails: an address of its own for each, that nothing else of ours fits (docs/rules.md A9).

A token is the message's id and a seal made for this purpose alone. It carries all it needs and has no end: an email is
opened years later too. The id by itself opens nothing, since it stands in addresses of pages, and with the provider.
"""

import base64
import binascii
import hmac
import uuid

from ops.config import settings
from ops.crypto import seal
from ops.db import db
from ops.messages.models import Message, MessageChannel

PURPOSE = "unsubscribe"
ID_BYTES = 16


def unsubscribe_url(message_id: uuid.UUID) -> str:
    """The public page by which whoever got this email can leave."""
    whole = message_id.bytes + seal(PURPOSE, message_id.bytes)
    return f"{settings().address}/u/{base64.urlsafe_b64encode(whole).decode().rstrip('=')}"


def email_of(token: str) -> Message | None:
    """The email a token is the way out of; None for a token that is not ours."""
    message_id = _sealed(token) or _earlier(token)
    found = db.session.get(Message, message_id) if message_id else None
    if found is None or found.channel is not MessageChannel.EMAIL:
        return None
    return found if _sealed(token) or f"/u/{token}" in found.body else None


def _sealed(token: str) -> uuid.UUID | None:
    try:
        whole = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    which, given = whole[:ID_BYTES], whole[ID_BYTES:]
    return uuid.UUID(bytes=which) if hmac.compare_digest(given, seal(PURPOSE, which)) else None


def _earlier(token: str) -> uuid.UUID | None:
    """Emails once carried their bare id. It is the way out of those that do, and of no other."""
    try:
        return uuid.UUID(hex=token) if len(token) == 32 else None
    except ValueError:
        return None
