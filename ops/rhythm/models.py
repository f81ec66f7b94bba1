"""How the day of an agent goes: breaks, minutes that were put right, and what leads set for the desk."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment, closed_set


class BreakKind(StrEnum):
    BREAK = "break"
    LUNCH = "lunch"
    TRAINING = "training"
    DONE = "done"
    """Done for the day: ends when they are back, usually the next morning."""


class Break(Base):
    """A time in which an agent takes no tasks."""

    __tablename__ = "breaks"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[BreakKind] = mapped_column(closed_set(BreakKind, "kind"))
    started_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        sa.CheckConstraint("ended_at >= started_at", name="ends_after_start"),
        sa.Index("uq_breaks_open", "user_id", unique=True, postgresql_where=sa.text("ended_at IS NULL")),
        sa.Index(None, "user_id", "started_at"),
    )


class MinuteCorrection(Base):
    """The minutes of an attempt were put right, and why. Never changed; undone by another one."""

    __tablename__ = "minute_corrections"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempts.id", ondelete="CASCADE"), index=True)
    before: Mapped[Decimal] = mapped_column(sa.Numeric(6, 2))
    after: Mapped[Decimal] = mapped_column(sa.Numeric(6, 2))
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    actor: Mapped[str]

    __table_args__ = (
        sa.CheckConstraint("after BETWEEN 0 AND 60", name="after_range"),
        sa.CheckConstraint("before <> after", name="changes_something"),
        sa.CheckConstraint("reason <> ''", name="has_reason"),
    )


class WrapUp(StrEnum):
    """What follows a call, before the next card."""

    OPEN = "open"
    """As long as it takes."""
    TIMED = "timed"
    """So many seconds; then the card says that they are over, and the lead sees it."""
    NEXT = "next"
    """No pause: the outcome brings the next card."""
    ASK = "ask"
    """The desk asks before it brings the next card."""


class DeskSettings(Base):
    """What leads set for everybody's desk; one row, or none where nobody set anything."""

    __tablename__ = "desk_settings"
    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    wrap_up: Mapped[WrapUp] = mapped_column(closed_set(WrapUp, "wrap_up"))
    wrap_up_seconds: Mapped[int]
    """Of the timed mode; kept while another one is chosen."""
    idle_seconds: Mapped[int]
    """Nobody touches the page for so long and no call runs: nobody is there."""
    unused_numbers: Mapped[int] = mapped_column(server_default=sa.text("12"))
    """So many numbers is somebody shown within an hour without recording an outcome for them."""
    numbers_an_hour: Mapped[int] = mapped_column(server_default=sa.text("90"))
    """So many in all."""

    __table_args__ = (
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.CheckConstraint("wrap_up_seconds BETWEEN 15 AND 600", name="wrap_up_range"),
        sa.CheckConstraint("idle_seconds BETWEEN 30 AND 900", name="idle_range"),
        sa.CheckConstraint("unused_numbers BETWEEN 3 AND 60", name="unused_numbers_range"),
        sa.CheckConstraint("numbers_an_hour BETWEEN 10 AND 300", name="numbers_an_hour_range"),
    )
