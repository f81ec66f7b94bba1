"""Who may work what: agents and leads with their languages, kinds and practices.

The claim asks the same in SQL (ops/queue/claim.sql); here it is asked for pages, and where a lead hands a task over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from ops.accounts.models import User
from ops.accounts.roles import AT_WORK
from ops.db import db
from ops.phrases import listed
from ops.queue.models import AgentProfile, Certification


class Lack(StrEnum):
    """What somebody would need for a task, and has not got."""

    PRACTICE = "practice"
    KIND = "kind"
    LANGUAGE = "language"


LACK_WORDS = {Lack.PRACTICE: "this practice", Lack.KIND: "this kind of work", Lack.LANGUAGE: "this language"}


def lack_words(lacking: Iterable[str]) -> str:
    """ "this practice and this language": what somebody is not certified for; empty for nothing."""
    return listed(LACK_WORDS[Lack(one)] for one in lacking if one in set(Lack))


"""The roles that take tasks."""


WITHOUT_PROFILE = ("en",)
"""What somebody speaks of whom nothing is said."""


@dataclass(frozen=True)
class Worker:
    """Somebody who takes tasks. `kinds` None: all; `practices` counts only where `everywhere` is False."""

    user_id: int
    name: str
    email: str
    role: str
    active: bool
    languages: tuple[str, ...]
    kinds: frozenset[str] | None
    everywhere: bool
    practices: frozenset[int]
    has_profile: bool

    def lacks(self, practice_id: int, kind: str | None, language: str | None) -> list[Lack]:
        """What they would need for such a task; empty: they may work it. None: not known, and not asked."""
        found = []
        if not self.everywhere and practice_id not in self.practices:
            found.append(Lack.PRACTICE)
        if self.kinds is not None and kind is not None and kind not in self.kinds:
            found.append(Lack.KIND)
        if language is not None and language not in self.languages:
            found.append(Lack.LANGUAGE)
        return found

    def may(self, practice_id: int, kind: str | None, language: str | None) -> bool:
        return not self.lacks(practice_id, kind, language)


def _query() -> sa.Select:
    certified = sa.select(Certification.practice_id).where(
        Certification.user_id == User.id, AgentProfile.everywhere.is_(False)
    )
    return (
        sa.select(
            User.id,
            User.name,
            User.email,
            User.role,
            User.active,
            AgentProfile.languages,
            AgentProfile.kinds,
            AgentProfile.everywhere,
            sa.func.array(certified.correlate(User, AgentProfile).scalar_subquery()),
        )
        .outerjoin(AgentProfile, AgentProfile.user_id == User.id)
        .where(User.role.in_(AT_WORK))
        .order_by(sa.func.lower(User.name), User.id)
    )


def _worker(row: sa.Row) -> Worker:
    user_id, name, email, role, active, languages, kinds, everywhere, practices = row
    return Worker(
        user_id,
        name or email,
        email,
        role,
        active,
        tuple(languages or WITHOUT_PROFILE),
        None if kinds is None else frozenset(kinds),
        everywhere is not False,
        frozenset(practices),
        languages is not None,
    )


def workers(*, closed: bool = False) -> list[Worker]:
    """Everybody who takes tasks, by name; one statement. `closed`: also those whose account is closed."""
    query = _query() if closed else _query().where(User.active)
    return [_worker(row) for row in db.session.execute(query)]


def worker(user_id: int) -> Worker | None:
    """One of them, also with a closed account; None for somebody who takes no tasks."""
    row = db.session.execute(_query().where(User.id == user_id)).first()
    return _worker(row) if row else None
