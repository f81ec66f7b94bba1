"""Tasks, and every event, attempt and reason along the way."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, Moment, closed_set
from ops.practices.models import Patient, Practice
from ops.queue.models.runs import CadenceRun
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import OPEN_SQL, EventKind, TaskState


class Task(Base):
    """One piece of human work in the queue.

    waiting -> claimed -> done | waiting again (snoozed, retry, lease expired) | cancelled. `ready_at` is the moment
    from which it is due; once it is, `offered` says so and the task is in the index the claim reads. Whether its window
    is open is the lane's matter. `fence` grows with every claim, so that a save by somebody who lost the lease can be
    told from the holder's.
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
    """A callback, the deadline of a fresh friend, or the time by which a reply is to be read."""
    urgent: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """They wrote of a symptom: it comes before everything else."""
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    """Whose it is until `owner_until`, as long as they are present: who promised the call, who spoke to them last, whom
    a lead gave it to. Then anybody's."""
    owner_until: Mapped[datetime | None] = mapped_column(Moment)
    handed_at: Mapped[datetime | None] = mapped_column(Moment)
    """When it was put before everything else for its owner: by a lead, or as other work about the same person."""
    lane_id: Mapped[int | None]
    """The lane of its practice it waits in (no foreign key: checking it would have claims wait for each other). None:
    to be found again."""
    person_key: Mapped[bytes | None]
    """`crypto.contact_key` of the number that is called: one human, one task in progress."""
    offered: Mapped[bool] = mapped_column(default=False)
    """Due, and in its lane: a candidate as long as the lane is open."""
    rank: Mapped[Decimal] = mapped_column(sa.Numeric(8, 3))
    """How good a moment it is inside its practice; higher is first."""
    ranked_at: Mapped[datetime] = mapped_column(Moment)
    """For which moment the rank was worked out."""
    estimate_minutes: Mapped[Decimal] = mapped_column(sa.Numeric(6, 2))
    tries: Mapped[int] = mapped_column(default=0)
    max_tries: Mapped[int] = mapped_column(default=3)
    shut_reasons: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    """Why the gate last shut it until `ready_at`."""
    held_by: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    fence: Mapped[int] = mapped_column(default=0)
    script_version_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The version in force at the claim (no foreign key: checking it would have claims wait for each other)."""
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
        # one open task of a cadence step, one task in progress per patient, one per agent
        sa.Index("uq_tasks_open_run", "run_id", unique=True, postgresql_where=sa.text(f"state IN ({OPEN_SQL})")),
        sa.Index("uq_tasks_patient_in_hands", "patient_id", unique=True, postgresql_where=sa.text("state = 'claimed'")),
        sa.Index("uq_tasks_agent_hands", "held_by", unique=True, postgresql_where=sa.text("state = 'claimed'")),
        sa.Index("uq_tasks_person_in_hands", "person_key", unique=True, postgresql_where=sa.text("state = 'claimed'")),
        sa.CheckConstraint("NOT offered OR (state = 'waiting' AND lane_id IS NOT NULL)", name="offered_has_lane"),
        sa.CheckConstraint("handed_at IS NULL OR owner_id IS NOT NULL", name="handed_has_owner"),
        sa.CheckConstraint("(owner_id IS NULL) = (owner_until IS NULL)", name="owner_has_moment"),
        sa.Index(
            "ix_tasks_offered",
            "practice_id",
            "lane_id",
            sa.text("rank DESC"),
            "id",
            postgresql_where=sa.text("state = 'waiting' AND offered AND promised_at IS NULL"),
        ),
        sa.Index(
            "ix_tasks_promised",
            sa.text("urgent DESC"),
            "promised_at",
            "id",
            postgresql_where=sa.text("state = 'waiting' AND offered AND promised_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_tasks_handed",
            "owner_id",
            "handed_at",
            postgresql_where=sa.text("state = 'waiting' AND offered AND handed_at IS NOT NULL"),
        ),
        # what is kept from others just now: looked through when somebody leaves
        sa.Index(
            "ix_tasks_kept",
            "owner_until",
            postgresql_where=sa.text("state = 'waiting' AND offered AND owner_id IS NOT NULL"),
        ),
        # an agent's own promises, which the card names: few among a million tasks
        sa.Index(
            "ix_tasks_own_promises",
            "owner_id",
            "promised_at",
            postgresql_where=sa.text("state = 'waiting' AND promised_at IS NOT NULL"),
        ),
        # what is promised to a number counts toward its caps (known.sql): asked for each candidate of a claim
        sa.Index(
            "ix_tasks_person_promised",
            "person_key",
            "promised_at",
            postgresql_where=sa.text("state = 'waiting' AND promised_at IS NOT NULL"),
        ),
        sa.Index("ix_tasks_not_yet", "ready_at", postgresql_where=sa.text("state = 'waiting' AND NOT offered")),
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
        sa.Index("ix_task_events_broken", "at", postgresql_where=sa.text("kind = 'promise_broken'")),
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
    answers: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=sa.text("'[]'"))
    """What they said, in the order it came: the titles of the script's answers the agent opened."""
    opening_said: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """The agent ticked that they said who calls, for whom, why, and the number to call back (docs/rules.md A6)."""
    talk_seconds: Mapped[int | None]
    """From the number to the end of the call, as the page measured it; None when it did not."""
    wrap_seconds: Mapped[int | None]
    """From the end of the call to the outcome."""
    away_seconds: Mapped[int] = mapped_column(default=0, server_default=sa.text("0"))
    """Nobody at the page: not counted in `minutes`."""
    undo: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    """What was there before, kept as long as it can be taken back (`ops.desk.actions.undoing`)."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "task_id"], ["tasks.practice_id", "tasks.id"]),
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.UniqueConstraint("practice_id", "id"),
        # one outcome per claim: a double press finds the first one
        sa.UniqueConstraint("task_id", "fence"),
        sa.Index(None, "patient_id", "at"),
        sa.Index(None, "practice_id", "at"),
        sa.Index(None, "agent_id", "at"),
        sa.Index(None, "at", "id"),
        sa.Index(None, "script_version_id"),
        sa.Index("ix_attempts_undo", "at", postgresql_where=sa.text("undo IS NOT NULL")),
    )
