"""The cadence going on that a task belongs to."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment, closed_set
from ops.work.endings import Ending, EndReason
from ops.work.outcomes import Outcome
from ops.work.states import RunState


class CadenceRun(Base):
    """One cadence going on for one patient because of one milestone."""

    __tablename__ = "cadence_runs"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int] = mapped_column(sa.BigInteger)
    cadence_id: Mapped[int] = mapped_column(sa.BigInteger)
    milestone_id: Mapped[int] = mapped_column(sa.BigInteger)
    trigger_id: Mapped[int] = mapped_column(sa.BigInteger)
    """Kept as a number: the run outlives the rule that started it."""
    state: Mapped[RunState] = mapped_column(closed_set(RunState, "state"))
    position: Mapped[int] = mapped_column(default=0)
    """The step that is due at `next_at`, or whose task is open (`next_at` empty)."""
    next_at: Mapped[datetime | None] = mapped_column(Moment)
    opens_at: Mapped[datetime] = mapped_column(Moment)
    peaks_at: Mapped[datetime] = mapped_column(Moment)
    closes_at: Mapped[datetime] = mapped_column(Moment)
    """The days in which contact about this milestone makes sense."""
    started_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    end_reason: Mapped[EndReason | None] = mapped_column(closed_set(EndReason, "end_reason"))
    end_outcome: Mapped[Outcome | None] = mapped_column(closed_set(Outcome, "end_outcome"))
    """Of the call that ended it."""
    end_words: Mapped[str | None]
    """What the lead wrote who ended it, or what was missing to send it."""
    left_out: Mapped[list[dict] | None] = mapped_column(JSONB(none_as_null=True))
    """The steps that could not be taken: "at" that moment, "step" (its place), "mode", "why" in words, "codes" of the
    gate."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "milestone_id"], ["milestones.practice_id", "milestones.id"]),
        sa.ForeignKeyConstraint(["practice_id", "cadence_id"], ["cadences.practice_id", "cadences.id"]),
        sa.UniqueConstraint("milestone_id", "trigger_id"),
        sa.UniqueConstraint("practice_id", "id"),
        sa.Index(
            "ix_cadence_runs_due", "next_at", postgresql_where=sa.text("state = 'running' AND next_at IS NOT NULL")
        ),
        sa.Index(
            "ix_cadence_runs_not_taken",
            "practice_id",
            "closes_at",
            postgresql_where=sa.text("end_reason IN ('not_sent', 'may_not')"),
        ),
        sa.Index(None, "patient_id"),
        sa.Index(None, "practice_id", "started_at"),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_has_time"),
        sa.CheckConstraint("state = 'running' OR next_at IS NULL", name="ended_has_no_next"),
        sa.CheckConstraint("(state = 'ended') = (end_reason IS NOT NULL)", name="ended_has_reason"),
        sa.CheckConstraint(
            "(coalesce(end_reason, '') IN ('answered', 'other_call')) = (end_outcome IS NOT NULL)",
            name="call_has_outcome",
        ),
        sa.CheckConstraint(
            "(coalesce(end_reason, '') IN ('by_lead', 'not_sent', 'visit_withdrawn')) = (end_words IS NOT NULL)",
            name="words",
        ),
    )

    @classmethod
    def message_keys(cls) -> sa.ColumnElement[str]:
        """How the reason keys of the texts and emails of its steps look, for LIKE (`stepping.message_key`)."""
        return sa.func.concat("run:", cls.id, ":step:%")

    @property
    def ending(self) -> Ending | None:
        """Why it ended; None while it goes on."""
        return Ending(self.end_reason, self.end_outcome, self.end_words) if self.end_reason else None
