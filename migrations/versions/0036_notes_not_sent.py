"""What was promised on a call and could not be sent is found without looking through every message."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_messages_not_sent", "messages", ["settled_at"], postgresql_where=sa.text("state IN ('failed', 'blocked')")
    )


def downgrade() -> None:
    op.drop_index("ix_messages_not_sent", table_name="messages")
