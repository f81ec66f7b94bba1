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


class NotOffered(Base):
    """What an agent is never offered again, because they said so when they skipped a card (`ops.work.skips`): the task;
    and where they know whom it is about, all of the record `patient_id` and all about the number `person_key`."""

    __tablename__ = "not_offered"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    task_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    person_key: Mapped[bytes | None]
    at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "task_id"], ["tasks.practice_id", "tasks.id"]),
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
    )


class Certification(Base):
    """This agent may work for this practice."""

    __tablename__ = "certifications"
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    practice_id: Mapped[int] = mapped_column(
        sa.ForeignKey("practices.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    certified_at: Mapped[datetime] = mapped_column(Moment)
    certified_by: Mapped[str]
