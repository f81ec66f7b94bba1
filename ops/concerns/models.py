"""Somebody was not happy: told to leads and to the practice at once, kept until it is settled."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment


class Concern(Base):
    """What a patient, or a friend they sent, was not happy about. Open until a lead says what was done.

    It belongs to the call it was heard in and goes with it when that outcome is taken back.
    """

    __tablename__ = "concerns"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int] = mapped_column(sa.BigInteger)
    task_id: Mapped[int] = mapped_column(sa.BigInteger)
    attempt_id: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    words: Mapped[str]
    """The agent's note; may be empty."""
    raised_at: Mapped[datetime] = mapped_column(Moment)
    raised_by: Mapped[str]
    seen_at: Mapped[datetime | None] = mapped_column(Moment)
    """When a lead said that they have it."""
    seen_by: Mapped[str | None]
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the practice wrote back what it did."""
    answered_by: Mapped[str | None]
    answer: Mapped[str | None]
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_by: Mapped[str | None]
    done: Mapped[str | None]
    """What was done about it, as the lead who settled it says."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "task_id"], ["tasks.practice_id", "tasks.id"]),
        sa.ForeignKeyConstraint(
            ["practice_id", "attempt_id"], ["attempts.practice_id", "attempts.id"], ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "(seen_at IS NULL) = (seen_by IS NULL) AND (settled_at IS NULL OR seen_at IS NOT NULL)",
            name="settled_was_seen",
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer IS NULL) AND (answered_at IS NULL) = (answered_by IS NULL)",
            name="answer_has_words",
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (done IS NULL) AND (settled_at IS NULL) = (settled_by IS NULL)",
            name="settled_has_words",
        ),
        sa.Index("ix_concerns_open", "seen_at", postgresql_where=sa.text("settled_at IS NULL")),
        sa.Index("ix_concerns_listed", sa.text("(settled_at IS NULL)"), "raised_at", "id"),
        sa.Index(None, "practice_id", "raised_at"),
        sa.Index(None, "patient_id"),
    )
