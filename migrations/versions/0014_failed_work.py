"""Units of periodic work that raise, and a zone that PostgreSQL does not know cannot be a practice's."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "failed_work",
        sa.Column("work", sa.String(), nullable=False),
        sa.Column("row", sa.String(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("work", "row", name="pk_failed_work"),
        sa.CheckConstraint("times >= 1", name=op.f("ck_failed_work_failed")),
    )
    op.create_check_constraint(
        op.f("ck_practices_zone_known"), "practices", "(timestamptz 'epoch' AT TIME ZONE zone) IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_practices_zone_known"), "practices", type_="check")
    op.drop_table("failed_work")
