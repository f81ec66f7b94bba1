"""Whom we must not contact, who agreed to what, whom we did contact, and every answer of the gate."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment, closed_set


class SuppressedChannel(StrEnum):
    ALL = "all"
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"


class Lifted(StrEnum):
    """Why a suppression does not stand any more."""

    MISTAKE = "mistake"
    """One of us entered it, and should not have."""
    AGREED = "agreed"
    """They have agreed anew since, themself."""


class Suppression(Base):
    """A number or address that must not be contacted, for one practice or (practice_id NULL) by anyone. Never
    deleted, but by the agent who recorded it by a slip, within the minute (`ops.desk.actions.undoing`); lifted only as
    `ops.contact.lifting` says, and kept."""

    __tablename__ = "suppressions"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    contact_key: Mapped[bytes]
    """`crypto.contact_key` of the number or email address."""
    practice_id: Mapped[int | None] = mapped_column(sa.ForeignKey("practices.id"))
    channel: Mapped[SuppressedChannel] = mapped_column(closed_set(SuppressedChannel, "channel"))
    reason: Mapped[str]
    """A reason code of the gate: DNC_INTERNAL, DNC_AGENCY, STOP_SMS, UNSUB_EMAIL, WRONG_PERSON, COMPLAINT, …"""
    source: Mapped[str]
    """Where it came from: "import 12, column dnd", "said to an agent", "reply STOP"."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[str]
    occasion: Mapped[str] = mapped_column(default="", server_default="")
    """When one of us entered it: "task:7:2", "reply:12", "record:…". Each has rows of its own, so that a wrong one is
    lifted and nobody else's no with it. "" for files and machines, where the same said twice is one row."""
    words: Mapped[str | None]
    """The person's own, where somebody wrote them down."""
    lifted_at: Mapped[datetime | None] = mapped_column(Moment)
    lifted_by: Mapped[str | None]
    lifted_why: Mapped[Lifted | None] = mapped_column(closed_set(Lifted, "lifted_why"))
    lifted_words: Mapped[str | None]
    """What was wrong, or how they agreed."""

    __table_args__ = (
        sa.Index(
            "uq_suppressions_key",
            "contact_key",
            sa.text("coalesce(practice_id, 0)"),
            "channel",
            "reason",
            "occasion",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
        sa.Index(None, "contact_key"),
        sa.CheckConstraint(
            "num_nulls(lifted_at, lifted_by, lifted_why, lifted_words) IN (0, 4)", name="lifted_has_words"
        ),
        sa.CheckConstraint("lifted_why <> 'mistake' OR occasion <> ''", name="mistake_of_a_person"),
    )


class ConsentEvent(Base):
    """Someone agreed to, or took back, being contacted. Append only (docs/rules.md A3)."""

    __tablename__ = "consent_events"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id"), index=True)
    contact_key: Mapped[bytes]
    person: Mapped[str]
    """patient:ID or referral:ID."""
    channel: Mapped[str]
    purpose: Mapped[str]
    given: Mapped[bool]
    how: Mapped[str]
    """How it was given: "said to the agent on the call", "form", …"""
    words: Mapped[str]
    """What was said or shown to them, verbatim."""
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str]

    __table_args__ = (sa.Index(None, "contact_key", "practice_id"),)


class ContactAttempt(Base):
    """One call or text to a number, whichever practice it was for: what the 24-hour cap counts."""

    __tablename__ = "contact_attempts"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    contact_key: Mapped[bytes]
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id"))
    channel: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment)
    attempt_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The attempt of an outcome (no foreign key: one that is taken back is deleted, and then this counts no more)."""

    __table_args__ = (sa.Index(None, "contact_key", "at"),)


class GateDecision(Base):
    """One answer of the gate with all it was asked, so that it can be asked again years later."""

    __tablename__ = "gate_decisions"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    subject: Mapped[str]
    """task:ID or message:ID."""
    allow: Mapped[bool]
    reasons: Mapped[list[str]] = mapped_column(JSONB)
    facts: Mapped[dict] = mapped_column(JSONB)
    rules_version: Mapped[str]

    __table_args__ = (sa.Index(None, "subject"),)
