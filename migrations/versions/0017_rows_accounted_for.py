"""Every row that an import read is accounted for: stored, unchanged, quarantined, ahead, or not held."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

COLUMNS = ("rows_stored", "rows_unchanged", "rows_future", "rows_not_held")
CHECK = "rows_read = rows_stored + rows_unchanged + quarantined + rows_future + rows_not_held"


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("imports", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    # earlier loads did not tell their rows apart: what was not quarantined counts as stored
    op.execute("UPDATE imports SET rows_stored = greatest(rows_read - quarantined, 0)")
    op.execute("UPDATE imports SET rows_read = rows_stored + quarantined WHERE rows_read < quarantined")
    for name in COLUMNS:
        op.alter_column("imports", name, server_default=None)
    op.create_check_constraint(op.f("ck_imports_every_row_is_accounted_for"), "imports", CHECK)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_imports_every_row_is_accounted_for"), "imports", type_="check")
    for name in reversed(COLUMNS):
        op.drop_column("imports", name)
