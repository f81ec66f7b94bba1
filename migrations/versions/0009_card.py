"""An agent's own promises are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_tasks_own_promises",
        "tasks",
        ["owner_id", "promised_at"],
        postgresql_where=sa.text("state = 'waiting' AND promised_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS desk_of")  # made here until migrations stopped installing functions
    op.drop_index("ix_tasks_own_promises", "tasks")
