"""Asks and their answers, the friends that came of them, and what the referrer has been told."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, Moment, closed_set
from ops.phrases import day_words
from ops.referrals.words import FOUND, SOURCE_WORDS, STATE_WORDS
from ops.work.answers import Answer, OptIn, ReferralState, Source


class Ask(Base):
    """The fact that a patient was asked for a referral, and what they answered. One per milestone that was asked
    about."""

    __tablename__ = "asks"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int] = mapped_column(sa.BigInteger)
    run_id: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    """The cadence run (queue) that asked: at most one ask per run."""
    asked_at: Mapped[datetime] = mapped_column(Moment)
    answer: Mapped[Answer] = mapped_column(closed_set(Answer, "answer"))
    answered_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.UniqueConstraint("practice_id", "id"),
        sa.Index(None, "patient_id"),
        sa.Index(None, "practice_id", "asked_at"),
    )


class Referral(Base):
    """A friend sent by a patient, who agreed themself to be contacted."""

    __tablename__ = "referrals"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    referrer_id: Mapped[int] = mapped_column(sa.BigInteger)
    """The patient who sent them."""
    ask_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    friend_name: Mapped[str]
    friend_phone: Mapped[str | None]
    friend_email: Mapped[str | None]
    contact_key: Mapped[bytes]
    email_key: Mapped[bytes | None]
    joined_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The referral by which we knew this friend already, from another patient: they are called, and counted, there."""
    opt_in: Mapped[OptIn] = mapped_column(closed_set(OptIn, "opt_in"))
    state: Mapped[ReferralState] = mapped_column(closed_set(ReferralState, "state"))
    received_at: Mapped[datetime] = mapped_column(Moment)
    received_by: Mapped[str]
    visit_on: Mapped[date | None]
    """The day they booked, on the practice's calendar."""
    visit_time: Mapped[time | None]
    """The hour they booked, by the practice's clock."""
    visit_days: Mapped[str] = mapped_column(default="")
    """The days that would suit them, in their words; the practice finds the hour."""
    comes_for: Mapped[str] = mapped_column(default="")
    """What they come for, if they said. In no text and no email."""
    value: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    """What they paid, in dollars, if the practice says so."""
    patient_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The patient they became."""
    maybe_patient_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """A patient who may be them: a lead or the practice is asked."""
    not_patients: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger), default=list)
    """Patients of whom somebody said that they are not them."""
    follows_visits: Mapped[bool] = mapped_column(default=True)
    """Whether the visits of the patient they became move it on; not once somebody took such a step back."""
    events: Mapped[list["ReferralEvent"]] = relationship(order_by="ReferralEvent.id")

    @property
    def how_far(self) -> str:
        """ "Booked for Oct 29, 2026", "Treated"."""
        visit = f" for {day_words(self.visit_on)}" if self.visit_on and self.state is ReferralState.BOOKED else ""
        return f"{STATE_WORDS[self.state]}{visit}"

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "referrer_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "ask_id"], ["asks.practice_id", "asks.id"]),
        sa.ForeignKeyConstraint(["practice_id", "joined_id"], ["referrals.practice_id", "referrals.id"]),
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "maybe_patient_id"], ["patients.practice_id", "patients.id"]),
        sa.UniqueConstraint("practice_id", "id"),
        sa.UniqueConstraint("practice_id", "referrer_id", "contact_key"),
        sa.Index(None, "practice_id", "contact_key"),
        sa.Index(None, "contact_key"),
        sa.Index(
            "uq_referrals_patient_id", "patient_id", unique=True, postgresql_where=sa.text("patient_id IS NOT NULL")
        ),
        sa.Index(None, "practice_id", "received_at"),
        sa.CheckConstraint("friend_phone IS NOT NULL OR friend_email IS NOT NULL", name="friend_reachable"),
        sa.CheckConstraint("visit_time IS NULL OR visit_on IS NOT NULL", name="hour_of_a_day"),
        sa.CheckConstraint("value >= 0", name="value_not_negative"),
    )


class ReferralEvent(Base):
    """One step of a referral. While `told_at` is empty the referrer is owed word of it (loop debt), unless `tell` is
    false."""

    __tablename__ = "referral_events"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    referral_id: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[ReferralState] = mapped_column(closed_set(ReferralState, "state"))
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str]
    source: Mapped[Source] = mapped_column(closed_set(Source, "source"))
    happened_on: Mapped[date | None]
    """The day they came, were treated or were lost, on the practice's calendar, if somebody said it."""
    why: Mapped[str] = mapped_column(default="")
    """Why they were lost or did not come, if somebody said it."""
    was: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What the step changed of the referral, as it was before: taking the step back puts it there again."""
    tell: Mapped[bool]
    """Whether the referrer may be told at all: only that we have it, unless the friend agreed to more (docs/rules.md
    decision 7)."""
    told_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def says_who(self) -> bool:
        """Whether it says which patient they became, and nothing of how far they are."""
        return self.was is not None and "patient_id" in self.was

    @property
    def step(self) -> str:
        """ "Booked", or "Found among the patients"."""
        return FOUND if self.says_who else STATE_WORDS[self.state]

    @property
    def words(self) -> str:
        """ "came to the visit on Oct 29, 2026, on the practice's word: she called"."""
        on = f" on {day_words(self.happened_on)}" if self.happened_on else ""
        why = f": {self.why}" if self.why else ""
        return f"{self.step.lower()}{on}, {SOURCE_WORDS[self.source]}{why}"

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "referral_id"], ["referrals.practice_id", "referrals.id"]),
        sa.Index("ix_referral_events_debt", "practice_id", postgresql_where=sa.text("tell AND told_at IS NULL")),
        sa.Index(None, "referral_id"),
    )
