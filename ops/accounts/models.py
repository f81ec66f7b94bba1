"""People who sign in, what lets them in, and the append-only record of who changed and who read what."""

import uuid
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column, relationship

from ops.db import Base, Moment, closed_set
from ops.work.reads import OF_FILES, WITH_SUBJECT, ReadOf


class Role(StrEnum):
    AGENT = "agent"
    LEAD = "lead"
    ADMIN = "admin"
    MEMBER = "member"


class LinkPurpose(StrEnum):
    INVITE = "invite"
    RESET = "reset"


class User(Base):
    """Someone who signs in. `role` decides what is open to them; a member sees the practices of their memberships."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(closed_set(Role, "role"))
    password_hash: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    single_keys: Mapped[bool] = mapped_column(default=True)
    zone: Mapped[str | None]
    """In whose time moments are shown to them; of their first browser until they choose. None: `ops.zones.AT_HOME`."""
    memberships: Mapped[list["Membership"]] = relationship(back_populates="user", cascade="all, delete-orphan")

    __table_args__ = (sa.CheckConstraint("email = lower(email)", name="email_lower"),)

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def is_anonymous(self) -> bool:
        return False

    def get_id(self) -> str:
        return str(self.id)

    @property
    def is_lead(self) -> bool:
        return self.role is Role.LEAD

    @property
    def is_member(self) -> bool:
        return self.role is Role.MEMBER

    @property
    def actor(self) -> str:
        """How the audit log names this person."""
        return f"user:{self.id}"


class Membership(Base):
    """A practice member's practice."""

    __tablename__ = "memberships"
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), primary_key=True)
    granted_at: Mapped[datetime] = mapped_column(Moment)
    user: Mapped[User] = relationship(back_populates="memberships")

    __table_args__ = (sa.Index(None, "practice_id"),)


class SignInTries(Base):
    """Tries to sign in to one account from one source (a stranger's address, or a browser the account knows) since the
    last right password."""

    __tablename__ = "sign_in_tries"
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    known: Mapped[bool]
    failed: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(Moment)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
    """Until then no try of this source is looked at."""

    __table_args__ = (sa.CheckConstraint("failed >= 1", name="failed"),)


class AuthSession(Base):
    """One sign-in on one browser. The cookie holds the token; this row holds its hash and can be revoked."""

    __tablename__ = "auth_sessions"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_why: Mapped[str | None]
    address: Mapped[str | None]
    browser: Mapped[str | None]
    user: Mapped[User] = relationship()


class AccountLink(Base):
    """An invitation or password reset: works once, until it expires.

    Of a link that is to be emailed (`ops/mail`) nobody knows a token until its email is claimed, so that no queue ever
    holds one. Where no email server is set the row only says that somebody waits for a link.
    """

    __tablename__ = "account_links"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[LinkPurpose] = mapped_column(closed_set(LinkPurpose, "purpose"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class AuditEntry(Base):
    """One changed row, written by a trigger with the transaction's actor. Nothing can change or delete an entry."""

    __tablename__ = "audit_log"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, server_default=sa.text("clock_timestamp()"))
    actor: Mapped[str]
    change: Mapped[str]
    table_name: Mapped[str]
    row_id: Mapped[str]
    practice_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    before: Mapped[dict | None] = mapped_column(JSONB)
    after: Mapped[dict | None] = mapped_column(JSONB)
    reason: Mapped[str | None]
    """Why, where whoever changed it had to say so (`ops.floor.actions.because`)."""

    __table_args__ = (sa.Index(None, "table_name", "row_id"), sa.Index(None, "practice_id", "at"))


class PatientRead(Base):
    """Somebody looked at a patient's data: who, which, where and when (docs/rules.md A12, audit controls)."""

    __tablename__ = "patient_reads"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """Empty for rows of files, which are of nobody yet, and for messages to a friend, who is no patient."""
    what: Mapped[ReadOf] = mapped_column(closed_set(ReadOf, "what"))
    subject_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The task, concern, attempt, import, row or file it was about (no foreign key: the log outlives them)."""
    month: Mapped[date | None]
    """The first day of the month of a report."""
    shown_key: Mapped[bytes | None]
    """`crypto.contact_key` of the number or address that was shown; by the time of the outcome it may be another."""

    __table_args__ = (
        sa.Index(None, "practice_id", "patient_id", "at"),
        sa.Index("ix_patient_reads_shown", "user_id", "at", postgresql_where=sa.text("what IN ('number', 'address')")),
        sa.CheckConstraint(
            f"(what IN ({', '.join(repr(what.value) for what in WITH_SUBJECT)})) = (subject_id IS NOT NULL)",
            name="what_has_subject",
        ),
        sa.CheckConstraint("(what = 'report') = (month IS NOT NULL)", name="report_has_month"),
        sa.CheckConstraint(
            f"CASE WHEN what IN ({', '.join(repr(what.value) for what in OF_FILES)}) THEN patient_id IS NULL "
            "ELSE patient_id IS NOT NULL OR (what IN ('messages', 'listed') AND shown_key IS NOT NULL) END",
            name="read_is_of_somebody",
        ),
    )

    @classmethod
    def shows(
        cls, what: ReadOf, subject_id: int | sa.ColumnElement[int] | InstrumentedAttribute[int]
    ) -> sa.ColumnElement[bool]:
        """Whether a row is a look at this of this task, concern or attempt."""
        return sa.and_(cls.what == what, cls.subject_id == subject_id)
