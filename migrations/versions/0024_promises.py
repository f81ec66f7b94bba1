"""A step that a cadence left out is told on its run; a promise that cannot be kept is told in its task's story; a
promised call counts toward the caps of its number before it is made, and a call whose outcome was taken back no more.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BEFORE = (
    "opened",
    "claimed",
    "skipped",
    "snoozed",
    "retry",
    "returned",
    "lease_expired",
    "shut",
    "done",
    "undone",
    "cancelled",
    "pulled_back",
    "handed",
    "sent",
)


def upgrade() -> None:
    op.add_column("contact_attempts", sa.Column("attempt_id", sa.BigInteger(), nullable=True))
    op.add_column("cadence_runs", sa.Column("left_out", postgresql.JSONB(), nullable=True))
    _events((*BEFORE, "promise_broken"))
    op.create_index(
        "ix_tasks_person_promised",
        "tasks",
        ["person_key", "promised_at"],
        postgresql_where=sa.text("state = 'waiting' AND promised_at IS NOT NULL"),
    )
    op.create_index(
        "ix_task_events_broken", "task_events", ["at"], postgresql_where=sa.text("kind = 'promise_broken'")
    )


def downgrade() -> None:
    """Which steps were left out and which promises could not be kept is lost; calls that were taken back count again."""
    op.drop_index("ix_task_events_broken", table_name="task_events")
    op.drop_index("ix_tasks_person_promised", table_name="tasks")
    op.execute("DELETE FROM task_events WHERE kind = 'promise_broken'")
    _events(BEFORE)
    op.drop_column("cadence_runs", "left_out")
    op.execute("DROP VIEW IF EXISTS counted_contacts")
    op.drop_column("contact_attempts", "attempt_id")


def _events(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(repr(kind) for kind in kinds)
    op.drop_constraint(op.f("ck_task_events_kind"), "task_events", type_="check")
    op.create_check_constraint(op.f("ck_task_events_kind"), "task_events", f"kind IN ({listed})")
