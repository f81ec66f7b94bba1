"""Nothing is left of it: it installed functions, which are installed after migrating now. Databases are at this number."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
