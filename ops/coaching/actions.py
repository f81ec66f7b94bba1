"""What leads and agents do with finished cards: comment, answer, read, mark, and change what is marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.coaching import defaults, marking
from ops.coaching.models import LEAST_WEIGHT, MOST_WEIGHT, Comment, Mark, Question, Score, Scorecard, ScoreMark
from ops.db import db
from ops.errors import Refused
from ops.queue.models import Attempt

LOCK = 7_034_011
LONGEST_COMMENT = 20_000
LONGEST_QUESTION = 500
MOST_QUESTIONS = 20


def comment(attempt_id: int, words: str, author: User) -> Comment:
    """Say something about a finished card. Whoever writes has read what the other side wrote. Raises Refused without
    words, or when the card is gone."""
    attempt = _attempt(attempt_id)
    if not words.strip():
        raise Refused("Please write something first.")
    if len(words) > LONGEST_COMMENT:
        raise Refused(f"Please say it in at most {LONGEST_COMMENT:,} characters.")
    said = Comment(
        attempt_id=attempt.id, agent_id=attempt.agent_id, author_id=author.id, words=words.strip(), at=clock.now()
    )
    read(attempt_id, author)
    db.session.add(said)
    db.session.flush()
    return said


def _attempt(attempt_id: int) -> Attempt:
    # held, so that it is not taken back while something is written about it
    attempt = db.session.get(Attempt, attempt_id, with_for_update={"read": True})
    if attempt is None:
        raise Refused("This call is not there any more: its outcome was taken back.")
    return attempt


def read(attempt_id: int, reader: User) -> None:
    """The reader has read what the other side said about this card: the agent comments and score, a lead answers."""
    attempt = _attempt(attempt_id)
    agent = attempt.agent_id == reader.id
    others = Comment.author_id != Comment.agent_id if agent else Comment.author_id == Comment.agent_id
    unread = sa.update(Comment).where(Comment.attempt_id == attempt_id, Comment.read_at.is_(None), others)
    db.session.execute(unread.values(read_at=clock.now()))
    if agent:
        new = sa.update(Score).where(Score.attempt_id == attempt_id, Score.read_at.is_(None))
        db.session.execute(new.values(read_at=clock.now()))


def score(attempt_id: int, version: int, marks: Mapping[int, Mark], marker: User) -> Score:
    """Mark a finished card by a version of the scorecard; `marks` by the position of the question. Marked again, it is
    changed and counts as new for the agent. Raises Refused when a question has no mark, for one's own call, and when
    the card or the version is not there."""
    attempt = _attempt(attempt_id)
    if attempt.agent_id == marker.id:
        raise Refused("Your own calls are for somebody else to mark.")
    card = scorecard(version)
    if missing := [question.position for question in card.questions if question.position not in marks]:
        raise Refused(f"Please mark every question; without a mark: {', '.join(map(str, missing))}.")
    marked = [(question.weight, question.critical, marks[question.position]) for question in card.questions]
    db.session.execute(sa.delete(Score).where(Score.attempt_id == attempt_id))
    given = Score(
        attempt_id=attempt_id,
        agent_id=attempt.agent_id,
        scorecard_id=card.id,
        points=marking.points(marked),
        marked_by=marker.id,
        marked_at=clock.now(),
        marks=[
            ScoreMark(question_id=question.id, scorecard_id=card.id, mark=marks[question.position])
            for question in card.questions
        ],
    )
    db.session.add(given)
    db.session.flush()
    return given


def scorecard(version: int) -> Scorecard:
    """This version; the first one is made of the defaults when nobody has made any. Raises Refused for another."""
    db.session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    found = db.session.scalar(sa.select(Scorecard).where(Scorecard.number == version))
    if found:
        return found
    if version != 1:
        raise Refused("There is no such version of the scorecard. Reload the page.")
    return _add(1, defaults.questions(), "default")


@dataclass(frozen=True)
class Asked:
    """A question as it was typed."""

    words: str
    weight: int
    critical: bool


def edit_scorecard(of: int, asked: Sequence[Asked], actor: str) -> Scorecard:
    """Ask these questions from now on: a new version, unless nothing is different. `of`: the version that was changed.
    Raises Refused for questions that cannot be, and when somebody made another version meanwhile."""
    _check(asked)
    now = scorecard(of)
    newest = db.session.scalar(sa.select(sa.func.max(Scorecard.number)))
    if newest != of:
        raise Refused("Somebody changed the scorecard meanwhile. Copy your words, then reload the page.")
    if [Asked(one.words, one.weight, one.critical) for one in now.questions] == list(asked):
        return now
    questions = [
        Question(position=position, words=one.words, weight=one.weight, critical=one.critical)
        for position, one in enumerate(asked, 1)
    ]
    return _add(of + 1, questions, actor)


def _check(asked: Sequence[Asked]) -> None:
    if not asked:
        raise Refused("A scorecard needs at least one question.")
    if len(asked) > MOST_QUESTIONS:
        raise Refused(f"At most {MOST_QUESTIONS} questions; a longer card is not marked with care.")
    if any(len(one.words) > LONGEST_QUESTION for one in asked):
        raise Refused(f"A question has at most {LONGEST_QUESTION} characters.")
    if any(not LEAST_WEIGHT <= one.weight <= MOST_WEIGHT for one in asked):
        raise Refused(f"A weight is a whole number from {LEAST_WEIGHT} to {MOST_WEIGHT}.")
    if len({one.words.casefold() for one in asked}) < len(asked):
        raise Refused("The same question stands there twice.")


def _add(number: int, questions: list[Question], actor: str) -> Scorecard:
    card = Scorecard(number=number, made_at=clock.now(), made_by=actor, questions=questions)
    db.session.add(card)
    db.session.flush()
    return card
