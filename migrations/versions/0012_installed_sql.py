"""What the database remembers of the SQL that is installed after migrating (ops/sql): functions, triggers, walls.

Until here migrations installed the functions from the files of the code, as those happened to be on the day. On the way
back below this revision the functions of that time stay, in the newest text, and all others go: a release of before this
revision needs the backup of before this migration.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BEFORE = (
    "audit_change",
    "clear_lanes",
    "contact_known",
    "desk_of",
    "next_task",
    "refit_tasks",
    "refuse_change",
    "refuse_change_of_suppression",
    "script_arm",
    "script_in_force",
)
"""What revision 0011 had: the migrations that made them drop them."""


def upgrade() -> None:
    op.create_table(
        "installed_sql",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("shapes", postgresql.JSONB(), nullable=False),
        sa.Column("seen", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_installed_sql"),
    )


def downgrade() -> None:
    made = sa.text("SELECT DISTINCT jsonb_object_keys(shapes) FROM installed_sql")
    for kind, name in sorted(key.split()[:2] for key in op.get_bind().scalars(made)):
        if kind in ("FUNCTION", "VIEW") and name not in BEFORE:
            op.execute(f"DROP {kind} IF EXISTS {name} CASCADE")
    op.drop_table("installed_sql")
