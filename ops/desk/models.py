"""How people set up the desk, and who wanted to see more numbers than anybody calls."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment, closed_set


class Ring(StrEnum):
    """How an idle desk calls its agent when there is work, or a call they promised is due."""

    SOUND = "sound"
    TITLE = "title"
    NOTHING = "nothing"


class DeskKeys(Base):
    """An agent's own desk: keys, number, ring; without a row it is as it comes. Whether single keys work at all is on
    the user."""

    __tablename__ = "desk_keys"
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    keys: Mapped[dict[str, str]] = mapped_column(JSONB)
    """Only what differs from the printed key: the name of an action -> its key."""
    dials: Mapped[bool]
    """Showing the number dials it at once: for whoever has a telephone on this machine."""
    ring: Mapped[Ring] = mapped_column(closed_set(Ring, "ring"), default=Ring.SOUND)


class NumberStop(Base):
    """Somebody was shown no more numbers for a while; their leads are told, once an hour."""

    __tablename__ = "number_stops"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    shown: Mapped[int]
    """How many people's numbers and addresses they were shown in the hour before."""
    unused: Mapped[int]
    """Of how many of those they recorded no call or other outcome."""

    __table_args__ = (sa.Index(None, "user_id", "at"), sa.Index(None, "at"))
