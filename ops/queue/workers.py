"""Who may work what: agents and leads with their languages, kinds and practices.

Whether they may work a task is a rule of ops/queue/offered.sql, which the claim asks; here it is asked for pages, and
where a lead assigns a task.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from ops.accounts.models import User
from ops.accounts.roles import AT_WORK
from ops.db import db
from ops.phrases import listed
from ops.queue.models import AgentProfile


class Lack(StrEnum):
    """What somebody would need for a task, and has not got."""

    PRACTICE = "practice"
    KIND = "kind"
    LANGUAGE = "language"


LACK_WORDS = {Lack.PRACTICE: "this practice", Lack.KIND: "this kind of work", Lack.LANGUAGE: "this language"}


def lack_words(lacking: Iterable[str]) -> str:
    """ "this practice and this language": what somebody is not certified for; empty for nothing."""
    return listed(LACK_WORDS[Lack(one)] for one in lacking if one in set(Lack))


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


def lacks(practice_id: int, kind: str | None, language: str | None) -> dict[int, list[Lack]]:
    """What each person would need for such a task, by user; empty: they may work it. None: not known, and not asked."""
    query = sa.text("SELECT user_id, lacks FROM lacking(:practice, :kind, :language)")
    asked = {"practice": practice_id, "kind": kind and str(kind), "language": language}
    return {user_id: [Lack(each) for each in found] for user_id, found in db.session.execute(query, asked)}


SKILLS = sa.table("skills", *(sa.column(name) for name in ("user_id", "speaks", "does", "everywhere", "theirs")))


def _query() -> sa.Select:
    profiled = sa.exists().where(AgentProfile.user_id == User.id)
    return (
        sa.select(User.id, User.name, User.email, User.role, User.active, *list(SKILLS.c)[1:], profiled)
        .join(SKILLS, SKILLS.c.user_id == User.id)
        .where(User.role.in_(AT_WORK))
        .order_by(sa.func.lower(User.name), User.id)
    )


def _worker(row: sa.Row) -> Worker:
    user_id, name, email, role, active, languages, kinds, everywhere, practices, has_profile = row
    return Worker(
        user_id,
        name or email,
        email,
        role,
        active,
        tuple(languages),
        None if kinds is None else frozenset(kinds),
        everywhere,
        frozenset(practices or ()),
        has_profile,
    )


def workers(*, closed: bool = False) -> list[Worker]:
    """Everybody who takes tasks, by name; one statement. `closed`: also those whose account is closed."""
    query = _query() if closed else _query().where(User.active)
    return [_worker(row) for row in db.session.execute(query)]


def worker(user_id: int) -> Worker | None:
    """One of them, also with a closed account; None for somebody who takes no tasks."""
    row = db.session.execute(_query().where(User.id == user_id)).first()
    return _worker(row) if row else None
