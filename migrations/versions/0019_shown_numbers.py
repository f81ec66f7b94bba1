"""The log of reads keeps which number was shown, a friend of two patients is one, 00101 and 101 are one patient."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
SAME_ID = (
    "CASE WHEN external_id ~ '^[0-9]+([.]0+)?$'"
    " THEN coalesce(nullif(ltrim(split_part(external_id, '.', 1), '0'), ''), '0') ELSE external_id END"
)


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
    op.create_index(
        op.f("ix_patients_odd_ids"),
        "patients",
        ["practice_id", sa.text(f"({SAME_ID})")],
        postgresql_where=sa.text(f"external_id <> {SAME_ID}"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_patients_odd_ids"), "patients")
    op.drop_index(op.f("ix_referrals_practice_id_contact_key"), "referrals")
    op.drop_constraint(op.f("fk_referrals_practice_id_joined_id_referrals"), "referrals", type_="foreignkey")
    op.drop_column("referrals", "joined_id")
    op.drop_column("patient_reads", "shown_key")
