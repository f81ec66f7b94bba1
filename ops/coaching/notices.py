"""What an agent has not read yet: asked on every page of theirs, so one statement over two small indexes."""

from dataclasses import dataclass

import sqlalchemy as sa

from ops.accounts.models import User
from ops.coaching.models import Comment, Score
from ops.db import db


@dataclass(frozen=True)
class Notice:
    """How many calls somebody said something new about, and who."""

    calls: int
    names: tuple[str, ...]
    attempt_id: int
    """One of the calls; the only one where `calls` is 1."""

    @property
    def who(self) -> str:
        return " and ".join(self.names[:2]) + (" and others" if len(self.names) > 2 else "")


def notice_for(agent_id: int) -> Notice | None:
    """What is new for this agent; None when nothing is."""
    said = sa.select(Comment.attempt_id, Comment.author_id.label("who")).where(
        Comment.agent_id == agent_id, Comment.read_at.is_(None), Comment.author_id != Comment.agent_id
    )
    marked = sa.select(Score.attempt_id, Score.marked_by).where(Score.agent_id == agent_id, Score.read_at.is_(None))
    new = sa.union(said, marked).subquery()
    rows = db.session.execute(
        sa.select(new.c.attempt_id, User.name).join(User, User.id == new.c.who).order_by(new.c.attempt_id)
    ).all()
    if not rows:
        return None
    names = tuple(dict.fromkeys(row.name for row in rows))
    return Notice(len({row.attempt_id for row in rows}), names, rows[-1].attempt_id)
