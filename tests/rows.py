"""A row of any table, made up from what the table says of its columns: for rules that hold for every table."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ops.sql.walls import WALLS, Through

_numbers = count(1)
NEEDED: dict[str, dict[str, Any]] = {
    # what a CHECK of the table asks for and no column says
    "agency_settings": {"id": 1},
    "cadence_steps": {"tries": 3},
    "consent_events": {"contact_key": b"a key"},
    "desk_settings": {"id": 1, "wrap_up_seconds": 60, "idle_seconds": 60, "unused_numbers": 12, "numbers_an_hour": 90},
    "imports": dict.fromkeys(
        "rows_read rows_stored rows_unchanged quarantined rows_future rows_not_held rows_withdrawn".split(), 0
    ),
    "minute_corrections": {"before": 4, "after": 5},
    "patient_reads": {"patient_id": 1},
    "practices": {"state": "IL", "zone": "America/Chicago"},
    "referrals": {"friend_phone": "+13125550101"},
    "scorecard_questions": {"weight": 1},
    "unread_keys": {"reply_id": 1},
    "triggers": {"spacing_days": 30, "open_days": 30},
}


def put_row(connection: sa.Connection, table: sa.Table, practice_id: int) -> dict[str, Any]:
    """Put a row of this practice into the table and give back what was put. What it hangs on need not be there: the
    transaction must be without foreign keys (`SET LOCAL session_replication_role = replica`). For a table whose rows
    belong to a practice through a parent, the parent's row is put as well."""
    row = made_up(table) | NEEDED.get(table.name, {})
    of = WALLS[table.name].of
    if isinstance(of, Through):
        parent = table.metadata.tables[of.parent]
        row[of.column] = put_row(connection, parent, practice_id)["id"]
    elif of:
        row[of] = practice_id
    connection.execute(table.insert().inline().values(row))
    return row


def made_up(table: sa.Table) -> dict[str, Any]:
    """A value for each column that must have one and does not make one itself, and for every number that is a key."""
    needed = [column for column in table.columns if not column.nullable or column.primary_key]
    return {column.name: _value(column) for column in needed if column.computed is None}


def _value(column: sa.Column) -> Any:
    kind, number = column.type, next(_numbers) + 1000
    if isinstance(kind, sa.Enum):
        return kind.enums[0]
    if isinstance(kind, sa.ARRAY):
        return ["en"] if isinstance(kind.item_type, sa.String) else [_value(sa.Column(kind.item_type))]
    if isinstance(kind, sa.JSON):
        return {}
    match kind.python_type.__name__:
        case "int":
            return number
        case "Decimal" | "float":
            return 1
        case "bool":
            return False
        case "bytes":
            return str(number).encode()
        case "datetime":
            return datetime(2026, 3, 2, 15, tzinfo=UTC)
        case "date":
            return date(2026, 3, 2)
        case "UUID":
            return UUID(int=number)
        case _:
            return str(number)[-(getattr(kind, "length", None) or 0) :]
