"""Triggers and cadences as data, and the cadences going on."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, closed_set
from ops.practices.models import MilestoneKind
from ops.work.kinds import Kind, StepMode


class Cadence(Base):
    """Steps with gaps that end when answered. Belongs to one practice."""

    __tablename__ = "cadences"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"))
    name: Mapped[str]
    kind: Mapped[Kind] = mapped_column(closed_set(Kind, "kind"))
    active: Mapped[bool] = mapped_column(default=True)
    steps: Mapped[list["CadenceStep"]] = relationship(
        order_by="CadenceStep.position", cascade="all, delete-orphan", back_populates="cadence"
    )

    __table_args__ = (sa.UniqueConstraint("practice_id", "name"), sa.UniqueConstraint("practice_id", "id"))


class CadenceStep(Base):
    """One step: a call by an agent, or a text or email by itself, so many hours after the step before it."""

    __tablename__ = "cadence_steps"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    cadence_id: Mapped[int] = mapped_column(sa.ForeignKey("cadences.id", ondelete="CASCADE"))
    position: Mapped[int]
    mode: Mapped[StepMode] = mapped_column(closed_set(StepMode, "mode"))
    gap_hours: Mapped[int]
    tries: Mapped[int] = mapped_column(default=1)
    """For a call: how often it is tried before the next step."""
    cadence: Mapped[Cadence] = relationship(back_populates="steps")

    __table_args__ = (
        # looked at when a statement ends, so that one statement can give all steps new places
        sa.UniqueConstraint("cadence_id", "position", deferrable=True),
        sa.CheckConstraint("gap_hours BETWEEN 0 AND 8760", name="gap_range"),
        sa.CheckConstraint("tries BETWEEN 1 AND 6", name="tries_range"),
    )


SPACING_DAYS = 90
"""A patient with another ask this near is left in peace, unless a trigger says otherwise."""


class Trigger(Base):
    """This milestone (of this treatment, or any), after this delay, starts this cadence."""

    __tablename__ = "triggers"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    cadence_id: Mapped[int] = mapped_column(sa.BigInteger)
    milestone_kind: Mapped[MilestoneKind] = mapped_column(closed_set(MilestoneKind, "milestone_kind"))
    treatment_type_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    delay_days: Mapped[int | None]
    """Days after the milestone; None: when the treatment's result opens."""
    spacing_days: Mapped[int] = mapped_column(default=SPACING_DAYS)
    """No second cadence of the same kind starts for a patient within so many days."""
    open_days: Mapped[int] = mapped_column(default=14)
    """After a delay in days: how long the contact makes sense. When the result opens, the treatment's curve says it."""
    active: Mapped[bool] = mapped_column(default=True)
    cadence: Mapped[Cadence] = relationship(viewonly=True, primaryjoin="Cadence.id == foreign(Trigger.cadence_id)")

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["practice_id", "cadence_id"], ["cadences.practice_id", "cadences.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "treatment_type_id"],
            ["treatment_types.practice_id", "treatment_types.id"],
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("delay_days IS NULL OR delay_days BETWEEN 0 AND 1095", name="delay_range"),
        sa.CheckConstraint("spacing_days BETWEEN 0 AND 1095", name="spacing_range"),
        sa.CheckConstraint("open_days BETWEEN 1 AND 365", name="open_range"),
        sa.Index(None, "practice_id"),
    )
