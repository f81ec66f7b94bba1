"""Who has the same number and name in a practice is found in one look at an index, however many share the number.

Every load asks it of every patient, and a desk phone can stand on thousands of records.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_patients_phone_key", table_name="patients")
    op.execute(r"""
        CREATE INDEX ix_patients_phone_key ON patients (
            phone_key, practice_id, lower(regexp_replace(first_name || last_name, '[^[:alnum:]]', '', 'g'))
        ) WHERE phone_key IS NOT NULL
    """)


def downgrade() -> None:
    op.drop_index("ix_patients_phone_key", table_name="patients")
    op.execute("CREATE INDEX ix_patients_phone_key ON patients (phone_key) WHERE phone_key IS NOT NULL")
