"""What the desk records of a call, what it needs to take an outcome back, and each agent's own keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RETRACT = """
CREATE FUNCTION refuse_change_of_suppression() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    -- the one way out: an outcome that was a slip of the finger is taken back, row by named row, and told in the audit
    IF TG_OP = 'DELETE' AND current_setting('app.retract', true) = OLD.id::text THEN
        INSERT INTO audit_log (actor, change, table_name, row_id, practice_id, before, reason)
        VALUES (coalesce(nullif(current_setting('app.actor', true), ''), 'database:' || session_user), 'delete',
                TG_TABLE_NAME, OLD.id::text, OLD.practice_id, to_jsonb(OLD) - 'contact_key', 'outcome taken back');
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""
TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON suppressions FOR EACH ROW EXECUTE FUNCTION {}()
"""


def _columns() -> tuple[sa.Column, ...]:
    return (
        sa.Column("answers", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("opening_said", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("talk_seconds", sa.Integer(), nullable=True),
        sa.Column("wrap_seconds", sa.Integer(), nullable=True),
        sa.Column("away_seconds", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("undo", postgresql.JSONB(), nullable=True),
    )


def upgrade() -> None:
    for column in _columns():
        op.add_column("attempts", column)
    op.create_index("ix_attempts_undo", "attempts", ["at"], postgresql_where=sa.text("undo IS NOT NULL"))
    op.create_index("ix_attempts_script_version_id", "attempts", ["script_version_id"])
    op.execute(RETRACT)
    op.execute("DROP TRIGGER append_only ON suppressions")
    op.execute(TRIGGER.format("refuse_change_of_suppression"))
    op.create_table(
        "desk_keys",
        sa.Column("user_id", sa.BigInteger(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("keys", postgresql.JSONB(), nullable=False),
        sa.Column("dials", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_desk_keys"),
    )


def downgrade() -> None:
    op.drop_table("desk_keys")
    op.execute("DROP TRIGGER IF EXISTS append_only ON suppressions")
    op.execute("DROP FUNCTION refuse_change_of_suppression()")
    op.execute(TRIGGER.format("refuse_change"))
    op.drop_index("ix_attempts_script_version_id", "attempts")
    op.drop_index("ix_attempts_undo", "attempts")
    for column in reversed(_columns()):
        op.drop_column("attempts", column.name)
