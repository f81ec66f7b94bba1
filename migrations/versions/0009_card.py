"""The function that reads the agent's desk."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FUNCTION = Path(__file__).resolve().parents[2] / "ops" / "desk" / "card.sql"
"""Whoever changes this file adds a migration that installs it again; a test compares them."""


def upgrade() -> None:
    op.create_index(
        "ix_tasks_own_promises",
        "tasks",
        ["owner_id", "promised_at"],
        postgresql_where=sa.text("state = 'waiting' AND promised_at IS NOT NULL"),
    )
    op.execute(sa.text(FUNCTION.read_text().replace(":", "\\:")))


def downgrade() -> None:
    op.execute("DROP FUNCTION desk_of(bigint, timestamptz, timestamptz)")
    op.drop_index("ix_tasks_own_promises", "tasks")
