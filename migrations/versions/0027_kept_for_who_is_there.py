"""What is kept for somebody is kept until a moment, and is found when they leave."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

KEPT = "state = 'waiting' AND offered AND owner_id IS NOT NULL"


def upgrade() -> None:
    # without a moment it was kept from nobody, and without an owner for nobody
    op.execute(
        "UPDATE tasks SET owner_id = NULL, owner_until = NULL, handed_at = NULL "
        "WHERE (owner_id IS NULL) <> (owner_until IS NULL)"
    )
    op.create_check_constraint(
        op.f("ck_tasks_owner_has_moment"), "tasks", "(owner_id IS NULL) = (owner_until IS NULL)"
    )
    op.create_index("ix_tasks_kept", "tasks", ["owner_until"], postgresql_where=sa.text(KEPT))


def downgrade() -> None:
    op.drop_index("ix_tasks_kept", table_name="tasks")
    op.drop_constraint(op.f("ck_tasks_owner_has_moment"), "tasks", type_="check")
