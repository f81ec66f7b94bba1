"""A new practice is not live: nobody is contacted for it until what is missing is there and somebody says so.

Those that were active stay live, whatever they lack. Going back, one that was not live yet is paused.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def _allow(*values: str) -> None:
    op.drop_constraint(op.f("ck_practices_status"), "practices", type_="check")
    op.create_check_constraint(op.f("ck_practices_status"), "practices", f"status IN ({', '.join(map(repr, values))})")


def upgrade() -> None:
    _allow("active", "setup", "paused", "ended")


def downgrade() -> None:
    op.execute("UPDATE practices SET status = 'paused' WHERE status = 'setup'")
    _allow("active", "paused", "ended")
