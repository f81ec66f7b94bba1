"""A reply that speaks of a symptom is read before everything else: the words in it, and the mark on its card.

Building the index of promises anew blocks writes to tasks meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

EVENTS = (
    *("opened", "claimed", "skipped", "snoozed", "retry", "returned", "lease_expired", "shut", "done", "undone"),
    *("cancelled", "pulled_back", "handed", "sent", "promise_broken", "corrected"),
)
PROMISED = sa.text("state = 'waiting' AND offered AND promised_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("inbound_messages", sa.Column("symptoms", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("tasks", sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_inbound_messages_symptoms",
        "inbound_messages",
        ["received_at"],
        postgresql_where=sa.text("symptoms IS NOT NULL AND decided_at IS NULL"),
    )
    op.drop_index("ix_tasks_promised", table_name="tasks")
    first = [sa.text("urgent DESC"), "promised_at", "id"]
    op.create_index("ix_tasks_promised", "tasks", first, postgresql_where=PROMISED)
    _events((*EVENTS, "wrote_again"))


def downgrade() -> None:
    """Which replies spoke of a symptom is lost, and that somebody wrote again."""
    op.execute("DELETE FROM task_events WHERE kind = 'wrote_again'")
    _events(EVENTS)
    op.drop_index("ix_tasks_promised", table_name="tasks")
    op.create_index("ix_tasks_promised", "tasks", ["promised_at", "id"], postgresql_where=PROMISED)
    op.drop_column("tasks", "urgent")
    op.drop_index("ix_inbound_messages_symptoms", table_name="inbound_messages")
    op.drop_column("inbound_messages", "symptoms")


def _events(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(repr(kind) for kind in kinds)
    op.drop_constraint(op.f("ck_task_events_kind"), "task_events", type_="check")
    op.create_check_constraint(op.f("ck_task_events_kind"), "task_events", f"kind IN ({listed})")
