"""What was looked at before its rule existed is looked at again: each practice's rules have a version, and the version
its milestones were looked at under. A cadence of which nothing could be sent says so, and what was missing.

Every practice there is has its milestones looked at again: before this, some were looked at too early.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BEFORE = (
    "answered",
    "other_call",
    "steps_taken",
    "days_over",
    "may_not",
    "wrote_back",
    "opted_out",
    "by_lead",
)
AFTER = (*BEFORE[:3], "not_sent", *BEFORE[3:])
WORDS_OF_LEAD = "(coalesce(end_reason, '') = 'by_lead') = (end_words IS NOT NULL)"
WORDS = "(coalesce(end_reason, '') IN ('by_lead', 'not_sent')) = (end_words IS NOT NULL)"


def upgrade() -> None:
    op.create_table(
        "rule_changes",
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id"], ["practices.id"], name="fk_rule_changes_practice_id_practices", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("practice_id", name="pk_rule_changes"),
    )
    op.execute("INSERT INTO rule_changes (practice_id, version, applied) SELECT id, 1, 0 FROM practices")
    _reasons(AFTER, "words", WORDS, was="lead_has_words")
    op.create_index(
        "ix_cadence_runs_not_sent",
        "cadence_runs",
        ["practice_id", "closes_at"],
        postgresql_where=sa.text("end_reason = 'not_sent'"),
    )


def downgrade() -> None:
    """What could not be sent counts as all steps taken again, and what was missing is lost."""
    op.drop_index("ix_cadence_runs_not_sent", "cadence_runs")
    op.execute("UPDATE cadence_runs SET end_reason = 'steps_taken', end_words = NULL WHERE end_reason = 'not_sent'")
    _reasons(BEFORE, "lead_has_words", WORDS_OF_LEAD, was="words")
    for table in ("cadences", "triggers", "treatment_types", "practices", "review_links", "script_versions"):
        op.execute(f"DROP TRIGGER IF EXISTS rules_changed ON {table}")
    op.drop_table("rule_changes")


def _reasons(values: tuple[str, ...], name: str, words: str, *, was: str) -> None:
    listed = ", ".join(repr(value) for value in values)
    for old in ("end_reason", was):
        op.drop_constraint(op.f(f"ck_cadence_runs_{old}"), "cadence_runs", type_="check")
    op.create_check_constraint(op.f("ck_cadence_runs_end_reason"), "cadence_runs", f"end_reason IN ({listed})")
    op.create_check_constraint(op.f(f"ck_cadence_runs_{name}"), "cadence_runs", words)
