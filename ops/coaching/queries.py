"""Finished cards as lists: for leads to choose from, for agents to come back to."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead, User
from ops.accounts.roles import AT_WORK
from ops.coaching import defaults, marking
from ops.coaching.models import Comment, Score, Scorecard
from ops.db import db
from ops.practices.models import Practice
from ops.queue.models import Attempt, Task
from ops.work.kinds import Kind
from ops.work.outcomes import TALKS, Outcome
from ops.work.reads import ReadOf

PAGE = 30
LONG_WRAP_S = 120
"""Seconds between the end of a call and its outcome from which a wrap-up is long."""
AVERAGED = timedelta(days=90)
SAMPLED = timedelta(days=14)
"""How old a card may be that is picked for a lead."""


@dataclass(frozen=True)
class Search:
    """What the list is narrowed by. `read`: "" all, "mine" not read by who asks, "nobody" not read by any lead."""

    agent_id: int | None = None
    practice_id: int | None = None
    kind: Kind | None = None
    outcome: Outcome | None = None
    days: int | None = None
    read: str = ""
    no_opening: bool = False
    long_wrap: bool = False


@dataclass(frozen=True)
class FinishedCard:
    """One finished card in a list."""

    attempt: Attempt
    kind: Kind
    practice: str
    zone: str
    agent: str
    points: int | None
    comments: int
    read: bool
    """By who asks."""

    @property
    def spoke(self) -> bool:
        return self.attempt.outcome in TALKS

    @property
    def long_wrap(self) -> bool:
        return (self.attempt.wrap_seconds or 0) >= LONG_WRAP_S


def _was_read(reader_id: int | None) -> sa.ColumnElement[bool]:
    """Whether this lead, or any person but the agent, opened the card: the log of reads is what says so."""
    which = sa.exists().where(
        PatientRead.practice_id == Attempt.practice_id,
        PatientRead.patient_id == Attempt.patient_id,
        PatientRead.shows(ReadOf.FINISHED_CARD, Attempt.id),
    )
    if reader_id is None:
        return which.where(PatientRead.user_id != Attempt.agent_id)
    return which.where(PatientRead.user_id == reader_id)


def _narrowed(search: Search, reader_id: int) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if search.agent_id is not None:
        where.append(Attempt.agent_id == search.agent_id)
    if search.practice_id is not None:
        where.append(Attempt.practice_id == search.practice_id)
    if search.kind:
        where.append(Task.kind == search.kind)
    if search.outcome:
        where.append(Attempt.outcome == search.outcome)
    if search.days:
        where.append(Attempt.at >= clock.now() - timedelta(days=search.days))
    if search.read:
        where.append(~_was_read(None if search.read == "nobody" else reader_id))
    if search.no_opening:  # where nobody was spoken to there was nothing to say
        where += [~Attempt.opening_said, Attempt.outcome.in_(TALKS)]
    if search.long_wrap:
        where.append(Attempt.wrap_seconds >= LONG_WRAP_S)
    return where


def finished(
    search: Search, reader_id: int, before: tuple[datetime, int] | None = None
) -> tuple[list[FinishedCard], bool]:
    """A page of finished cards, newest first, from `before` on, and whether there are older ones."""
    which = _lines(reader_id).where(*_narrowed(search, reader_id))
    if before:
        which = which.where(sa.tuple_(Attempt.at, Attempt.id) < sa.tuple_(*map(sa.literal, before)))
    rows = db.session.execute(which.order_by(Attempt.at.desc(), Attempt.id.desc()).limit(PAGE + 1)).all()
    return [FinishedCard(*row) for row in rows[:PAGE]], len(rows) > PAGE


def _lines(reader_id: int) -> sa.Select:
    comments = sa.select(sa.func.count()).where(Comment.attempt_id == Attempt.id).scalar_subquery()
    return (
        sa.select(
            Attempt, Task.kind, Practice.name, Practice.zone, User.name, Score.points, comments, _was_read(reader_id)
        )
        .join(Task, Task.id == Attempt.task_id)
        .join(Practice, Practice.id == Attempt.practice_id)
        .join(User, User.id == Attempt.agent_id)
        .outerjoin(Score, Score.attempt_id == Attempt.id)
    )


def sample(search: Search, reader_id: int) -> int | None:
    """A card of the last days this lead has not read, by chance, of the agent of whom they read fewest; None: none."""
    since = Attempt.at >= clock.now() - SAMPLED
    candidates = (
        sa.select(Attempt.agent_id, Attempt.id, _was_read(reader_id).label("read"))
        .join(Task, Task.id == Attempt.task_id)
        .where(since, Attempt.agent_id != reader_id, *_narrowed(search, reader_id))
    ).subquery()
    # how much was read does not depend on the narrowing: a narrowed pick must stay fair as well
    read = sa.select(sa.func.count()).where(Attempt.agent_id == candidates.c.agent_id, since, _was_read(reader_id))
    each = db.session.execute(
        sa.select(candidates.c.agent_id, sa.func.count(), read.scalar_subquery())
        .where(~candidates.c.read)
        .group_by(candidates.c.agent_id)
    ).all()
    if not each:
        return None
    fewest = min(row[2] for row in each)
    agent_id, unread, _ = secrets.choice([row for row in each if row[2] == fewest])
    return db.session.scalar(
        sa.select(candidates.c.id)
        .where(candidates.c.agent_id == agent_id, ~candidates.c.read)
        .order_by(candidates.c.id)
        .offset(secrets.randbelow(unread))
        .limit(1)
    )


@dataclass(frozen=True)
class Own:
    """One of an agent's own cards that a lead said something about. `new`: not read yet."""

    line: FinishedCard
    last_words: str
    last_by: str
    last_at: datetime
    new: bool


