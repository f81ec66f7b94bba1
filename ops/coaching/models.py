"""What a lead says about finished work: comments, scorecards and their marks."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, Moment, closed_set

LEAST_WEIGHT, MOST_WEIGHT = 1, 10


class Mark(StrEnum):
    MET = "met"
    PARTLY = "partly"
    MISSED = "missed"
    NOT_APPLICABLE = "not_applicable"


class Comment(Base):
    """One turn of what lead and agent say to each other about a finished card."""

    __tablename__ = "coaching_comments"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempts.id", ondelete="CASCADE"), index=True)
    agent_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    """Whose card it is: what is unread for them is found by this alone."""
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    words: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment)
    read_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the other side read it: the agent a lead's words, any lead the agent's answer."""

    __table_args__ = (
        sa.Index(
            "ix_coaching_comments_unread",
            "agent_id",
            postgresql_where=sa.text("read_at IS NULL AND author_id <> agent_id"),
        ),
        sa.Index(
            "ix_coaching_comments_unread_answers",
            "at",
            postgresql_where=sa.text("read_at IS NULL AND author_id = agent_id"),
        ),
        sa.Index(None, "agent_id", "at"),
    )


class Scorecard(Base):
    """The questions cards are marked by, in numbered versions: a change makes a new one, and old scores keep theirs."""

    __tablename__ = "scorecards"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    made_at: Mapped[datetime] = mapped_column(Moment)
    made_by: Mapped[str]
    questions: Mapped[list["Question"]] = relationship(order_by="Question.position", back_populates="scorecard")


class Question(Base):
    """One question of one version."""

    __tablename__ = "scorecard_questions"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    scorecard_id: Mapped[int] = mapped_column(sa.ForeignKey("scorecards.id", ondelete="CASCADE"))
    position: Mapped[int]
    words: Mapped[str]
    weight: Mapped[int]
    critical: Mapped[bool]
    """Missed: the whole card counts 0."""
    scorecard: Mapped[Scorecard] = relationship(back_populates="questions")

    __table_args__ = (
        sa.UniqueConstraint("scorecard_id", "position"),
        sa.UniqueConstraint("scorecard_id", "id"),
        sa.CheckConstraint(f"weight BETWEEN {LEAST_WEIGHT} AND {MOST_WEIGHT}", name="weight_range"),
    )


class Score(Base):
    """One finished card marked by one version of the scorecard. Marked again, it is changed (the audit keeps both)."""

    __tablename__ = "scores"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempts.id", ondelete="CASCADE"), unique=True)
    agent_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    scorecard_id: Mapped[int] = mapped_column(sa.ForeignKey("scorecards.id"))
    points: Mapped[int | None]
    """0 to 100 as `marking.points` gives it; None: no question applied."""
    marked_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    marked_at: Mapped[datetime] = mapped_column(Moment)
    read_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the agent read it."""
    marks: Mapped[list["ScoreMark"]] = relationship(cascade="all, delete-orphan")

    __table_args__ = (
        sa.UniqueConstraint("id", "scorecard_id"),
        sa.CheckConstraint("points BETWEEN 0 AND 100", name="points_range"),
        sa.Index("ix_scores_unread", "agent_id", postgresql_where=sa.text("read_at IS NULL")),
        sa.Index(None, "agent_id", "marked_at"),
    )


class ScoreMark(Base):
    """How one question was met."""

    __tablename__ = "score_marks"
    score_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    question_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    scorecard_id: Mapped[int] = mapped_column(sa.BigInteger)
    mark: Mapped[Mark] = mapped_column(closed_set(Mark, "mark"))

    __table_args__ = (
        # the question belongs to the version the card was marked by
        sa.ForeignKeyConstraint(["score_id", "scorecard_id"], ["scores.id", "scores.scorecard_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["scorecard_id", "question_id"], ["scorecard_questions.scorecard_id", "scorecard_questions.id"]
        ),
    )
