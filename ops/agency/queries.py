"""What holds for the agency: the environment, else what an admin set, else the product's own words.

Every message and every claim asks, so a process reads the row at most once in `READ_EVERY_S` seconds. Who sets it has
it at once; the other processes soon.
"""

import time as stopwatch
from dataclasses import dataclass
from datetime import time
from typing import Any

import sqlalchemy as sa

from ops.config import settings
from ops.db import read_row

READ_EVERY_S = 5
ROW = """
    SELECT name, number, postal_address, opens, closes, logo_hash FROM agency_settings WHERE id = 1
"""
FROM_ENVIRONMENT = {"name": "agency_name", "number": "agency_number", "postal_address": "postal_address"}
"""What the environment may set: here -> there."""


@dataclass(frozen=True)
class Agency:
    """`opens` and `closes` are local times of whoever is called; both or none. `logo_hash`: None without a logo."""

    name: str
    number: str
    postal_address: str
    opens: time | None = None
    closes: time | None = None
    logo_hash: str | None = None

    @property
    def hours(self) -> tuple[time, time] | None:
        """The courtesy hours [opens, closes)."""
        return (self.opens, self.closes) if self.opens and self.closes else None


_read: dict[str, Any] = {}
"""The row as it was read last, and when."""


def agency(connection: sa.Connection | None = None) -> Agency:
    """What holds now, read over this connection where there is no application around us. Raises what the database
    raises: nobody guesses at the hours."""
    row = connection.execute(sa.text(ROW)).first() if connection else _row()
    conf, wins = settings(), set_there()
    said: dict[str, str] = {}
    for name, there in FROM_ENVIRONMENT.items():
        said[name] = (getattr(row, name, "") if name not in wins else "") or getattr(conf, there)
    here = (row.opens, row.closes, row.logo_hash) if row else ()
    return Agency(said["name"], said["number"], said["postal_address"], *here)


def set_there() -> frozenset[str]:
    """What the environment decides: whatever is set there, and not empty."""
    conf = settings()
    return frozenset(
        name for name, there in FROM_ENVIRONMENT.items() if there in conf.model_fields_set and getattr(conf, there)
    )


def emails_wait(connection: sa.Connection | None = None) -> str:
    """Why no email leaves to a patient though there is a server for it, as a sentence; "" when they do, and when there
    is none. `connection` as in `agency`."""
    if not settings().smtp_url or agency(connection).postal_address:
        return ""
    return "Emails to patients wait: the agency has no postal address, which has to stand below them (page The agency)."


def hours() -> tuple[time, time] | None:
    """The courtesy hours that were set. None without an installation around us: a calculation, not a contact."""
    try:
        return agency().hours
    except RuntimeError as problem:
        if "application context" in str(problem):
            return None
        raise


def _row() -> Any:
    now = stopwatch.monotonic()
    if not _read or abs(now - _read["at"]) > READ_EVERY_S:
        _read.update(row=read_row(ROW, {}), at=now)
    return _read["row"]


def forget() -> None:
    """Read it again: it was just set."""
    _read.clear()
