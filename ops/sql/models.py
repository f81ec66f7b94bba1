"""Which SQL of the code the database has: what migrating compares with the files, so that an edit reaches it."""

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ops.db import Base


class InstalledSql(Base):
    """One row for each file and each table's wall (ops/sql/install.py)."""

    __tablename__ = "installed_sql"
    name: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    """Of the text that was installed."""
    shapes: Mapped[dict[str, str]] = mapped_column(JSONB)
    """What it made ("FUNCTION next_task"), with what cannot be changed without dropping it."""
    seen: Mapped[dict[str, str]] = mapped_column(JSONB)
    """A hash of what the server said of each right after: what was changed by hand since then shows."""
