"""The outbox of emails to people with an account: staff, and members of practices."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment, closed_set
from ops.mail.problems import Problem


class MailKind(StrEnum):
    """What an email is about; `about_id` is the row of that table."""

    INVITATION = "invitation"
    """account_links"""
    RESET = "reset"
    """account_links"""
    APPROVAL = "approval"
    """script_approvals"""
    CONCERN = "concern"
    """concerns"""
    NUMBERS = "numbers"
    """number_stops"""


class MailState(StrEnum):
    """queued -> claimed -> sent, or back to queued, or failed, or unknown. The last two wait for a person."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    UNKNOWN = "unknown"
    """It may have left. Never sent again by itself."""
    FAILED = "failed"
    """It certainly did not leave, and is not tried again by itself."""


class StaffMail(Base):
    """One email for one reason. What it says is written when it is claimed, so no link that opens something lies here.

    `claimed_at` is empty as long as it certainly did not leave. `message_id` is new with every claim, and tells a late
    answer of an earlier one apart.
    """

    __tablename__ = "staff_mails"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    kind: Mapped[MailKind] = mapped_column(closed_set(MailKind, "kind"))
    about_id: Mapped[int] = mapped_column(sa.BigInteger)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    """To whom; empty for one email to several people of a practice."""
    to_address: Mapped[str]
    """To which address or addresses it went or is to go, with commas between."""
    state: Mapped[MailState] = mapped_column(closed_set(MailState, "state"))
    queued_at: Mapped[datetime] = mapped_column(Moment)
    """When it, or the person who sent it again, asked for it: it is tried for a day from then."""
    due_at: Mapped[datetime] = mapped_column(Moment)
    """When the tick takes it up: its doorbell was lost, or the server was away."""
    tries: Mapped[int] = mapped_column(default=0)
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    message_id: Mapped[str | None]
    problem: Mapped[Problem | None] = mapped_column(closed_set(Problem, "problem"))
    """What went wrong last."""
    reply_code: Mapped[int | None]
    """What the email server said to it, as 550."""
    late: Mapped[bool] = mapped_column(default=False)
    """Given up because its day was over."""
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    """When a person said that a failed or unknown email is dealt with."""
    settled_by: Mapped[str | None]

    __table_args__ = (
        sa.Index("uq_staff_mails_reason", "kind", "about_id", sa.text("coalesce(user_id, 0)"), unique=True),
        sa.CheckConstraint(
            "(claimed_at IS NOT NULL) = (state IN ('claimed', 'sent', 'unknown'))", name="claimed_may_have_left"
        ),
        sa.CheckConstraint("(sent_at IS NOT NULL) = (state = 'sent')", name="sent_has_time"),
        sa.CheckConstraint(
            "state NOT IN ('unknown', 'failed') OR problem IS NOT NULL OR late", name="a_bad_end_has_a_reason"
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (settled_by IS NULL) AND (settled_at IS NULL OR state IN ('unknown', 'failed'))",
            name="settled_was_bad",
        ),
        sa.Index("ix_staff_mails_due", "due_at", postgresql_where=sa.text("state = 'queued'")),
        sa.Index("ix_staff_mails_claimed", "claimed_at", postgresql_where=sa.text("state = 'claimed'")),
        sa.Index(
            "ix_staff_mails_unsettled",
            "id",
            postgresql_where=sa.text("state IN ('unknown', 'failed') AND settled_at IS NULL"),
        ),
    )

    @property
    def is_unknown(self) -> bool:
        return self.state is MailState.UNKNOWN

    @property
    def has_failed(self) -> bool:
        return self.state is MailState.FAILED
