"""Secrets of the installation, one-time tokens, and the keyed hash by which numbers are compared across practices."""

import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from ops.config import settings


def _kept(name: str) -> bytes:
    """The secret kept in var/NAME, made on first use. Two processes starting at once agree on one."""
    path = settings().var_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32))
        try:
            os.link(fresh, path)  # fails when another process was first: then theirs counts
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return Path(path).read_text().strip().encode()


@cache
def secret_key() -> bytes:
    """Signs cookies and links."""
    given = settings().secret_key
    return given.get_secret_value().encode() if given else _kept("secret_key")


@cache
def _pepper() -> bytes:
    given = settings().contact_pepper
    return given.get_secret_value().encode() if given else _kept("contact_pepper")


def pepper_fingerprint() -> str:
    """Tells whether two processes hash numbers alike, without telling the key."""
    return hashlib.sha256(b"fingerprint" + _pepper()).hexdigest()[:16]


def contact_key(address: str) -> bytes:
    """16 bytes that stand for a phone number (E.164) or an email address (any case) in comparisons across practices.

    Keyed, so that neither practice nor a copy of the database can find out whose number it is by trying numbers.
    """
    return hmac.digest(_pepper(), address.strip().lower().encode(), "sha256")[:16]


def seal(purpose: str, what: bytes) -> bytes:
    """16 bytes that only this installation can make of `what`, for this purpose and no other.

    Keyed by the secret that numbers are hashed with: no node starts with another one, so a seal holds for good.
    """
    key = hmac.digest(_pepper(), f"seal {purpose}".encode(), "sha256")
    return hmac.digest(key, what, "sha256")[:16]


def new_token() -> str:
    """An unguessable token for a link or a cookie (192 bits)."""
    return secrets.token_urlsafe(24)


def token_hash(token: str) -> bytes:
    """What the database keeps of a token: enough to recognize it, not to use it."""
    return hashlib.sha256(token.encode()).digest()
