"""A milestone keeps which visit of its file it is of, so that a treatment that is renamed moves it."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("milestones", sa.Column("visit", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("milestones", "visit")
