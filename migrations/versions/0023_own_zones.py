"""A person's own time zone, in which pages show them moments."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("zone", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "zone")
