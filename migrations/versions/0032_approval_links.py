"""Each of a practice's people is sent a link of their own to approve a text; the answer says by which, and from where.

Questions that are open end: the link of before was shown to whoever asked. They are asked again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_unique_constraint(op.f("uq_script_approvals_practice_id_id"), "script_approvals", ["practice_id", "id"])
    op.create_table(
        "script_approval_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("address", sa.String()),
        sa.Column("browser", sa.String()),
        sa.ForeignKeyConstraint(
            ["practice_id", "approval_id"], ["script_approvals.practice_id", "script_approvals.id"], ondelete="CASCADE"
        ),
        sa.UniqueConstraint("approval_id", "user_id"),
    )
    op.create_index(
        "uq_script_approval_links_used",
        "script_approval_links",
        ["approval_id"],
        unique=True,
        postgresql_where=sa.text("used_at IS NOT NULL"),
    )
    op.execute("UPDATE script_approvals SET expires_at = least(expires_at, now()) WHERE answer IS NULL")
    op.execute("DELETE FROM staff_mails WHERE kind = 'approval' AND user_id IS NULL AND state = 'queued'")


def downgrade() -> None:
    op.drop_table("script_approval_links")
    op.drop_constraint(op.f("uq_script_approvals_practice_id_id"), "script_approvals", type_="unique")
