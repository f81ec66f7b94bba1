"""What agents say and what texts and emails say, in numbered versions; who approved them, and what is tried out."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, Moment, closed_set


class Medium(StrEnum):
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"


class VersionState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class Variant(StrEnum):
    """Which of two published texts: A is said to everybody, unless an experiment splits the patients."""

    A = "a"
    B = "b"


class Ending(StrEnum):
    KEPT_A = "kept_a"
    TOOK_B = "took_b"


class ApprovalAnswer(StrEnum):
    APPROVED = "approved"
    CHANGE = "change"


class Script(Base):
    """What is said for one kind of work over one medium: the agency's (practice_id NULL) or one practice's own."""

    __tablename__ = "scripts"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int | None] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"))
    kind: Mapped[str]
    medium: Mapped[Medium] = mapped_column(closed_set(Medium, "medium"))
    name: Mapped[str]
    experiment_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The running experiment, which salts the split of the patients. Here, on the row the claim reads anyway (and no
    foreign key, since experiments point at scripts)."""
    versions: Mapped[list["ScriptVersion"]] = relationship(order_by="ScriptVersion.number", back_populates="script")

    __table_args__ = (sa.Index("uq_scripts_kind", sa.text("coalesce(practice_id, 0)"), "kind", "medium", unique=True),)


class ScriptVersion(Base):
    """One version of a script; what was said to a patient points at it for ever.

    draft -> published -> retired; a draft that was set aside is retired and was never published. Only the text of a
    draft changes, and `revision` counts how often, so that two people do not write over each other.
    """

    __tablename__ = "script_versions"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    script_id: Mapped[int] = mapped_column(sa.ForeignKey("scripts.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[VersionState] = mapped_column(closed_set(VersionState, "state"))
    variant: Mapped[Variant] = mapped_column(
        closed_set(Variant, "variant"), default=Variant.A, server_default=sa.text("'a'")
    )
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    """Liquid with the variables of the allow-list only; Markdown for calls, plain text for texts and emails."""
    note: Mapped[str] = mapped_column(default="", server_default=sa.text("''"))
    """What changed, in the words of whoever wrote it."""
    revision: Mapped[int] = mapped_column(default=1, server_default=sa.text("1"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[str]
    edited_at: Mapped[datetime | None] = mapped_column(Moment)
    edited_by: Mapped[str | None]
    published_at: Mapped[datetime | None] = mapped_column(Moment)
    published_by: Mapped[str | None]
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    retired_by: Mapped[str | None]
    script: Mapped[Script] = relationship(back_populates="versions")

    __table_args__ = (
        sa.UniqueConstraint("script_id", "number"),
        sa.UniqueConstraint("script_id", "id"),
        sa.Index(
            "uq_script_versions_published",
            "script_id",
            "variant",
            unique=True,
            postgresql_where=sa.text("state = 'published'"),
        ),
        sa.Index("uq_script_versions_draft", "script_id", unique=True, postgresql_where=sa.text("state = 'draft'")),
    )

    @property
    def is_published(self) -> bool:
        return self.state is VersionState.PUBLISHED

    @property
    def is_draft(self) -> bool:
        return self.state is VersionState.DRAFT

    @property
    def may_be_restored(self) -> bool:
        """Whether a new draft may be made of it."""
        return self.state is VersionState.RETIRED


class ScriptApproval(Base):
    """A practice was asked whether this is what may be said in its name, and its answer (by which `ApprovalLink`)."""

    __tablename__ = "script_approvals"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), index=True)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("script_versions.id", ondelete="CASCADE"), index=True)
    text_hash: Mapped[bytes]
    """SHA-256 of the text that was shown: an answer counts for this text and no other."""
    asked_at: Mapped[datetime] = mapped_column(Moment)
    asked_by: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    answer: Mapped[ApprovalAnswer | None] = mapped_column(closed_set(ApprovalAnswer, "answer"))
    answered_name: Mapped[str] = mapped_column(default="", server_default=sa.text("''"))
    """As typed by whoever answered: the link is not a sign-in."""
    words: Mapped[str] = mapped_column(default="", server_default=sa.text("''"))

    __table_args__ = (
        sa.UniqueConstraint("practice_id", "id"),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answer_has_time"),
    )

    @property
    def is_yes(self) -> bool:
        return self.answer is ApprovalAnswer.APPROVED

    @property
    def asks_for_change(self) -> bool:
        return self.answer is ApprovalAnswer.CHANGE


class ApprovalLink(Base):
    """The link one person of a practice was sent to answer a request by; and, when they did, from where.

    Made when its email is claimed, so that nobody else ever sees it: of the token the database keeps the hash.
    """

    __tablename__ = "script_approval_links"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    approval_id: Mapped[int] = mapped_column(sa.BigInteger)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    email: Mapped[str]
    """Where it was sent, at that time."""
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    sent_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the answer came by it."""
    address: Mapped[str | None]
    browser: Mapped[str | None]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["practice_id", "approval_id"], ["script_approvals.practice_id", "script_approvals.id"], ondelete="CASCADE"
        ),
        sa.UniqueConstraint("approval_id", "user_id"),
        sa.Index(
            "uq_script_approval_links_used", "approval_id", unique=True, postgresql_where=sa.text("used_at IS NOT NULL")
        ),
    )


class ApprovalRule(Base):
    """A practice whose own scripts are used only after it approved them: a row says yes, none says no."""

    __tablename__ = "script_approval_rules"
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)
    set_by: Mapped[str]


class ScriptExperiment(Base):
    """Version A against version B of one script, split by patient within each practice."""

    __tablename__ = "script_experiments"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    script_id: Mapped[int] = mapped_column(sa.ForeignKey("scripts.id", ondelete="CASCADE"))
    a_version_id: Mapped[int] = mapped_column(sa.BigInteger)
    b_version_id: Mapped[int] = mapped_column(sa.BigInteger)
    baseline: Mapped[Decimal] = mapped_column(sa.Numeric(4, 3))
    """The share of A that was expected, 0 to 1."""
    difference: Mapped[Decimal] = mapped_column(sa.Numeric(4, 3))
    """The smallest difference worth knowing, 0 to 1."""
    planned_answers: Mapped[int]
    """Per variant, before anything is concluded."""
    started_at: Mapped[datetime] = mapped_column(Moment)
    started_by: Mapped[str]
    stopped_at: Mapped[datetime | None] = mapped_column(Moment)
    stopped_by: Mapped[str | None]
    ending: Mapped[Ending | None] = mapped_column(closed_set(Ending, "ending"))

    __table_args__ = (
        *(
            sa.ForeignKeyConstraint(
                ["script_id", f"{which}_version_id"],
                ["script_versions.script_id", "script_versions.id"],
                ondelete="CASCADE",
            )
            for which in Variant
        ),
        sa.CheckConstraint("(stopped_at IS NULL) = (ending IS NULL)", name="stopped_has_ending"),
        sa.CheckConstraint("planned_answers > 0", name="planned_positive"),
        sa.Index(
            "uq_script_experiments_running", "script_id", unique=True, postgresql_where=sa.text("stopped_at IS NULL")
        ),
        sa.Index(None, "script_id"),
    )
