"""A row that is put aside holds whomever it may be about: by number, address, or name and birth date too.

Downgrading forgets what the rows say beside the practice's own number.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind in (("about_keys", sa.LargeBinary()), ("about_people", sa.BigInteger())):
        column = sa.Column(name, postgresql.ARRAY(kind), nullable=False, server_default=sa.text("'{}'"))
        op.add_column("quarantined_rows", column)
    op.add_column("quarantined_rows", sa.Column("about_name", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column("quarantined_rows", sa.Column("about_born", sa.Date(), nullable=True))


def downgrade() -> None:
    op.execute("DROP VIEW IF EXISTS not_understood")
    op.execute("DROP VIEW IF EXISTS rows_about")
    op.execute("DROP TRIGGER IF EXISTS unread_keys_of_corrected ON quarantined_rows")
    for name in ("about_born", "about_name", "about_people", "about_keys"):
        op.drop_column("quarantined_rows", name)
