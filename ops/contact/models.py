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
    """Someone agreed to, or took back, being contacted: themself, or (`file`) as a cell of their practice's file says.
    Append only (docs/rules.md A3), but that a file's yes ends, once.

    What a file says is evidence and opens nothing: whoever asks whether somebody agreed asks for `themself`.
    """

    __tablename__ = "consent_events"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id"))
    contact_key: Mapped[bytes | None]
    """The number or address it was said of. None: the file had none that we could read."""
    person: Mapped[str]
    """patient:ID or referral:ID."""
    channel: Mapped[str]
    purpose: Mapped[str]
    given: Mapped[bool]
    how: Mapped[str]
    """How it was given: "said to the agent on the call", "form", …"""
    words: Mapped[str]
    """What was said or shown to them, verbatim; of a file the cell."""
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str]
    patient_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """Whose row of a file it was. No foreign key: what they agreed to outlives the record (docs/rules.md A13)."""
    file: Mapped[str | None]
    """The name of the practice's file that first said so."""
    header: Mapped[str | None]
    """The column's, as it stands there: what they were asked."""
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    """When a later file of the practice did not say it any more."""
    wrong_at: Mapped[datetime | None] = mapped_column(Moment)
    """When a lead said that it never was a yes: the same words in the same column are none in any later file either."""
    ended_by: Mapped[str | None]
    ended_words: Mapped[str | None]
    """What was wrong, or the name of the later file."""

    __table_args__ = (
        sa.Index(
            "ix_consent_events_contact_key_practice_id",
            "contact_key",
            "practice_id",
            postgresql_where=sa.text("header IS NULL"),
        ),
        sa.Index(
            "ix_consent_events_practice_id_person", "practice_id", "person", postgresql_where=sa.text("header IS NULL")
        ),
        sa.Index(
            "uq_consent_events_of_a_file",
            "practice_id",
            "patient_id",
            "header",
            "channel",
            "words",
            "contact_key",
            "ended_at",
            unique=True,
            postgresql_where=sa.text("header IS NOT NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint("num_nulls(patient_id, file, header) IN (0, 3)", name="file_has_column"),
        sa.CheckConstraint("header IS NOT NULL OR contact_key IS NOT NULL", name="themself_by_number"),
        sa.CheckConstraint(
            "num_nonnulls(ended_at, wrong_at) = num_nonnulls(ended_by)"
            " AND num_nonnulls(ended_by) = num_nonnulls(ended_words)"
            " AND (ended_by IS NULL OR header IS NOT NULL)",
            name="ended_once_with_words",
        ),
    )

    @classmethod
    def themself(cls) -> sa.ColumnElement[bool]:
        """Whether they said it to us; else it is what their practice's file says of them."""
        return cls.header.is_(None)


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
