"""What the running system knows of itself: periodic work, and which key its hashes were made with."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment


class Tick(Base):
    """The last time each piece of periodic work ran."""

    __tablename__ = "ticks"
    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    problem: Mapped[str | None]


class Installation(Base):
    """One row: the fingerprint of the key that `contact_key` hashes with, so that a node with another key refuses to
    start."""

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True)
    pepper_fingerprint: Mapped[str]
    demo_state: Mapped[str | None]
    """None: no demo; "building", "ready"."""
    clock_offset_minutes: Mapped[int | None]
    """CLOCK_OFFSET_MINUTES of the web that started last: every process must have the same. None: none ever started."""

    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)
