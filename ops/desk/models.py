"""How people set up the desk."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base


class DeskKeys(Base):
    """An agent's own keys; without a row each is as it is printed. Whether single keys work at all is on the user."""

    __tablename__ = "desk_keys"
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    keys: Mapped[dict[str, str]] = mapped_column(JSONB)
    """Only what differs from the printed key: the name of an action -> its key."""
    dials: Mapped[bool]
    """Showing the number dials it at once: for whoever has a telephone on this machine."""
