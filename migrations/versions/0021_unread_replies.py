"""Every reply waits to be read, not only one that may mean stop; what the reader said it means is kept.

Replies from before that were answered by a call count as read: whoever called had the words on the card. The others
wait to be read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

UNREAD = "meaning <> 'stop' AND decided_at IS NULL"
ANSWERED = """
    UPDATE inbound_messages i SET decided_at = answered.at, decided_by = 'migration'
    FROM (SELECT i.id, min(t.finished_at) AS at FROM inbound_messages i JOIN tasks t ON t.patient_id = i.patient_id
          WHERE i.meaning = 'other' AND i.decided_at IS NULL AND t.kind = 'reply' AND t.state = 'done'
            AND t.created_at >= i.handled_at GROUP BY i.id) answered
    WHERE i.id = answered.id
"""


def upgrade() -> None:
    op.add_column("inbound_messages", sa.Column("decided_stop", sa.Boolean(), nullable=True))
    op.execute(ANSWERED)
    op.drop_index("ix_inbound_messages_undecided", table_name="inbound_messages")
    for name, column in (("unread", "contact_key"), ("unread_patient", "patient_id")):
        op.create_index(f"ix_inbound_messages_{name}", "inbound_messages", [column], postgresql_where=sa.text(UNREAD))
    op.create_index(
        "ix_patients_email_key", "patients", ["email_key"], postgresql_where=sa.text("email_key IS NOT NULL")
    )


def downgrade() -> None:
    op.execute("UPDATE inbound_messages SET decided_at = NULL, decided_by = NULL WHERE decided_by = 'migration'")
    op.drop_index("ix_patients_email_key", table_name="patients")
    for name in ("unread_patient", "unread"):
        op.drop_index(f"ix_inbound_messages_{name}", table_name="inbound_messages")
    op.create_index(
        "ix_inbound_messages_undecided",
        "inbound_messages",
        ["contact_key"],
        postgresql_where=sa.text("meaning = 'maybe_stop' AND decided_at IS NULL"),
    )
    op.drop_column("inbound_messages", "decided_stop")
