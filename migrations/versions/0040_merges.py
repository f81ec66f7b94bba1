"""A lead says which records of a practice are one human, and takes it back.

Downgrading forgets which records were merged.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "record_merges",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.String(), nullable=False),
        sa.Column("waits", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("changed", postgresql.JSONB(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_merges")),
        sa.ForeignKeyConstraint(
            ["practice_id", "kept_id"],
            ["patients.practice_id", "patients.id"],
            name=op.f("fk_record_merges_practice_id_kept_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["practice_id", "merged_id"],
            ["patients.practice_id", "patients.id"],
            name=op.f("fk_record_merges_practice_id_merged_id_patients"),
        ),
        sa.CheckConstraint("kept_id <> merged_id", name=op.f("ck_record_merges_two_records")),
        sa.CheckConstraint(
            "num_nulls(undone_at, undone_by, undone_why) IN (0, 3)", name=op.f("ck_record_merges_undone_has_words")
        ),
    )
    stands = sa.text("undone_at IS NULL")
    op.create_index("uq_record_merges_merged_id", "record_merges", ["merged_id"], unique=True, postgresql_where=stands)
    op.create_index("ix_record_merges_kept_id", "record_merges", ["kept_id"], postgresql_where=stands)


def downgrade() -> None:
    op.drop_table("record_merges")
