"""Passwords: what is accepted (NIST SP 800-63B: length and known-bad lists, no composition rules) and how they are kept
(argon2id).

A hash takes 64 MiB and about 0.1 s on purpose, so only a few run at a time whatever arrives.
"""

import threading
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST = 12
LONGEST = 200
AT_ONCE = 4

_hasher = PasswordHasher()
_turn = threading.BoundedSemaphore(AT_ONCE)

COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text().split())
"""Long enough, and still among the first an attacker tries. Lower case."""


def objection(password: str, email: str) -> str | None:
    """Why this password is not accepted for the account `email`, in a sentence; None when it is."""
    plain = password.strip().lower()
    if len(password) < SHORTEST:
        return f"A password needs at least {SHORTEST} characters. Four unrelated words are easy to remember."
    if len(password) > LONGEST:
        return f"A password has at most {LONGEST} characters."
    if len(set(plain)) < 4 or plain in COMMON:
        return "This password is among the first ones anybody would try."
    if plain in (email.lower(), email.lower().partition("@")[0]):
        return "The password must not be the email address."
    return None


def hash_of(password: str) -> str:
    """The argon2id hash to keep."""
    with _turn:
        return _hasher.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether the password belongs to the kept hash. Takes as long when there is none, so that nobody learns who
    exists.
    """
    with _turn:
        try:
            return _hasher.verify(kept or _nobodys(), password[:LONGEST]) and kept is not None
        except (Argon2Error, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _hasher.hash("a password nobody has")
