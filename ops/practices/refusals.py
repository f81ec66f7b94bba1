"""Where the opt-outs of a file go.

Practices are known below the packages that decide on contact, so the factory says who keeps opt-outs. Without a keeper
an import with opt-outs stops: it is better not to know a patient than to forget that they said no.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Refusal(NamedTuple):
    """A number or address (as `crypto.contact_key`) that said no to `channel`: all, call, sms or email."""

    contact_key: bytes
    channel: str
    source: str
    practice_id: int


Keeper = Callable[[Iterable[Refusal], str], object]
_keeper: Keeper | None = None


def kept_by(keeper: Keeper) -> None:
    """`keeper(refusals, actor)` stores opt-outs in the transaction going on; saying the same twice changes nothing."""
    global _keeper
    _keeper = keeper


def keep(refusals: Iterable[Refusal], actor: str) -> None:
    """Store opt-outs. Raises RuntimeError when nobody was named who keeps them."""
    if _keeper is None:
        raise RuntimeError("an import with opt-outs needs somebody to keep them: refusals.kept_by()")
    _keeper(refusals, actor)
