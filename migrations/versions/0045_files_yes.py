"""What practices' files say that their patients agreed to is kept, word for word.

Downgrading forgets it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

TABLE = "consent_events"
THEMSELF = sa.text("header IS NULL")
CHECKS = {
    "file_has_column": "num_nulls(patient_id, file, header) IN (0, 3)",
    "themself_by_number": "header IS NOT NULL OR contact_key IS NOT NULL",
    "ended_once_with_words": "num_nonnulls(ended_at, wrong_at) = num_nonnulls(ended_by)"
    " AND num_nonnulls(ended_by) = num_nonnulls(ended_words) AND (ended_by IS NULL OR header IS NOT NULL)",
}


def upgrade() -> None:
    op.add_column("imports", sa.Column("agreed", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column(TABLE, sa.Column("patient_id", sa.BigInteger()))
    for name in ("file", "header", "ended_by", "ended_words"):
        op.add_column(TABLE, sa.Column(name, sa.String()))
    for name in ("ended_at", "wrong_at"):
        op.add_column(TABLE, sa.Column(name, sa.DateTime(timezone=True)))
    op.alter_column(TABLE, "contact_key", nullable=True)
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, check, postgresql_not_valid=True)
    op.drop_index("ix_consent_events_practice_id", TABLE)
    op.drop_index("ix_consent_events_contact_key_practice_id", TABLE)
    op.create_index(
        "ix_consent_events_contact_key_practice_id", TABLE, ["contact_key", "practice_id"], postgresql_where=THEMSELF
    )
    op.create_index("ix_consent_events_practice_id_person", TABLE, ["practice_id", "person"], postgresql_where=THEMSELF)
    op.create_index(
        "uq_consent_events_of_a_file",
        TABLE,
        ["practice_id", "patient_id", "header", "channel", "words", "contact_key", "ended_at"],
        unique=True,
        postgresql_where=sa.text("header IS NOT NULL"),
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_column("imports", "agreed")
    op.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
    op.execute(f"DELETE FROM {TABLE} WHERE header IS NOT NULL")
    op.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER USER")
    for name in ("uq_consent_events_of_a_file", "ix_consent_events_practice_id_person"):
        op.drop_index(name, TABLE)
    op.drop_index("ix_consent_events_contact_key_practice_id", TABLE)
    op.create_index("ix_consent_events_contact_key_practice_id", TABLE, ["contact_key", "practice_id"])
    op.create_index("ix_consent_events_practice_id", TABLE, ["practice_id"])
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE)
    op.alter_column(TABLE, "contact_key", nullable=False)
    for name in ("wrong_at", "ended_at", "ended_words", "ended_by", "header", "file", "patient_id"):
        op.drop_column(TABLE, name)
