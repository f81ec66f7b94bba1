"""Texts and emails that leave the system, exactly as sent, and what became of each."""

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment, closed_set


class MessageChannel(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class MessageState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    ATTEMPTING = "attempting"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    """The gate said no for good (opted out, dead, …): it will never leave."""
    CANCELLED = "cancelled"
    """Nobody wants it to leave any more; the event says why."""


class Message(Base):
    """One message for one business reason. `reason_key` is unique for ever: one ask, one text."""

    __tablename__ = "messages"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    channel: Mapped[MessageChannel] = mapped_column(closed_set(MessageChannel, "channel"))
    kind: Mapped[str]
    reason_key: Mapped[str] = mapped_column(unique=True)
    to_address: Mapped[str]
    contact_key: Mapped[bytes]
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    script_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("script_versions.id"))
    state: Mapped[MessageState] = mapped_column(closed_set(MessageState, "state"), default=MessageState.QUEUED)
    send_after: Mapped[datetime] = mapped_column(Moment)
    """Not before this moment: when it was queued, or when its window opens."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    attempted_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    provider: Mapped[str | None]
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    block_reasons: Mapped[list[str] | None] = mapped_column(JSONB)
    filled_with: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    """The values its template was filled with; what the practice says of itself is looked up again when it leaves."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"]),
        sa.UniqueConstraint("practice_id", "id"),
        sa.Index("ix_messages_due", "send_after", postgresql_where=sa.text("state IN ('queued', 'claimed')")),
        sa.Index(
            "ix_messages_unsettled",
            "state",
            postgresql_where=sa.text("state IN ('claimed', 'attempting', 'unknown')"),
        ),
        # what a lead's board tells of notes that could not be sent: few among all messages
        sa.Index("ix_messages_not_sent", "settled_at", postgresql_where=sa.text("state IN ('failed', 'blocked')")),
        sa.Index(None, "created_at"),
        sa.Index(None, "practice_id", "created_at"),
        sa.Index(None, "patient_id"),
    )

    @property
    def is_unknown(self) -> bool:
        """Whether a person has to say if it left."""
        return self.state is MessageState.UNKNOWN

    @property
    def waits(self) -> bool:
        return self.state is MessageState.QUEUED

    @property
    def was_cancelled(self) -> bool:
        """Whether nobody wanted it to leave any more."""
        return self.state is MessageState.CANCELLED


class MessageEvent(Base):
    """One change of a message's state."""

    __tablename__ = "message_events"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    message_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[MessageState] = mapped_column(closed_set(MessageState, "state"))
    note: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]


class RecorderDelivery(Base):
    """What the recorder channel delivered: one row per message, as a phone or mailbox would hold it."""

    __tablename__ = "recorder_deliveries"
    message_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """No foreign key: the recorder plays a provider outside, which knows our reference and nothing else."""
    to_address: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    delivered_at: Mapped[datetime] = mapped_column(Moment)


class UnreadKey(Base):
    """A number or address of somebody who wrote what nobody has read (`reply_id`), or of whom a file said what nobody
    has understood (`row_id`). Triggers keep these rows (unread.sql)."""

    __tablename__ = "unread_keys"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    key: Mapped[bytes] = mapped_column(index=True)
    reply_id: Mapped[int | None] = mapped_column(sa.BigInteger, index=True)
    row_id: Mapped[int | None] = mapped_column(sa.BigInteger, index=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("practices.id"))

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["practice_id", "reply_id"], ["inbound_messages.practice_id", "inbound_messages.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "row_id"], ["quarantined_rows.practice_id", "quarantined_rows.id"], ondelete="CASCADE"
        ),
        sa.CheckConstraint("num_nonnulls(reply_id, row_id) = 1", name="one_source"),
    )


class InboundMessage(Base):
    """What a person wrote back."""

    __tablename__ = "inbound_messages"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    channel: Mapped[MessageChannel] = mapped_column(closed_set(MessageChannel, "channel"))
    in_reply_to: Mapped[uuid.UUID | None]
    provider_id: Mapped[str] = mapped_column(unique=True)
    contact_key: Mapped[bytes]
    body: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(Moment)
    meaning: Mapped[str]
    """stop, maybe_stop or other."""
    symptoms: Mapped[list[str] | None] = mapped_column(sa.ARRAY(sa.Text))
    """The words in it that speak of a symptom (`ops.messages.symptoms`); None when there are none."""
    handled_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    """When a person had read it and said whether it means stop. Until then nobody contacts them (`unread_keys`)."""
    decided_by: Mapped[str | None]
    decided_stop: Mapped[bool | None]
    """What they said; None also where it was read before that was kept."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "in_reply_to"], ["messages.practice_id", "messages.id"]),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"]),
        sa.UniqueConstraint("practice_id", "id"),
        sa.Index(None, "practice_id", "received_at"),
        sa.Index(None, "in_reply_to"),
        sa.Index(
            "ix_inbound_messages_unread_patient",
            "patient_id",
            postgresql_where=sa.text("meaning <> 'stop' AND decided_at IS NULL"),
        ),
        # what a lead's board shows first: few among all replies
        sa.Index(
            "ix_inbound_messages_symptoms",
            "received_at",
            postgresql_where=sa.text("symptoms IS NOT NULL AND decided_at IS NULL"),
        ),
    )

    @property
    def means_stop(self) -> bool:
        return self.meaning == "stop"

    @property
    def was_read_as(self) -> str:
        """ ": it means stop", as its reader said; "" when that is not known."""
        return {True: ": it means stop", False: ": it does not mean stop", None: ""}[self.decided_stop]

    @property
    def waits_to_be_read(self) -> bool:
        """Whether a person has to read it: to say if it means stop (nobody contacts them until then), or because a stop
        speaks of a symptom too."""
        return self.decided_at is None and (not self.means_stop or bool(self.symptoms))
