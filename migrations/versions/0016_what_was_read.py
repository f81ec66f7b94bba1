"""What of a patient was read is a code, with the task, concern, attempt or month it is about in columns beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TO_CODES = r"""
    UPDATE patient_reads SET
        what = CASE
            WHEN what ~ '^task \d+: (card|number|address)$' THEN substring(what FROM '\w+$')
            WHEN what ~ '^task \d+: its story$' THEN 'story'
            WHEN what ~ '^concern \d+$' THEN 'concern'
            WHEN what ~ '^coaching \d+$' THEN 'finished_card'
            WHEN what ~ '^report \d{4}-\d{2}$' THEN 'report'
            WHEN what = 'found by search' THEN 'search'
            WHEN what = 'patient page' THEN 'patient_page'
            ELSE what
        END,
        subject_id = CAST(substring(what FROM '^(?:task|concern|coaching) (\d+)') AS bigint),
        month = CAST(substring(what FROM '^report (\d{4}-\d{2})$') || '-01' AS date)
"""
TO_SENTENCES = """
    UPDATE patient_reads SET what = CASE
        WHEN what IN ('card', 'number', 'address') THEN 'task ' || subject_id || ': ' || what
        WHEN what = 'story' THEN 'task ' || subject_id || ': its story'
        WHEN what = 'concern' THEN 'concern ' || subject_id
        WHEN what = 'finished_card' THEN 'coaching ' || subject_id
        WHEN what = 'report' THEN 'report ' || to_char(month, 'YYYY-MM')
        WHEN what = 'search' THEN 'found by search'
        WHEN what = 'patient_page' THEN 'patient page'
        ELSE what
    END
"""
WITH_SUBJECT = "what IN ('card', 'number', 'address', 'story', 'concern', 'finished_card')"
CHECKS = {
    "what": "what IN ('search', 'patient_page', 'messages', 'card', 'number', 'address', 'story', 'concern', "
    "'finished_card', 'report')",
    "what_has_subject": f"({WITH_SUBJECT}) = (subject_id IS NOT NULL)",
    "report_has_month": "(what = 'report') = (month IS NOT NULL)",
}


def upgrade() -> None:
    op.add_column("patient_reads", sa.Column("subject_id", sa.BigInteger(), nullable=True))
    op.add_column("patient_reads", sa.Column("month", sa.Date(), nullable=True))
    _rewrite(TO_CODES)
    op.alter_column("patient_reads", "what", type_=sa.String(40))
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_patient_reads_{name}"), "patient_reads", check)


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_patient_reads_{name}"), "patient_reads", type_="check")
    op.alter_column("patient_reads", "what", type_=sa.String())
    _rewrite(TO_SENTENCES)
    op.drop_column("patient_reads", "month")
    op.drop_column("patient_reads", "subject_id")


def _rewrite(statement: str) -> None:
    """The same said otherwise: the log is append only for everybody else."""
    op.execute("ALTER TABLE patient_reads DISABLE TRIGGER USER")
    op.get_bind().exec_driver_sql(statement)
    op.execute("ALTER TABLE patient_reads ENABLE TRIGGER USER")
