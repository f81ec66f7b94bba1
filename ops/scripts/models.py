"""What agents say and what texts and mails say, in numbered versions."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, closed_set

Moment = sa.DateTime(timezone=True)


class Medium(StrEnum):
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"


class VersionState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class Script(Base):
    """What is said for one kind of work over one medium: the agency's (practice_id NULL) or one practice's own."""

    __tablename__ = "scripts"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int | None] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"))
    kind: Mapped[str]
    medium: Mapped[Medium] = mapped_column(closed_set(Medium, "medium"))
    name: Mapped[str]
    versions: Mapped[list["ScriptVersion"]] = relationship(order_by="ScriptVersion.number", back_populates="script")

    __table_args__ = (sa.Index("uq_scripts_kind", sa.text("coalesce(practice_id, 0)"), "kind", "medium", unique=True),)


class ScriptVersion(Base):
    """One version of a script; what was said to a patient points at it for ever."""

    __tablename__ = "script_versions"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    script_id: Mapped[int] = mapped_column(sa.ForeignKey("scripts.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[VersionState] = mapped_column(closed_set(VersionState, "state"))
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    """Liquid with the variables of the allow-list only; Markdown for calls, plain text for texts and mails."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[str]
    published_at: Mapped[datetime | None] = mapped_column(Moment)
    script: Mapped[Script] = relationship(back_populates="versions")

    __table_args__ = (
        sa.UniqueConstraint("script_id", "number"),
        sa.Index(
            "uq_script_versions_published", "script_id", unique=True, postgresql_where=sa.text("state = 'published'")
        ),
    )
