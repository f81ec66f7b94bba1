"""The numbers and addresses of whoever wrote what nobody has read, as rows: each claim looks into them several times."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

UNREAD = """
    INSERT INTO unread_keys (reply_id, practice_id, key)
    SELECT i.id, i.practice_id, i.contact_key FROM inbound_messages i
    WHERE i.meaning <> 'stop' AND i.decided_at IS NULL
    UNION
    SELECT i.id, i.practice_id, k.key FROM inbound_messages i JOIN patients a ON a.id = i.patient_id
    CROSS JOIN LATERAL (VALUES (a.phone_key), (a.email_key)) k (key)
    WHERE i.meaning <> 'stop' AND i.decided_at IS NULL AND k.key IS NOT NULL
"""


def upgrade() -> None:
    op.create_table(
        "unread_keys",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("reply_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reply_id"],
            ["inbound_messages.id"],
            name="fk_unread_keys_reply_id_inbound_messages",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name="fk_unread_keys_practice_id_practices"),
        sa.PrimaryKeyConstraint("key", "reply_id", name="pk_unread_keys"),
    )
    op.create_index("ix_unread_keys_reply_id", "unread_keys", ["reply_id"])
    op.drop_index("ix_inbound_messages_unread", table_name="inbound_messages")
    op.execute(UNREAD)


def downgrade() -> None:
    for table in ("inbound_messages", "patients"):
        op.execute(f"DROP TRIGGER IF EXISTS unread_keys ON {table}")
    op.create_index(
        "ix_inbound_messages_unread",
        "inbound_messages",
        ["contact_key"],
        postgresql_where=sa.text("meaning <> 'stop' AND decided_at IS NULL"),
    )
    op.drop_table("unread_keys")
