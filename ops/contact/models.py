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


class Suppression(Base):
    """A number or address that must not be contacted, for one practice or (practice_id NULL) by anyone. Never
    deleted, but by the agent who recorded it by a slip, within the minute (`ops.desk.actions.undoing`)."""

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

    __table_args__ = (
        sa.Index(
            "uq_suppressions_key",
            "contact_key",
            sa.text("coalesce(practice_id, 0)"),
            "channel",
            "reason",
            unique=True,
        ),
    )


class SuppressedAgain(Base):
    """The same was said again within minutes of the first time. The first may have been a slip that is taken back
    (`ops.desk.actions.undoing`); this row does not let it go."""

    __tablename__ = "suppressions_again"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    suppression_id: Mapped[int] = mapped_column(sa.ForeignKey("suppressions.id"), index=True)
    source: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str]


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
