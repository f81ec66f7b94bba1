"""How people set up the desk, and who wanted to see more numbers than anybody calls."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment


class DeskKeys(Base):
    """An agent's own keys; without a row each is as it is printed. Whether single keys work at all is on the user."""

    __tablename__ = "desk_keys"
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    keys: Mapped[dict[str, str]] = mapped_column(JSONB)
    """Only what differs from the printed key: the name of an action -> its key."""
    dials: Mapped[bool]
    """Showing the number dials it at once: for whoever has a telephone on this machine."""


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
