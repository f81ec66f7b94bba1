"""Somebody says that a load holds every visit of some days: those it does not name can be withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("whole_from", sa.Date(), nullable=True))
    op.add_column("imports", sa.Column("whole_until", sa.Date(), nullable=True))
    op.add_column("imports", sa.Column("absent_withdrawn", sa.Integer(), nullable=False, server_default="0"))
    op.create_check_constraint(
        op.f("ck_imports_whole_days"),
        "imports",
        "num_nulls(whole_from, whole_until) IN (0, 2) AND whole_from <= whole_until IS NOT FALSE",
    )
    op.add_column("milestones", sa.Column("named_in", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("milestones", "named_in")
    op.drop_constraint(op.f("ck_imports_whole_days"), "imports", type_="check")
    for name in ("absent_withdrawn", "whole_until", "whole_from"):
        op.drop_column("imports", name)
