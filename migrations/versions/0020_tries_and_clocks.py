"""Failed sign-ins are counted by account and source; the installation says by how much its clock is shifted."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_tries",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("failed >= 1", name=op.f("ck_sign_in_tries_failed")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sign_in_tries_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "source", name=op.f("pk_sign_in_tries")),
    )
    op.add_column("installation", sa.Column("clock_offset_minutes", sa.Integer(), nullable=True))
    op.drop_column("users", "locked_until")
    op.drop_column("users", "failed_sign_ins")


def downgrade() -> None:
    op.add_column("users", sa.Column("failed_sign_ins", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("users", "failed_sign_ins", server_default=None)
    op.add_column("users", sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True))
    op.drop_column("installation", "clock_offset_minutes")
    op.drop_table("sign_in_tries")
