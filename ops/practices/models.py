"""The client practices, what they bought, whom they treated, and the files that told us."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, Moment, closed_set
from ops.practices.statuses import MOVES, STATUS_WORDS, Move, PracticeStatus
from ops.practices.us import ELSEWHERE

Words = ARRAY(sa.Text)
NAME_KEY = "lower(regexp_replace(first_name || last_name, '[^[:alnum:]]', '', 'g'))"
"""What is the same for two spellings of one name, in SQL (records.sql)."""
SAME_ID = (
    "CASE WHEN external_id ~ '^[0-9]+([.]0+)?$'"
    " THEN coalesce(nullif(ltrim(split_part(external_id, '.', 1), '0'), ''), '0') ELSE external_id END"
)
"""What all writings of a patient's number share: 00101, 101 and 101.0 (`ops.imports.loading.same_ids`)."""


class MilestoneKind(StrEnum):
    TREATMENT_COMPLETED = "treatment_completed"
    VISIT = "visit"
    GOAL_REACHED = "goal_reached"
    REVIEW_LEFT = "review_left"
    GRATEFUL_MESSAGE = "grateful_message"
    LABS_OPTIMIZED = "labs_optimized"


class Practice(Base):
    """A client of the agency; owns its patients, scripts and reports."""

    __tablename__ = "practices"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    spoken_name: Mapped[str]
    zone: Mapped[str]
    state: Mapped[str] = mapped_column(sa.String(2))
    status: Mapped[PracticeStatus] = mapped_column(closed_set(PracticeStatus, "status"), default=PracticeStatus.ACTIVE)
    baa_on: Mapped[date | None]
    """Day the business associate agreement was signed. Without it nothing is imported and nobody is contacted."""
    specialty: Mapped[str] = mapped_column(default="")
    helps_best: Mapped[str] = mapped_column(default="")
    """Whom the practice helps best, as said in the ask."""
    shareable: Mapped[str] = mapped_column(default="")
    """Short description a patient can forward to a friend."""
    website: Mapped[str] = mapped_column(default="")
    sender_name: Mapped[str] = mapped_column(default="")
    sender_email: Mapped[str] = mapped_column(default="")
    callback_number: Mapped[str] = mapped_column(default="")
    """Number patients can call back, E.164."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    resumed_at: Mapped[datetime | None] = mapped_column(Moment)
    """When its last pause ended: what waited through it has not waited for anything else."""
    contracts: Mapped[list["Contract"]] = relationship(order_by="Contract.starts_on", cascade="all, delete-orphan")
    treatment_types: Mapped[list["TreatmentType"]] = relationship(
        order_by="TreatmentType.name", cascade="all, delete-orphan"
    )
    review_links: Mapped[list["ReviewLink"]] = relationship(order_by="ReviewLink.id", cascade="all, delete-orphan")

    __table_args__ = (
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_plain"),
        sa.CheckConstraint("state ~ '^[A-Z]{2}$'", name="state_code"),
        # statements over all practices reckon with it: one that raises would stop the work of everybody
        sa.CheckConstraint("(timestamptz 'epoch' AT TIME ZONE zone) IS NOT NULL", name="zone_known"),
    )

    @property
    def status_words(self) -> str:
        return STATUS_WORDS[self.status]

    @property
    def moves(self) -> list[Move]:
        """What can be done with it now."""
        return [move for move, (before, _) in MOVES.items() if self.status in before]

    @property
    def cannot_now(self) -> str:
        """What who asks for another move is told."""
        return f"{self.name} is {self.status_words}; that cannot be done now."

    @property
    def is_active(self) -> bool:
        return self.status is PracticeStatus.ACTIVE

    @property
    def has_ended(self) -> bool:
        return self.status is PracticeStatus.ENDED


class ReviewLink(Base):
    """Where a patient can leave a review. Everybody is shown all of them (docs/rules.md A10)."""

    __tablename__ = "review_links"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), index=True)
    label: Mapped[str]
    url: Mapped[str]


class Contract(Base):
    """Hours per month a practice bought, from a day on, up to but not including `ends_on`. Contracts never overlap."""

    __tablename__ = "contracts"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), index=True)
    hours_per_month: Mapped[Decimal] = mapped_column(sa.Numeric(7, 2))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]

    @property
    def last_day(self) -> date | None:
        """How people say when it ends; None: until further notice."""
        return self.ends_on - timedelta(days=1) if self.ends_on else None

    __table_args__ = (
        sa.CheckConstraint("hours_per_month > 0 AND hours_per_month <= 2000", name="hours_range"),
        sa.CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="ends_after_start"),
        # range types have GiST operators of their own, so no extension is needed
        ExcludeConstraint(
            (sa.text("int8range(practice_id, practice_id, '[]')"), "&&"),
            (sa.text("daterange(starts_on, ends_on, '[)')"), "&&"),
            name="ex_contracts_overlap",
            using="gist",
        ),
    )


ANY_TREATMENT = "treatment"
"""The category of a treatment of which no more is said: a word to say aloud, and nothing to show beside “Treatment”."""


class TreatmentType(Base):
    """A treatment the practice does, how it is recognized in files, and when its result shows (days after it)."""

    __tablename__ = "treatment_types"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"))
    name: Mapped[str]
    category: Mapped[str] = mapped_column(default=ANY_TREATMENT)
    """The only word about it an agent sees (minimum necessary)."""
    match_words: Mapped[list[str]] = mapped_column(Words, default=list)
    """A description in a file that contains one of these (any case) is this treatment."""
    opens_days: Mapped[int]
    peaks_days: Mapped[int]
    closes_days: Mapped[int]
    recall_days: Mapped[int | None]

    __table_args__ = (
        sa.UniqueConstraint("practice_id", "name"),
        sa.UniqueConstraint("practice_id", "id"),
        sa.CheckConstraint("0 <= opens_days AND opens_days <= peaks_days AND peaks_days < closes_days", name="curve"),
        sa.CheckConstraint("recall_days IS NULL OR recall_days > 0", name="recall_positive"),
    )


class Patient(Base):
    """A person treated by one practice. The same human at two practices is two patients."""

    __tablename__ = "patients"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"))
    external_id: Mapped[str]
    """The practice's own number for them, or a key made of name, birth date and contact when the file has none."""
    first_name: Mapped[str]
    last_name: Mapped[str]
    birth_date: Mapped[date | None]
    deceased: Mapped[bool] = mapped_column(default=False)
    death_date: Mapped[date | None]
    phone: Mapped[str | None]
    """E.164; None when there is no number that can be dialled."""
    phone_raw: Mapped[str | None]
    email: Mapped[str | None]
    phone_key: Mapped[bytes | None]
    """`crypto.contact_key` of the phone: caps and suppression across practices without naming the person."""
    email_key: Mapped[bytes | None]
    state: Mapped[str | None] = mapped_column(sa.String(2))
    zip: Mapped[str | None] = mapped_column(sa.String(5))
    stated_zone: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="en")
    import_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The import that brought or last changed them."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        sa.UniqueConstraint("practice_id", "external_id"),
        sa.UniqueConstraint("practice_id", "id"),
        sa.Index(
            "ix_patients_odd_ids",
            "practice_id",
            sa.text(f"({SAME_ID})"),
            postgresql_where=sa.text(f"external_id <> {SAME_ID}"),
        ),
        sa.Index("ix_patients_whole_name", sa.text(NAME_KEY)),
        sa.Index(
            "ix_patients_phone_key",
            "phone_key",
            "practice_id",
            sa.text(NAME_KEY),
            postgresql_where=sa.text("phone_key IS NOT NULL"),
        ),
        sa.Index("ix_patients_email_key", "email_key", postgresql_where=sa.text("email_key IS NOT NULL")),
        sa.CheckConstraint("(phone IS NULL) = (phone_key IS NULL)", name="phone_has_key"),
        sa.CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_has_key"),
        sa.CheckConstraint("phone IS NULL OR phone ~ '^[+][1-9][0-9]{6,14}$'", name="phone_e164"),
        sa.CheckConstraint("death_date IS NULL OR deceased", name="dead_are_deceased"),
    )

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def home(self) -> str:
        """State and ZIP in words."""
        if ELSEWHERE in (self.state, self.zip):
            return "abroad, or an address that cannot be read"
        return f"{self.state or 'state not known'} {self.zip or ''}".strip()


