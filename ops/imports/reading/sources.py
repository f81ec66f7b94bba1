"""The files of one load, opened and recognized, in the order in which they must be read: people before their visits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain
from typing import Any, BinaryIO

from ops.imports.reading.answers import REFUSALS
from ops.imports.reading.attendance import OUTCOMES
from ops.imports.reading.cleaning import Cleaner
from ops.imports.reading.content import format_of
from ops.imports.reading.fhir import Bundle
from ops.imports.reading.fields import Field, plain
from ops.imports.reading.files import Table, open_table
from ops.imports.reading.orders import orders_of
from ops.imports.reading.recognising import BOTH, IGNORED, PATIENTS, VISITS, Profile, missing, recognise, to_ask
from ops.imports.reading.records import BadRow, GoodRow, LeftOutRow, Unreadable
from ops.imports.reading.titles import names_refusals, refusal_of_file

FHIR = "fhir-r4"
_ORDER = {PATIENTS: 0, "both": 1, VISITS: 2}


@dataclass
class Source:
    """One readable file. `profile` is None for a FHIR bundle; `ignored` says that nothing in it is about patients.

    It is told to other processes without its `content`, which is None there.
    """

    name: str
    content: Table | Bundle | None
    profile: Profile | None
    columns: list[str]
    ignored: bool
    notes: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    """The columns a person must explain before anything is loaded."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"content": None}

    @property
    def order(self) -> int:
        return _ORDER.get(self.profile.kind, 0) if self.profile else 1

    def rows(self, zone: str, today: date) -> Iterator[GoodRow | BadRow | LeftOutRow]:
        """Every row, cleaned."""
        if isinstance(self.content, Bundle):
            return chain(self.content.patients(today), self.content.milestones(zone, today))
        table = self.content
        assert table is not None and self.profile is not None
        return map(Cleaner(table.columns, self.profile, zone, today, table.from_excel), table.records())


def open_source(
    stream: BinaryIO, name: str, profile: Profile | str | None = None, saved: Sequence[Profile] = ()
) -> Source:
    """What `stream` (seekable) is and how it is read: as `profile` says, by the first of the `saved` mappings that was
    made for these columns, or as its headers tell.

    Raises Unreadable when it cannot be read or lacks what makes it useful, with what and where.
    """
    source = look_at(stream, name, profile, saved)
    lacking = missing(source.profile) if source.profile else []
    if lacking and isinstance(source.content, Table):
        columns = ", ".join(column or "(no name)" for column in source.content.columns[:12])
        where = f"{name}, line {source.content.header_line}"
        raise Unreadable(f"{where}: no column for {' or '.join(lacking)} among: {columns}.")
    if _only_its_name_refuses(source):
        raise Unreadable(refusal_of_file(name))
    if source.asks:
        raise Unreadable(f"{name}: {asking(source.asks)}")
    return source


def _only_its_name_refuses(source: Source) -> bool:
    if source.ignored or source.profile is None:
        return False
    dated = source.profile.kind in (VISITS, BOTH)
    said = {*REFUSALS, Field.DECEASED, Field.DEATH_DATE, *(OUTCOMES if dated else ())}
    return names_refusals(source.name, dated) and said.isdisjoint(source.profile.columns.values())


def asking(headers: Sequence[str]) -> str:
    """Why a load stops at columns that may hold a refusal, in words for the person who can say what they mean."""
    several = len(headers) > 1
    return (
        f"the column{'s' if several else ''} {', '.join(map(repr, headers))} may say who refused contact, who died or "
        f"which visit was cancelled, and {'are' if several else 'is'} not understood. Upload the file on the "
        "practice's page of imports and say there what each is read as, or that it is not used; keep that as a "
        "mapping to use it again (--profile)."
    )


def look_at(stream: BinaryIO, name: str, profile: Profile | str | None, saved: Sequence[Profile]) -> Source:
    """`open_source` for a person who can still say what the columns mean."""
    if format_of(stream, name) == "json":
        bundle = Bundle(stream, name)
        return Source(name, bundle, None, [], bundle.rows == 0, bundle.notes)
    stated = profile if isinstance(profile, Profile) else None
    table = open_table(stream, name, headerless=bool(stated and stated.headerless))
    if profile is None:
        names = {plain(column) for column in table.columns}
        stated = next((mapping for mapping in saved if not mapping.headerless and set(mapping.columns) <= names), None)
    if stated is None:
        try:
            stated = recognise(table.columns, profile if isinstance(profile, str) else None)
        except KeyError:
            raise Unreadable(f"{name}: there is no profile called {profile!r}.") from None
    ignored = stated.kind == IGNORED
    notes = [f"Holds no patients and no visits (recognized as {stated.name}): not read."] if ignored else []
    if not ignored:
        stated = replace(stated, dates=orders_of(table.columns, stated, table.records(), table.from_excel))
    return Source(name, table, stated, table.columns, ignored, [*table.notes, *notes], to_ask(table.columns, stated))
