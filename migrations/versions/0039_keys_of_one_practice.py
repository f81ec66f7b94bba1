"""What is of a practice points at nothing of another: the practice is part of the keys between them.

The keys hold for every new row from here on. Rows that were there are looked at after this has committed, while others
go on reading and writing (`ops/migrate.py`).
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

UNIQUE = {
    "attempts": ("practice_id", "id"),
    "messages": ("practice_id", "id"),
    "inbound_messages": ("practice_id", "id"),
    "quarantined_rows": ("practice_id", "id"),
    "import_files": ("import_id", "id"),
    "script_versions": ("script_id", "id"),
}
KEYS = (
    # table, column, table it points at, what both share, what happens when that row is deleted
    ("cadence_runs", "cadence_id", "cadences", "practice_id", None),
    ("concerns", "attempt_id", "attempts", "practice_id", "CASCADE"),
    ("inbound_messages", "in_reply_to", "messages", "practice_id", None),
    ("unread_keys", "reply_id", "inbound_messages", "practice_id", "CASCADE"),
    ("unread_keys", "row_id", "quarantined_rows", "practice_id", "CASCADE"),
    ("quarantined_rows", "file_id", "import_files", "import_id", "CASCADE"),
    ("script_experiments", "a_version_id", "script_versions", "script_id", "CASCADE"),
    ("script_experiments", "b_version_id", "script_versions", "script_id", "CASCADE"),
)


def upgrade() -> None:
    for table, columns in UNIQUE.items():
        op.create_unique_constraint(op.f(f"uq_{table}_{'_'.join(columns)}"), table, list(columns))
    for table, column, of, shared, gone in KEYS:
        op.drop_constraint(op.f(f"fk_{table}_{column}_{of}"), table, type_="foreignkey")
        name = op.f(f"fk_{table}_{shared}_{column}_{of}")
        op.create_foreign_key(
            name, table, of, [shared, column], [shared, "id"], ondelete=gone, postgresql_not_valid=True
        )


def downgrade() -> None:
    for table, column, of, shared, gone in KEYS:
        op.drop_constraint(op.f(f"fk_{table}_{shared}_{column}_{of}"), table, type_="foreignkey")
        op.create_foreign_key(op.f(f"fk_{table}_{column}_{of}"), table, of, [column], ["id"], ondelete=gone)
    for table, columns in UNIQUE.items():
        op.drop_constraint(op.f(f"uq_{table}_{'_'.join(columns)}"), table, type_="unique")
