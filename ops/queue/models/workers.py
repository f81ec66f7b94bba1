"""Who may work what."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base
from ops.queue.models.ledger import Moment


class AgentProfile(Base):
    """What an agent may work. Without a row: every practice and kind, in English."""

    __tablename__ = "agent_profiles"
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    languages: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    kinds: Mapped[list[str] | None] = mapped_column(ARRAY(sa.Text))
    """None: all of them."""
    everywhere: Mapped[bool]
    """Certified for every practice, new ones too; otherwise for those of the certifications."""

    __table_args__ = (sa.CheckConstraint("languages <> '{}'", name="speaks"),)


class Certification(Base):
    """This agent may work for this practice."""

    __tablename__ = "certifications"
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    practice_id: Mapped[int] = mapped_column(
        sa.ForeignKey("practices.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    certified_at: Mapped[datetime] = mapped_column(Moment)
    certified_by: Mapped[str]
