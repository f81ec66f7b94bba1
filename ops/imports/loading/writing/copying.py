"""Rows on their way into the database."""

from collections.abc import Iterable
from typing import Any

from psycopg import Cursor


def copy(cursor: Cursor, table: str, kinds: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {table} FROM STDIN") as into:
        into.set_types(list(kinds))
        for row in rows:
            into.write_row(row)


def storable(texts: Iterable[str]) -> list[str]:
    """Texts as PostgreSQL can hold them: neither NUL nor half a surrogate pair."""
    return [text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for text in texts]
