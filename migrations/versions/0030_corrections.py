"""Corrections that take something back: a visit that did not take place is withdrawn and kept, each change of a
milestone is a row until what follows from it is done, and a message that nobody wants any more ends with its reason.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

SUM = "rows_read = rows_stored + rows_unchanged + quarantined + rows_future + rows_not_held"
WITH_WORDS = ("by_lead", "not_sent")
REASONS = (
    *("answered", "other_call", "steps_taken", "not_sent", "days_over", "may_not", "wrote_back", "opted_out"),
    "by_lead",
)
NEW_REASONS = ("visit_withdrawn", "visit_changed", "came_back")
EVENTS = (
    *("opened", "claimed", "skipped", "snoozed", "retry", "returned", "lease_expired", "shut", "done", "undone"),
    *("cancelled", "pulled_back", "handed", "sent", "promise_broken"),
)
STATES = ("queued", "claimed", "attempting", "accepted", "delivered", "failed", "unknown", "blocked")


def upgrade() -> None:
    op.add_column("milestones", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("milestones", sa.Column("withdrawn_why", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_milestones_withdrawn_has_why"), "milestones", "(withdrawn_at IS NULL) = (withdrawn_why IS NULL)"
    )
    op.create_table(
        "milestone_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("milestone_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("was_on", sa.Date(), nullable=False),
        sa.Column("was_treatment_type_id", sa.BigInteger(), nullable=True),
        sa.Column("was_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_why", sa.String(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["practice_id", "milestone_id"],
            ["milestones.practice_id", "milestones.id"],
            name=op.f("fk_milestone_changes_practice_id_milestone_id_milestones"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone_changes")),
    )
    op.create_index(op.f("ix_milestone_changes_milestone_id"), "milestone_changes", ["milestone_id"])
    op.create_index(
        "ix_milestone_changes_to_apply",
        "milestone_changes",
        ["practice_id"],
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.add_column("imports", sa.Column("rows_withdrawn", sa.Integer(), server_default="0", nullable=False))
    op.alter_column("imports", "rows_withdrawn", server_default=None)
    _check("imports", "every_row_is_accounted_for", f"{SUM} + rows_withdrawn")
    _reasons((*REASONS, *NEW_REASONS), (*WITH_WORDS, "visit_withdrawn"))
    _check("task_events", "kind", _one_of("kind", (*EVENTS, "corrected")))
    for table in ("messages", "message_events"):
        _check(table, "state", _one_of("state", (*STATES, "cancelled")))
    op.add_column("messages", sa.Column("filled_with", JSONB(), nullable=True))
    op.add_column("practices", sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """What was withdrawn counts as held again, and rows that withdrew it as visits that are not stored."""
    op.drop_column("practices", "resumed_at")
    op.drop_column("messages", "filled_with")
    for table in ("messages", "message_events"):
        op.execute(f"UPDATE {table} SET state = 'blocked' WHERE state = 'cancelled'")
        _check(table, "state", _one_of("state", STATES))
    op.execute("DELETE FROM task_events WHERE kind = 'corrected'")
    _check("task_events", "kind", _one_of("kind", EVENTS))
    op.execute(
        "UPDATE cadence_runs SET end_reason = 'days_over', end_words = NULL WHERE "
        + _one_of("end_reason", NEW_REASONS)
    )
    _reasons(REASONS, WITH_WORDS)
    op.execute("UPDATE imports SET rows_not_held = rows_not_held + rows_withdrawn, rows_withdrawn = 0")
    _check("imports", "every_row_is_accounted_for", SUM)
    op.drop_column("imports", "rows_withdrawn")
    op.execute("DROP TRIGGER IF EXISTS milestone_changed ON milestones")
    op.drop_table("milestone_changes")
    op.execute("DROP TRIGGER IF EXISTS look_again ON milestones")
    op.drop_constraint(op.f("ck_milestones_withdrawn_has_why"), "milestones", type_="check")
    op.drop_column("milestones", "withdrawn_why")
    op.drop_column("milestones", "withdrawn_at")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(map(repr, values))})"


def _check(table: str, name: str, says: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, says)


def _reasons(values: tuple[str, ...], with_words: tuple[str, ...]) -> None:
    _check("cadence_runs", "end_reason", _one_of("end_reason", values))
    words = _one_of("coalesce(end_reason, '')", with_words)
    _check("cadence_runs", "words", f"({words}) = (end_words IS NOT NULL)")
