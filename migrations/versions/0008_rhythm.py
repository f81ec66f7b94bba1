"""Breaks, corrected minutes and what leads set for the desk."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
EVENTS = (
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
)


def _closed_set(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "breaks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", _closed_set("kind", "break", "lunch", "training", "done"), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_breaks_ends_after_start")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_breaks_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breaks")),
    )
    op.create_index("ix_breaks_user_id_started_at", "breaks", ["user_id", "started_at"])
    op.create_index("uq_breaks_open", "breaks", ["user_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL"))
    op.create_table(
        "minute_corrections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Numeric(6, 2), nullable=False),
        sa.Column("after", sa.Numeric(6, 2), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.CheckConstraint("after BETWEEN 0 AND 60", name=op.f("ck_minute_corrections_after_range")),
        sa.CheckConstraint("before <> after", name=op.f("ck_minute_corrections_changes_something")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_minute_corrections_has_reason")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_minute_corrections_attempt_id_attempts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minute_corrections")),
    )
    op.create_index("ix_minute_corrections_attempt_id", "minute_corrections", ["attempt_id"])
    op.create_index("ix_minute_corrections_at", "minute_corrections", ["at"])
    # not on DELETE: an attempt that is taken back takes its corrections with it
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE ON minute_corrections "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "desk_settings",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("wrap_up", _closed_set("wrap_up", "open", "timed", "next", "ask"), nullable=False),
        sa.Column("wrap_up_seconds", sa.Integer(), nullable=False),
        sa.Column("idle_seconds", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_desk_settings_one_row")),
        sa.CheckConstraint("wrap_up_seconds BETWEEN 15 AND 600", name=op.f("ck_desk_settings_wrap_up_range")),
        sa.CheckConstraint("idle_seconds BETWEEN 30 AND 900", name=op.f("ck_desk_settings_idle_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_settings")),
    )
    op.execute(
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON desk_settings "
        "FOR EACH ROW EXECUTE FUNCTION audit_change('id', '')"
    )
    _events((*EVENTS, "sent"))


def downgrade() -> None:
    op.execute("DELETE FROM task_events WHERE kind = 'sent'")
    _events(EVENTS)
    for table in ("desk_settings", "minute_corrections", "breaks"):
        op.drop_table(table)


def _events(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_task_events_kind"), "task_events")
    op.create_check_constraint(op.f("ck_task_events_kind"), "task_events", sa.column("kind", sa.String(40)).in_(kinds))