class Milestone(Base):
    """Something that happened to a patient that can start work."""

    __tablename__ = "milestones"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    patient_id: Mapped[int] = mapped_column(sa.BigInteger)
    kind: Mapped[MilestoneKind] = mapped_column(closed_set(MilestoneKind, "kind"))
    happened_on: Mapped[date]
    """The calendar day in the practice's zone."""
    treatment_type_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    dedupe_key: Mapped[str]
    """The file's own id of it, or kind, day and description: the same file twice adds nothing."""
    visit: Mapped[str | None]
    """What all treatments of one visit share, where its file numbers visits: one that is renamed is known by it."""
    import_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    named_in: Mapped[int | None] = mapped_column(sa.BigInteger)
    """The last load that named it and was said to hold every visit of its days (`ops.imports.loading.absent`)."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    triggered_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the triggers last looked at it; None: not yet."""
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)
    """When we learned that it did not take place after all. It is kept, starts nothing and counts nowhere."""
    withdrawn_why: Mapped[str | None]
    patient: Mapped[Patient] = relationship(viewonly=True, primaryjoin="Patient.id == foreign(Milestone.patient_id)")
    treatment_type: Mapped[TreatmentType | None] = relationship(
        viewonly=True, primaryjoin="TreatmentType.id == foreign(Milestone.treatment_type_id)"
    )

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["practice_id", "patient_id"], ["patients.practice_id", "patients.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "treatment_type_id"], ["treatment_types.practice_id", "treatment_types.id"]
        ),
        sa.UniqueConstraint("patient_id", "dedupe_key"),
        sa.UniqueConstraint("practice_id", "id"),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_why IS NULL)", name="withdrawn_has_why"),
        sa.Index("ix_milestones_untriggered", "practice_id", "id", postgresql_where=sa.text("triggered_at IS NULL")),
        sa.Index(None, "practice_id", "happened_on"),
    )

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None


class MilestoneChange(Base):
    """How a milestone stood before it was moved, became another treatment, was withdrawn or restored. Written by
    `note_milestone_change` (milestone_changed.sql), whoever changed it."""

    __tablename__ = "milestone_changes"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    milestone_id: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str]
    was_on: Mapped[date]
    was_treatment_type_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    was_withdrawn: Mapped[bool]
    withdrawn_why: Mapped[str | None]
    """Why it was withdrawn by this change."""
    applied_at: Mapped[datetime | None] = mapped_column(Moment)
    """When what had followed from it was put right; None: not yet."""

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["practice_id", "milestone_id"], ["milestones.practice_id", "milestones.id"], ondelete="CASCADE"
        ),
        sa.Index("ix_milestone_changes_to_apply", "practice_id", postgresql_where=sa.text("applied_at IS NULL")),
    )
