"""Cadences that ended because they might not be contacted are found like those that could not be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_cadence_runs_not_sent", table_name="cadence_runs")
    op.create_index(
        "ix_cadence_runs_not_taken",
        "cadence_runs",
        ["practice_id", "closes_at"],
        postgresql_where=sa.text("end_reason IN ('not_sent', 'may_not')"),
    )


def downgrade() -> None:
    op.drop_index("ix_cadence_runs_not_taken", table_name="cadence_runs")
    op.create_index(
        "ix_cadence_runs_not_sent",
        "cadence_runs",
        ["practice_id", "closes_at"],
        postgresql_where=sa.text("end_reason = 'not_sent'"),
    )
