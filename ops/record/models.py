"""Which records of a practice are one human, as a lead has said."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base, Moment


class RecordMerge(Base):
    """Two records are one human: the kept one speaks for both (ops/practices/records.sql) until it is taken back."""

    __tablename__ = "record_merges"
    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    practice_id: Mapped[int] = mapped_column(sa.BigInteger)
    kept_id: Mapped[int] = mapped_column(sa.BigInteger)
    merged_id: Mapped[int] = mapped_column(sa.BigInteger)
    why: Mapped[str]
    merged_at: Mapped[datetime] = mapped_column(Moment)
    merged_by: Mapped[str]
    waits: Mapped[list[bytes]] = mapped_column(ARRAY(sa.LargeBinary))
    """The keys under which what either refused waits for a number or address to come (`refusals.keys_of`)."""
    changed: Mapped[dict] = mapped_column(JSONB)
    """The open work of the merged record: what went over to the kept one, and what was ended as double."""
    undone_at: Mapped[datetime | None] = mapped_column(Moment)
    undone_by: Mapped[str | None]
    undone_why: Mapped[str | None]

    __table_args__ = (
        sa.ForeignKeyConstraint(["practice_id", "kept_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "merged_id"], ["patients.practice_id", "patients.id"]),
        sa.CheckConstraint("kept_id <> merged_id", name="two_records"),
        sa.CheckConstraint("num_nulls(undone_at, undone_by, undone_why) IN (0, 3)", name="undone_has_words"),
        sa.Index("uq_record_merges_merged_id", "merged_id", unique=True, postgresql_where=sa.text("undone_at IS NULL")),
        sa.Index("ix_record_merges_kept_id", "kept_id", postgresql_where=sa.text("undone_at IS NULL")),
    )
