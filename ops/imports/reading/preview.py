"""What a file would bring, before anything is stored: for the person who uploads it and may correct the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import BinaryIO

from ops.imports.reading.fhir import Bundle
from ops.imports.reading.fields import Field, plain
from ops.imports.reading.files import Table
from ops.imports.reading.recognising import Profile, may_refuse, missing
from ops.imports.reading.records import BadRow, GoodRow
from ops.imports.reading.sources import FHIR, look_at

SAMPLES = 3
LOOKED_AT = 200


@dataclass(frozen=True)
class Column:
    """A column as written, the key under which a mapping names it, what it is read as (None: dropped), some values.

    `may_refuse`: whoever leaves it out has to say so; `unused`: somebody did.
    """

    header: str
    key: str
    field: Field | None
    samples: tuple[str, ...]
    may_refuse: bool = False
    unused: bool = False


@dataclass(frozen=True)
class Preview:
    """The first rows of a file as they would be read. `lacking` says what must be mapped before it can be."""

    name: str
    format: str
    encoding: str
    profile_name: str
    profile: Profile | None
    kind: str
    columns: tuple[Column, ...]
    lacking: tuple[str, ...]
    notes: tuple[str, ...]
    good: tuple[GoodRow, ...]
    bad: tuple[BadRow, ...]
    ignored: bool
    asks: tuple[str, ...] = ()
    """Columns that may say who refused contact or died: nothing is loaded before somebody says what they are."""

    @property
    def may_be_loaded(self) -> bool:
        return not self.lacking and not self.asks

    @property
    def dropped(self) -> list[str]:
        """Columns that mean nothing to us and are not stored."""
        return [column.header for column in self.columns if column.field is None]


def preview(
    stream: BinaryIO,
    name: str,
    zone: str,
    today: date,
    profile: Profile | str | None = None,
    saved: Sequence[Profile] = (),
    rows: int = LOOKED_AT,
) -> Preview:
    """Read the first `rows` rows. `zone` and `today` are the practice's. Raises Unreadable when it is no table."""
    source = look_at(stream, name, profile, saved)
    lacking = missing(source.profile) if source.profile else []
    read = [] if source.ignored or lacking else list(islice(source.rows(zone, today), rows))
    content, stated = source.content, source.profile
    assert content is not None
    return Preview(
        name=name,
        format=content.format,
        encoding="" if isinstance(content, Bundle) else content.encoding,
        profile_name=stated.name if stated else FHIR,
        profile=stated,
        kind=stated.kind if stated else "both",
        columns=() if isinstance(content, Bundle) or stated is None else _columns(content, stated),
        lacking=tuple(lacking),
        notes=tuple(source.notes),
        good=tuple(row for row in read if isinstance(row, GoodRow)),
        bad=tuple(row for row in read if isinstance(row, BadRow)),
        ignored=source.ignored,
        asks=tuple(source.asks),
    )


def _columns(table: Table, profile: Profile) -> tuple[Column, ...]:
    rows = [record.cells for record in islice(table.records(), 20) if len(record.cells) == len(table.columns)]
    columns = []
    for place, header in enumerate(table.columns):
        key = header if profile.headerless else plain(header)
        values = dict.fromkeys(cells[place].strip() for cells in rows if cells[place].strip())
        samples, unused = tuple(islice(values, SAMPLES)), key in profile.unused
        columns.append(Column(header, key, profile.columns.get(key), samples, may_refuse(header, profile), unused))
    return tuple(columns)
