"""Triggers and cadences as data, the tasks that come of them, and every event, attempt and reason along the way."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, closed_set
from ops.practices.models import MilestoneKind, Patient, Practice

Moment = sa.DateTime(timezone=True)


class Kind(StrEnum):
    ASK = "ask"
    FOLLOW_UP = "follow_up"
    REVIEW_REQUEST = "review_request"
    LOOP_CLOSING = "loop_closing"
    FRIEND_FOLLOW_UP = "friend_follow_up"
    REPLY = "reply"
    RECALL = "recall"
    PARTNER_TOUCH = "partner_touch"


class StepMode(StrEnum):
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"


class RunState(StrEnum):
    RUNNING = "running"
    ENDED = "ended"


class TaskState(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    CANCELLED = "cancelled"


class EventKind(StrEnum):
    OPENED = "opened"
    CLAIMED = "claimed"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    RETRY = "retry"
    RETURNED = "returned"
    LEASE_EXPIRED = "lease_expired"
    SHUT = "shut"
    DONE = "done"
    UNDONE = "undone"
    CANCELLED = "cancelled"
    PULLED_BACK = "pulled_back"


class Outcome(StrEnum):
    WILLING = "willing"
    THINKING = "thinking"
    NOT_NOW = "not_now"
    ALREADY_TOLD = "already_told"
    NEVER = "never"
    ALL_WELL = "all_well"
    TOLD = "told"
    FRIEND_BOOKED = "friend_booked"
    FRIEND_CONNECTED = "friend_connected"
    FRIEND_DECLINED = "friend_declined"
    ANSWERED = "answered"
    REVIEW_PROMISED = "review_promised"
    CALLBACK = "callback"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    BAD_NUMBER = "bad_number"
    WRONG_PERSON = "wrong_person"
    NOT_HAPPY = "not_happy"
    REMOVE_ME = "remove_me"


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
    """One step: a call by an agent, or a text or mail by itself, so many hours after the step before it."""

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
    spacing_days: Mapped[int] = mapped_column(default=90)
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


class CadenceRun(Base):
    """One cadence going on for one patient because of one milestone."""

    __tablename__ = "cadence_runs"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int] = mapped_column(sa.BigInteger)
    cadence_id: Mapped[int] = mapped_column(sa.ForeignKey("cadences.id"))
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
    end_reason: Mapped[str | None]
    cadence: Mapped[Cadence] = relationship()

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "milestone_id"], ["milestones.practice_id", "milestones.id"]),
        sa.UniqueConstraint("milestone_id", "trigger_id"),
        sa.UniqueConstraint("practice_id", "id"),
        sa.Index(
            "ix_cadence_runs_due", "next_at", postgresql_where=sa.text("state = 'running' AND next_at IS NOT NULL")
        ),
        sa.Index(None, "patient_id"),
        sa.Index(None, "practice_id", "started_at"),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_has_time"),
        sa.CheckConstraint("state = 'running' OR next_at IS NULL", name="ended_has_no_next"),
    )


class Task(Base):
    """One piece of human work in the queue.

    waiting -> claimed -> done | waiting again (snoozed, retry, lease expired) | cancelled. `ready_at` is the moment
    from which it may be offered: the later of when it is due and when its window opens. `fence` grows with every claim,
    so that a save by somebody who lost the lease can be told from the holder's.
    """

    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int] = mapped_column(sa.BigInteger)
    referral_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    run_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    kind: Mapped[Kind] = mapped_column(closed_set(Kind, "kind"))
    state: Mapped[TaskState] = mapped_column(closed_set(TaskState, "state"))
    reason: Mapped[str]
    """Why it exists, in words an agent reads: "Result of the filler shows since Tuesday"."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    ready_at: Mapped[datetime] = mapped_column(Moment)
    closes_at: Mapped[datetime | None] = mapped_column(Moment)
    """After this it makes no sense any more and is cancelled."""
    promised_at: Mapped[datetime | None] = mapped_column(Moment)
    """Agreed callback, or deadline of a fresh friend: band 0."""
    promise_owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    rank: Mapped[Decimal] = mapped_column(sa.Numeric(8, 3))
    """How good a moment it is inside its practice; higher is first."""
    estimate_minutes: Mapped[Decimal] = mapped_column(sa.Numeric(6, 2))
    tries: Mapped[int] = mapped_column(default=0)
    max_tries: Mapped[int] = mapped_column(default=3)
    shut_reasons: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    """Why the gate last put it off until `ready_at`."""
    held_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    fence: Mapped[int] = mapped_column(default=0)
    script_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("script_versions.id"))
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    patient: Mapped[Patient] = relationship(viewonly=True, primaryjoin="Patient.id == foreign(Task.patient_id)")
    practice: Mapped[Practice] = relationship(viewonly=True, primaryjoin="Practice.id == foreign(Task.practice_id)")
    run: Mapped[CadenceRun | None] = relationship(viewonly=True, primaryjoin="CadenceRun.id == foreign(Task.run_id)")

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "referral_id"], ["referrals.practice_id", "referrals.id"]),
        sa.ForeignKeyConstraint(["practice_id", "run_id"], ["cadence_runs.practice_id", "cadence_runs.id"]),
        sa.UniqueConstraint("practice_id", "id"),
        sa.CheckConstraint(
            "(state = 'claimed') = (held_by IS NOT NULL) AND (state = 'claimed') = (lease_until IS NOT NULL)",
            name="claimed_has_holder",
        ),
        sa.CheckConstraint("(state IN ('done', 'cancelled')) = (finished_at IS NOT NULL)", name="finished_has_time"),
        # one open task of a cadence step, one task in hands per patient, one task in hands per agent
        sa.Index(
            "uq_tasks_open_run", "run_id", unique=True, postgresql_where=sa.text("state IN ('waiting', 'claimed')")
        ),
        sa.Index("uq_tasks_patient_in_hands", "patient_id", unique=True, postgresql_where=sa.text("state = 'claimed'")),
        sa.Index("uq_tasks_agent_hands", "held_by", unique=True, postgresql_where=sa.text("state = 'claimed'")),
        sa.Index(
            "ix_tasks_waiting", "practice_id", sa.text("rank DESC"), "id", postgresql_where=sa.text("state = 'waiting'")
        ),
        sa.Index("ix_tasks_ready", "ready_at", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index(
            "ix_tasks_promised",
            "promised_at",
            postgresql_where=sa.text("state = 'waiting' AND promised_at IS NOT NULL"),
        ),
        sa.Index("ix_tasks_leases", "lease_until", postgresql_where=sa.text("state = 'claimed'")),
        sa.Index(None, "patient_id"),
    )


