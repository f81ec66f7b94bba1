"""What a practice must have before anybody is contacted in its name, as a list of what is missing.

Practices are known below the packages that know their cadences, scripts and places, so the factory says who looks
(`ops.cadences.readiness`).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa

from ops.db import db
from ops.errors import Refused
from ops.practices.models import Practice


class Lack(StrEnum):
    """Of what kind something missing is."""

    BAA = "baa"
    CONTRACT = "contract"
    ZONE = "zone"
    HOURS = "hours"
    CALLBACK = "callback_number"
    SENDER = "sender_email"
    TREATMENTS = "treatments"
    CADENCES = "cadences"
    REVIEW_LINKS = "review_links"
    SCRIPT = "script"
    APPROVAL = "approval"
    WORDS = "words"


class Missing(NamedTuple):
    """One thing that is missing: in words, and the page (an endpoint that takes the practice's short name) where it is
    put right."""

    lack: Lack
    words: str
    endpoint: str


class NotComplete(Refused):
    """A practice that cannot go live, and all that is missing."""

    def __init__(self, practice: Practice, missing: Iterable[Missing]) -> None:
        self.missing = list(missing)
        super().__init__(
            f"{practice.name} cannot go live yet. Missing: {'; '.join(one.words for one in self.missing)}."
        )


Look = Callable[[sa.Connection, Iterable[int] | None], Mapping[int, list[Missing]]]
_look: Look | None = None


def looked_at_by(look: Look) -> None:
    """`look(connection, ids)` gives what each of these practices is missing (None: every live one), for those that are
    missing something."""
    global _look
    _look = look


def lacks(practices: Iterable[Practice]) -> Mapping[int, list[Missing]]:
    """What each of them is missing, by id; without those that are complete. A few statements, however many they are."""
    return _looked([practice.id for practice in practices])


def live_and_lacking() -> Mapping[int, list[Missing]]:
    """The same of every practice that is live: it went live before something was taken away."""
    return _looked(None)


def _looked(ids: list[int] | None) -> Mapping[int, list[Missing]]:
    if _look is None:
        raise RuntimeError("whether a practice can go live needs somebody who looks: lacking.looked_at_by()")
    db.session.flush()
    return _look(db.session.connection(), ids)
