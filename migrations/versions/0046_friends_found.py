"""A friend who became a patient is found, or asked about, and their visits move the referral on.

Downgrading forgets who was said not to be them, and the open questions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("referrals", sa.Column("email_key", sa.LargeBinary(), nullable=True))
    op.add_column("referrals", sa.Column("maybe_patient_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "referrals", sa.Column("not_patients", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False)
    )
    op.add_column("referrals", sa.Column("follows_visits", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.alter_column("referrals", "not_patients", server_default=None)
    op.alter_column("referrals", "follows_visits", server_default=None)
    op.create_foreign_key(
        op.f("fk_referrals_practice_id_maybe_patient_id_patients"),
        "referrals",
        "patients",
        ["practice_id", "maybe_patient_id"],
        ["practice_id", "id"],
        postgresql_not_valid=True,
    )
    op.create_index(op.f("ix_referrals_contact_key"), "referrals", ["contact_key"])
    known = sa.text("patient_id IS NOT NULL")
    op.create_index("uq_referrals_patient_id", "referrals", ["patient_id"], unique=True, postgresql_where=known)
    # the address is kept as it was given; what it is compared by stands beside the consent to use it
    op.execute(
        """
        UPDATE referrals r SET email_key = e.contact_key FROM consent_events e
        WHERE e.person = 'referral:' || r.id AND e.channel = 'email' AND r.friend_email IS NOT NULL
        """
    )


def downgrade() -> None:
    op.drop_index("uq_referrals_patient_id", table_name="referrals")
    op.drop_index(op.f("ix_referrals_contact_key"), table_name="referrals")
    for column in ("follows_visits", "not_patients", "maybe_patient_id", "email_key"):
        op.drop_column("referrals", column)
