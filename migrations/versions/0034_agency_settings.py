"""The agency's own name, number, address, logo and courtesy hours are set on a page; the environment still wins."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agency_settings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("postal_address", sa.String(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=True),
        sa.Column("closes", sa.Time(), nullable=True),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_type", sa.String(), nullable=True),
        sa.Column("logo_hash", sa.String(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_agency_settings_one_row")),
        sa.CheckConstraint(
            "(opens IS NULL) = (closes IS NULL) AND opens < closes", name=op.f("ck_agency_settings_hours_of_a_day")
        ),
        sa.CheckConstraint(
            "(logo IS NULL) = (logo_type IS NULL) AND (logo IS NULL) = (logo_hash IS NULL)",
            name=op.f("ck_agency_settings_logo_whole"),
        ),
        sa.CheckConstraint("logo_type IN ('image/png', 'image/jpeg')", name=op.f("ck_agency_settings_logo_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_settings")),
    )


def downgrade() -> None:
    """What was set is lost; the environment stands alone again."""
    op.drop_table("agency_settings")
