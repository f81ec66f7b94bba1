"""What an admin set for the agency: one row or none."""

from datetime import time

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base


class AgencySettings(Base):
    """Empty texts are not set: the environment or the product's own words stand for them."""

    __tablename__ = "agency_settings"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(default="")
    number: Mapped[str] = mapped_column(default="")
    """Number to call back, E.164, for practices that gave none of their own."""
    postal_address: Mapped[str] = mapped_column(default="")
    opens: Mapped[time | None]
    """Nobody is called or texted before, wherever they are, by their own clock; nor from `closes` on."""
    closes: Mapped[time | None]
    logo: Mapped[bytes | None]
    logo_type: Mapped[str | None]
    """image/png or image/jpeg."""
    logo_hash: Mapped[str | None]

    __table_args__ = (
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.CheckConstraint("(opens IS NULL) = (closes IS NULL) AND opens < closes", name="hours_of_a_day"),
        sa.CheckConstraint(
            "(logo IS NULL) = (logo_type IS NULL) AND (logo IS NULL) = (logo_hash IS NULL)", name="logo_whole"
        ),
        sa.CheckConstraint("logo_type IN ('image/png', 'image/jpeg')", name="logo_type"),
    )