class TaskEvent(Base):
    """One move of a task, written in the transaction that moved it."""

    __tablename__ = "task_events"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    task_id: Mapped[int] = mapped_column(sa.BigInteger)
    kind: Mapped[EventKind] = mapped_column(closed_set(EventKind, "kind"))
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str]
    facts: Mapped[dict] = mapped_column(JSONB, default=dict)
    """What decided it: for a claim the why-this-task record (band, minutes owed, rank parts, runner-up)."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "task_id"], ["tasks.practice_id", "tasks.id"], ondelete="CASCADE"),
        sa.Index(None, "task_id"),
        sa.Index(None, "practice_id", "at"),
    )


class Attempt(Base):
    """One try to contact somebody: the outcome, the minutes it took and the exact script it was made with."""

    __tablename__ = "attempts"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int] = mapped_column(sa.BigInteger)
    task_id: Mapped[int] = mapped_column(sa.BigInteger)
    fence: Mapped[int]
    agent_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    channel: Mapped[str]
    outcome: Mapped[Outcome] = mapped_column(closed_set(Outcome, "outcome"))
    note: Mapped[str] = mapped_column(default="")
    minutes: Mapped[Decimal] = mapped_column(sa.Numeric(6, 2))
    script_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("script_versions.id"))
    at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "task_id"], ["tasks.practice_id", "tasks.id"]),
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        # one outcome per claim: a double press finds the first one
        sa.UniqueConstraint("task_id", "fence"),
        sa.Index(None, "patient_id", "at"),
        sa.Index(None, "practice_id", "at"),
        sa.Index(None, "agent_id", "at"),
    )


class Share(Base):
    """What a practice bought and got: minutes charged, and the virtual time that says who is owed most.

    `virtual_time` is minutes charged divided by contract hours, started level with the others when the practice joins
    or comes back, so that nobody enters with a jump. The practice with the smallest is owed most.
    """

    __tablename__ = "shares"
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), primary_key=True)
    hours: Mapped[Decimal] = mapped_column(sa.Numeric(7, 2))
    """Contract hours per month in force; 0 without a contract (served last)."""
    virtual_time: Mapped[float] = mapped_column(default=0.0)
    minutes_charged: Mapped[Decimal] = mapped_column(sa.Numeric(12, 2), default=0)
    has_work: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        sa.Index("ix_shares_owed", "virtual_time", postgresql_where=sa.text("has_work")),
        sa.CheckConstraint("hours >= 0", name="hours_not_negative"),
    )
