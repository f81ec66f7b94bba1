"""Where the opt-outs of a file go, and what it says that people agreed to; and the people who said no when their number
changes.

Practices are known below the packages that decide on contact, so the factory says who keeps opt-outs. Without a keeper
an import with opt-outs stops: it is better not to know a patient than to forget that they said no.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ops.crypto import contact_key


class Refusal(NamedTuple):
    """A number or address (as `crypto.contact_key`) that said no to `channel`: all, call, sms or email."""

    contact_key: bytes
    channel: str
    source: str
    practice_id: int


class Yes(NamedTuple):
    """What a column of a file says of a permission of these patients (by the practice's own numbers): `words` is the
    cell as it stands there, "" when there is the column and it says no yes (any more). `channel`: all, call, sms or
    email."""

    channel: str
    header: str
    words: str
    people: Sequence[str]


class Move(NamedTuple):
    """A patient's number and address before and after a change, as `keys_of` gives them."""

    old_phone: bytes
    old_email: bytes
    new_phone: bytes
    new_email: bytes


def keys_of(practice_id: int, external_id: str, phone: bytes | None, email: bytes | None) -> tuple[bytes, bytes]:
    """A patient's number and address as `crypto.contact_key`.

    Where there is none yet, or none any more, a key that stands for the patient: what they refused waits under it for
    the number or address that comes later.
    """
    nobody = contact_key(f"patient {practice_id} {external_id}")
    return phone or nobody, email or nobody


def reached_by(channel: str, phone: bytes, email: bytes) -> Iterator[bytes]:
    """Under which of a person's two keys a no to this channel is kept."""
    if channel != "email":
        yield phone
    if channel in ("all", "email"):
        yield email


Keeper = Callable[[Iterable[Refusal], str], set[bytes]]
Mover = Callable[[int, Sequence[Move], str], object]
Witness = Callable[[int, str, Sequence[Yes], Sequence[str], str], set[str]]
_keeper: Keeper | None = None
_mover: Mover | None = None
_witness: Witness | None = None


def kept_by(keeper: Keeper, mover: Mover, witness: Witness) -> None:
    """`keeper(refusals, actor)` stores opt-outs and returns the keys under which any was new,
    `mover(practice_id, moves, actor)` lets them follow people to a new number, and `witness` is `keep_yes`, all in the
    transaction going on; saying the same twice changes nothing."""
    global _keeper, _mover, _witness
    _keeper, _mover, _witness = keeper, mover, witness


def keep(refusals: Iterable[Refusal], actor: str) -> set[bytes]:
    """Store opt-outs; the keys under which any was new. Raises RuntimeError when nobody was named who keeps them."""
    if _keeper is None:
        raise RuntimeError("an import with opt-outs needs somebody to keep them: refusals.kept_by()")
    return _keeper(refusals, actor)


def follow(practice_id: int, moves: Sequence[Move], actor: str) -> None:
    """Somebody who said no to this practice has said it for their new number too. Raises RuntimeError like `keep`."""
    if _mover is None:
        raise RuntimeError("a changed number needs somebody who keeps opt-outs: refusals.kept_by()")
    _mover(practice_id, moves, actor)


def keep_yes(practice_id: int, file: str, said: Sequence[Yes], asked: Sequence[str], actor: str) -> set[str]:
    """Keep what a file (its name) says that people agreed to, as evidence; of the people `asked`, those of whom it said
    anything new. Raises RuntimeError like `keep`."""
    if _witness is None:
        raise RuntimeError("a file's yes needs somebody who keeps it: refusals.kept_by()")
    return _witness(practice_id, file, said, asked, actor)
