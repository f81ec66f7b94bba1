"""The log of reads keeps which number was shown, and a friend named by two patients is one friend."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("patient_reads", sa.Column("shown_key", sa.LargeBinary(), nullable=True))
    op.add_column("referrals", sa.Column("joined_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_referrals_practice_id_joined_id_referrals"),
        "referrals",
        "referrals",
        ["practice_id", "joined_id"],
        ["practice_id", "id"],
    )
    op.create_index(op.f("ix_referrals_practice_id_contact_key"), "referrals", ["practice_id", "contact_key"])


def downgrade() -> None:
    op.drop_index(op.f("ix_referrals_practice_id_contact_key"), "referrals")
    op.drop_constraint(op.f("fk_referrals_practice_id_joined_id_referrals"), "referrals", type_="foreignkey")
    op.drop_column("referrals", "joined_id")
    op.drop_column("patient_reads", "shown_key")
