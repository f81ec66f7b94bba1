"""An opt-out that was said twice within minutes is kept twice: the first may be taken back, the second was meant."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppressions_again",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("suppression_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions_again"),
        sa.ForeignKeyConstraint(
            ["suppression_id"], ["suppressions.id"], name="fk_suppressions_again_suppression_id_suppressions"
        ),
    )
    op.create_index("ix_suppressions_again_suppression_id", "suppressions_again", ["suppression_id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON suppressions_again "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("suppressions_again")
