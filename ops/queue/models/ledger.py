"""Who is owed how much, and what is open when."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment, closed_set
from ops.work.kinds import Kind


class Share(Base):
    """What a practice bought and got: minutes charged, and the virtual time that says who is owed most.

    `virtual_time` is minutes charged divided by contract hours, started level with the others when the practice joins
    or comes back, so that nobody enters with a jump. The practice with the smallest is owed most.
    """

    __tablename__ = "shares"
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), primary_key=True)
    hours: Mapped[Decimal] = mapped_column(sa.Numeric(7, 2))
    """Contract hours per month in force; 0 without a contract (served last)."""
    weight: Mapped[Decimal] = mapped_column(sa.Numeric(4, 2), default=1)
    """A lead's hand on the scale, 0.1 to 5: 2 serves the practice as if it had bought twice its hours."""
    virtual_time: Mapped[float] = mapped_column(default=0.0)
    served_at: Mapped[datetime | None] = mapped_column(Moment)
    """When it was last its turn (promises come out of turn)."""
    minutes_charged: Mapped[Decimal] = mapped_column(sa.Numeric(12, 2), default=0)
    lanes: Mapped[list[int]] = mapped_column(ARRAY(sa.Integer), default=list)
    """The lanes with offered tasks that are not promises; kept by whoever adds work, cleared by who finds one dry."""
    open_lanes: Mapped[list[int]] = mapped_column(ARRAY(sa.Integer), default=list)
    """Those of them whose window is open, while practice and kind are not paused."""
    has_work: Mapped[bool] = mapped_column(sa.Computed("lanes <> '{}'", persisted=True))
    has_open: Mapped[bool] = mapped_column(sa.Computed("open_lanes <> '{}'", persisted=True))

    __table_args__ = (
        sa.Index("ix_shares_owed", "virtual_time", "practice_id", postgresql_where=sa.text("has_open")),
        sa.CheckConstraint("hours >= 0", name="hours_not_negative"),
        sa.CheckConstraint("weight BETWEEN 0.1 AND 5", name="weight_range"),
    )


class Lane(Base):
    """Tasks that open and shut together: one window group, one language, one kind of work. Never deleted.

    `places` are those of one member of the group, from which its window follows; `opens_at` and `closes_at` the window
    that is open or comes next, both None when there is none within 14 days.
    """

    __tablename__ = "lanes"
    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    window_group: Mapped[str]
    language: Mapped[str]
    kind: Mapped[Kind] = mapped_column(closed_set(Kind, "kind"))
    places: Mapped[list] = mapped_column(JSONB)
    rules_version: Mapped[str]
    opens_at: Mapped[datetime | None] = mapped_column(Moment)
    closes_at: Mapped[datetime | None] = mapped_column(Moment)
    looked_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (sa.UniqueConstraint("window_group", "language", "kind"),)


class KindPause(Base):
    """A lead paused this kind of work for this practice; nothing of it is offered, promises included."""

    __tablename__ = "kind_pauses"
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Kind] = mapped_column(closed_set(Kind, "kind"), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)
    paused_by: Mapped[str]
    reason: Mapped[str]