def own_cards(agent_id: int, before: tuple[datetime, int] | None = None) -> tuple[list[Own], bool]:
    """A page of the agent's commented and scored cards, what is new first and then the newest calls."""
    which = _lines(agent_id).where(spoken_of(agent_id))
    new = _is_new(agent_id)
    if before:
        which = which.where(sa.tuple_(Attempt.at, Attempt.id) < sa.tuple_(*map(sa.literal, before)), ~new)
        rows = db.session.execute(which.order_by(Attempt.at.desc(), Attempt.id.desc()).limit(PAGE + 1)).all()
        return _owned([(FinishedCard(*row), False) for row in rows[:PAGE]]), len(rows) > PAGE
    fresh = db.session.execute(which.where(new).order_by(Attempt.at.desc(), Attempt.id.desc()).limit(PAGE)).all()
    rows = db.session.execute(which.where(~new).order_by(Attempt.at.desc(), Attempt.id.desc()).limit(PAGE + 1)).all()
    lines = [(FinishedCard(*row), True) for row in fresh] + [(FinishedCard(*row), False) for row in rows[:PAGE]]
    return _owned(lines), len(rows) > PAGE


def spoken_of(agent_id: int) -> sa.ColumnElement[bool]:
    """Whether the card is one of this agent's with a comment or a score: those they may come back to."""
    # found from what was said, which is little, and not from the agent's calls, which are many
    said = sa.select(Comment.attempt_id).where(Comment.agent_id == agent_id)
    return Attempt.id.in_(said.union(sa.select(Score.attempt_id).where(Score.agent_id == agent_id)))


def _is_new(agent_id: int) -> sa.ColumnElement[bool]:
    said = sa.select(Comment.attempt_id).where(
        Comment.agent_id == agent_id, Comment.read_at.is_(None), Comment.author_id != Comment.agent_id
    )
    marked = sa.select(Score.attempt_id).where(Score.agent_id == agent_id, Score.read_at.is_(None))
    return Attempt.id.in_(said.union(marked))


def _owned(lines: Sequence[tuple[FinishedCard, bool]]) -> list[Own]:
    ids = [line.attempt.id for line, _ in lines]
    last = {
        row.Comment.attempt_id: (row.Comment.words, row.name, row.Comment.at)
        for row in db.session.execute(
            sa.select(Comment, User.name)
            .join(User, User.id == Comment.author_id)
            .where(Comment.attempt_id.in_(ids))
            .order_by(Comment.id)
        )
    }
    return [Own(line, *last.get(line.attempt.id, ("", "", line.attempt.at)), new) for line, new in lines]


@dataclass(frozen=True)
class UnreadReply:
    """An agent's words that no lead has read."""

    comment: Comment
    agent: str


def unread_answers(limit: int = 20) -> list[UnreadReply]:
    """Oldest first."""
    rows = db.session.execute(
        sa.select(Comment, User.name)
        .join(User, User.id == Comment.author_id)
        .where(Comment.read_at.is_(None), Comment.author_id == Comment.agent_id)
        .order_by(Comment.at)
        .limit(limit)
    )
    return [UnreadReply(*row) for row in rows]


def averages() -> list[tuple[str, marking.Average]]:
    """Every agent with marked cards in the last `AVERAGED`, by name: it is no ranking."""
    rows = db.session.execute(
        sa.select(User.id, User.name, Score.points)
        .join(User, User.id == Score.agent_id)
        .where(Score.marked_at >= clock.now() - AVERAGED, Score.points.is_not(None))
        .order_by(sa.func.lower(User.name), User.id)
    ).all()
    found: dict[int, tuple[str, list[int]]] = {}
    for row in rows:
        found.setdefault(row.id, (row.name, []))[1].append(row.points)
    return [(name, marking.average(points)) for name, points in found.values()]


def average_of(agent_id: int) -> marking.Average:
    """The agent's own."""
    theirs = sa.and_(Score.agent_id == agent_id, Score.marked_at >= clock.now() - AVERAGED)
    points = db.session.scalars(sa.select(Score.points).where(theirs)).all()
    return marking.average([each for each in points if each is not None])


def agents() -> list[User]:
    """Everybody whose calls can be read, by name."""
    who = sa.select(User).where(User.role.in_(AT_WORK)).order_by(sa.func.lower(User.name), User.id)
    return list(db.session.scalars(who))


def current_scorecard() -> Scorecard:
    """What cards are marked by now: the newest version, or the defaults as they will be kept at their first use."""
    newest = db.session.scalar(sa.select(Scorecard).order_by(Scorecard.number.desc()).limit(1))
    return newest or Scorecard(number=1, made_by="default", questions=defaults.questions())


def scorecards() -> list[Scorecard]:
    """Every version, newest first."""
    return list(db.session.scalars(sa.select(Scorecard).order_by(Scorecard.number.desc())))
