"""How an idle desk calls its agent: by a sound, by the tab's title, or not at all."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("desk_keys", sa.Column("ring", sa.String(40), nullable=False, server_default="sound"))
    op.alter_column("desk_keys", "ring", server_default=None)
    op.create_check_constraint(op.f("ck_desk_keys_ring"), "desk_keys", "ring IN ('sound', 'title', 'nothing')")


def downgrade() -> None:
    op.drop_column("desk_keys", "ring")
