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
    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempts.id", ondelete="CASCADE"), unique=True)
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


class ConcernMail(Base):
    """One mail about a concern to one person. Claimed before it is handed to the mail server and never claimed twice
    unless it certainly did not leave: claimed and not sent means that nobody knows."""

    __tablename__ = "concern_mails"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    concern_id: Mapped[int] = mapped_column(sa.ForeignKey("concerns.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime] = mapped_column(Moment)
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    problem: Mapped[str | None]
    """Why it did not leave, or may not have."""
    given_up: Mapped[bool] = mapped_column(default=False)
    """It certainly did not leave and is not tried again."""

    __table_args__ = (
        sa.UniqueConstraint("concern_id", "user_id"),
        sa.CheckConstraint("sent_at IS NULL OR claimed_at IS NOT NULL", name="sent_was_claimed"),
        sa.CheckConstraint("NOT given_up OR claimed_at IS NULL", name="given_up_did_not_leave"),
        sa.Index("ix_concern_mails_due", "made_at", postgresql_where=sa.text("claimed_at IS NULL AND NOT given_up")),
    )
