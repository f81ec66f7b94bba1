"""Loads of practices' exports: their files, and the rows that were wrong."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ops.db import Base, closed_set
from ops.imports.reading.fields import plain
from ops.practices.models import Moment, Words


class ImportState(StrEnum):
    UPLOADED = "uploaded"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Import(Base):
    """One load of a practice's export: its files, how they are read, how far it got, what came of it."""

    __tablename__ = "imports"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"), index=True)
    state: Mapped[ImportState] = mapped_column(closed_set(ImportState, "state"), default=ImportState.UPLOADED)
    dry_run: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    beat_at: Mapped[datetime | None] = mapped_column(Moment)
    """Sign of life of the process that runs it; a running import without one for two minutes is started again."""
    runner: Mapped[str | None]
    """Who runs it now; a second runner that finds another name here stops."""
    rows_read: Mapped[int] = mapped_column(default=0)
    patients_new: Mapped[int] = mapped_column(default=0)
    patients_updated: Mapped[int] = mapped_column(default=0)
    milestones_new: Mapped[int] = mapped_column(default=0)
    rows_stored: Mapped[int] = mapped_column(default=0)
    rows_unchanged: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[int] = mapped_column(default=0)
    rows_future: Mapped[int] = mapped_column(default=0)
    """The visit lies ahead and is not stored; the patient, if the row has one, is."""
    rows_not_held: Mapped[int] = mapped_column(default=0)
    """The visit was cancelled, missed or is not completed, and is not stored; the patient is."""
    rows_withdrawn: Mapped[int] = mapped_column(default=0)
    """The visit was stored, and did not take place by what this row says: it is withdrawn."""
    suppressed: Mapped[int] = mapped_column(default=0)
    agreed: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict, server_default=sa.text("'{}'"))
    """How many people it says yes of, by channel (all, call, sms, email), where any: evidence, which opens nothing."""
    unreachable: Mapped[int] = mapped_column(default=0)
    deceased: Mapped[int] = mapped_column(default=0)
    minors: Mapped[int] = mapped_column(default=0)
    whole_from: Mapped[date | None]
    """Somebody said that it holds every visit from this day to `whole_until`, which belongs to them."""
    whole_until: Mapped[date | None]
    absent_withdrawn: Mapped[int] = mapped_column(server_default="0")
    """Visits of these days that were withdrawn because it does not name them."""
    problem: Mapped[str | None]
    """Why it failed, in words for the person who uploaded it."""
    files: Mapped[list["ImportFile"]] = relationship(order_by="ImportFile.position", cascade="all, delete-orphan")

    __table_args__ = (
        sa.UniqueConstraint("practice_id", "id"),
        sa.Index(None, "state"),
        sa.CheckConstraint(
            "num_nulls(whole_from, whole_until) IN (0, 2) AND whole_from <= whole_until IS NOT FALSE",
            name="whole_days",
        ),
        sa.CheckConstraint(
            "rows_read = rows_stored + rows_unchanged + quarantined + rows_future + rows_not_held + rows_withdrawn",
            name="every_row_is_accounted_for",
        ),
    )

    @property
    def is_whole(self) -> bool:
        """Whether somebody said that it holds every visit of some days."""
        return self.whole_from is not None

    @property
    def is_done(self) -> bool:
        return self.state is ImportState.DONE

    @property
    def was_cancelled(self) -> bool:
        return self.state is ImportState.CANCELLED


class ImportFile(Base):
    """One file of an import. The raw bytes are in `import_chunks` for 30 days, so that any worker can read them."""

    __tablename__ = "import_files"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    name: Mapped[str]
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[bytes]
    profile: Mapped[dict] = mapped_column(JSONB, default=dict)
    """How it is read: profile name, kind, and column -> field."""
    rows_done: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """Records stored or quarantined so far; a restarted import goes on behind them."""
    finished: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (sa.UniqueConstraint("import_id", "id"),)

    @property
    def was_looked_at(self) -> bool:
        """Whether a load has decided how it is read."""
        return "notes" in self.profile

    @property
    def dropped(self) -> list[str]:
        """Columns that mean nothing to us and are not stored."""
        used = self.profile.get("columns", {})
        header = self.profile.get("header", [])
        return [name for name in header if (name if self.profile.get("headerless") else plain(name)) not in used]


class ImportChunk(Base):
    """A piece (about 1 MB) of a raw file."""

    __tablename__ = "import_chunks"
    file_id: Mapped[int] = mapped_column(sa.ForeignKey("import_files.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class QuarantinedRow(Base):
    """A row that was wrong, whole, with its line and the reasons; kept as long as its file, then deleted."""

    __tablename__ = "quarantined_rows"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    import_id: Mapped[int] = mapped_column(sa.BigInteger)
    file_id: Mapped[int] = mapped_column(sa.BigInteger)
    line: Mapped[int]
    cells: Mapped[list] = mapped_column(JSONB)
    """The record as it stood in the file, cell by cell (a shifted row cannot be told apart by column)."""
    reasons: Mapped[list[str]] = mapped_column(Words)
    corrected_at: Mapped[datetime | None] = mapped_column(Moment)
    about: Mapped[str | None]
    """The number of the patient of whom it says a no, or what nobody understands; empty when it has none; None when it
    says nothing of that. Whoever it may be about is not contacted (ops/messages/unread.sql) until the row is right, or
    a later file says it so that we understand."""
    about_keys: Mapped[list[bytes]] = mapped_column(ARRAY(sa.LargeBinary), server_default=sa.text("'{}'"))
    """The contact keys of the numbers and addresses that stand in such a row: nobody contacts these either."""
    about_name: Mapped[str] = mapped_column(server_default=sa.text("''"))
    """First and last name in one, where it has no number: anybody of that name and `about_born` may be meant."""
    about_born: Mapped[date | None]
    about_people: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger), server_default=sa.text("'{}'"))
    """The patients it was found to be about once: they stay so when their number or name is corrected."""

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["practice_id", "import_id"], ["imports.practice_id", "imports.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id", "file_id"], ["import_files.import_id", "import_files.id"], ondelete="CASCADE"
        ),
        sa.UniqueConstraint("practice_id", "id"),
        sa.UniqueConstraint("file_id", "line"),
        sa.Index(None, "import_id"),
        sa.Index(
            "ix_quarantined_rows_holding",
            "practice_id",
            "about",
            postgresql_where=sa.text("about IS NOT NULL AND corrected_at IS NULL"),
        ),
    )

    @classmethod
    def holding(cls) -> sa.ColumnElement[bool]:
        """Whether the row keeps somebody from being contacted (ops/messages/unread.sql)."""
        keys = sa.table("unread_keys", sa.column("row_id", sa.BigInteger))
        return sa.exists().where(keys.c.row_id == cls.id)

    @classmethod
    def waiting(cls) -> sa.ColumnElement[bool]:
        """Whether it says something of contacting somebody, and nobody who is here can be meant."""
        return sa.and_(cls.about.is_not(None), cls.corrected_at.is_(None), ~cls.holding())


class SavedMapping(Base):
    """How a practice's unusual columns are read, found again by the set of its headers."""

    __tablename__ = "saved_mappings"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.ForeignKey("practices.id", ondelete="CASCADE"))
    name: Mapped[str]
    headers: Mapped[list[str]] = mapped_column(Words)
    profile: Mapped[dict] = mapped_column(JSONB)
    saved_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (sa.UniqueConstraint("practice_id", "name"),)
