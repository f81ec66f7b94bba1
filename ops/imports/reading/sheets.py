"""Records of an XLSX workbook.

A workbook is a ZIP whose sheets calamine lays out as dense grids: a few kilobytes can claim to be gigabytes, by their
compression or by one cell in the last corner. So the archive is unpacked and counted here first, block by block, and
refused before anything is built in memory.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from ops.imports.reading.records import Record, Unreadable
from ops.imports.reading.sheet_marks import column_number, error_cells, merged_ranges, spread
from ops.imports.reading.titles import names_refusals, refusal_of_sheet

MAX_UNPACKED = 200_000_000
MAX_GRID = 2_000_000
"""Cells of one sheet, empty ones counted: about 200 MB in memory (measured: 100 MB a million)."""
MAX_PARTS = 2_000
NAMED = 20
"""Sheets left aside that a note names; it counts the others."""
_CELL = re.compile(rb"<(?:\w+:)?c\s[^<>]*?\br\s*=\s*[\"']([A-Za-z]+)(\d+)[\"']")
_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\br\s*=\s*[\"'](\d+)[\"']")
_BEGINS = re.compile(rb"<(?:\w+:)?c[\s/>]")


class Workbook:
    """The first visible sheet with anything on it; `notes` names the ones left aside."""

    def __init__(self, stream: BinaryIO, name: str):
        refuse_bombs(stream, name)
        stream.seek(0)
        try:
            self._book = CalamineWorkbook.from_filelike(stream)
            self._sheet, self.notes = self._first_sheet(name)
            self._errors = error_cells(stream, self._sheet.name, name)
            height, width = self._sheet.end[0] + 1, self._sheet.end[1] + 1
            self._merged = merged_ranges(self._sheet.merged_cell_ranges or (), height, width, name)
        except PasswordError:
            raise Unreadable(f"{name}: the workbook is protected by a password; save it without one.") from None
        except CalamineError as problem:
            raise Unreadable(f"{name}: a damaged XLSX file ({str(problem) or 'it breaks off'}).") from None

    def _first_sheet(self, name: str) -> tuple[Any, list[str]]:
        sheets = self._book.sheets_metadata
        for title in (sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible):
            sheet = self._book.get_sheet_by_name(title)
            if sheet.height:
                telling = next((each.name for each in sheets if each.name != title and names_refusals(each.name)), None)
                if telling:
                    raise Unreadable(refusal_of_sheet(name, telling))
                others = [
                    other.name + ("" if other.visible == SheetVisibleEnum.Visible else " (hidden)")
                    for other in sheets
                    if other.name != title
                ]
                more = f" and {len(others) - NAMED:,} more" if len(others) > NAMED else ""
                names = ", ".join(others[:NAMED]) + more
                return sheet, [f"Only the sheet {title!r} is read; not read: {names}."] if others else []
        raise Unreadable(f"{name}: the workbook has no visible sheet with anything on it.")

    def __iter__(self) -> Iterator[Record]:
        first_column = self._sheet.start[1]
        rows = ([as_text(value) for value in row] for row in self._sheet.iter_rows())
        for line, cells in enumerate(spread(rows, first_column, self._errors, self._merged), 1):
            yield Record(line, cells)  # the rows begin at the first one of the sheet, empty or not


def as_text(value: Any) -> str:
    """A cell as the text a CSV would hold: whole numbers without a point, dates as ISO."""
    match value:
        case str():
            return value.replace("\0", "")
        case bool():
            return "yes" if value else "no"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return "" if value is None else str(value)


def refuse_bombs(stream: BinaryIO, name: str) -> None:
    """Raises Unreadable when the workbook, really unpacked, is larger than we would open."""
    stream.seek(0)
    try:
        parts = zipfile.ZipFile(stream).infolist()
    except zipfile.BadZipFile as problem:
        raise Unreadable(f"{name}: a damaged XLSX file ({problem}).") from None
    declared = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or declared > MAX_UNPACKED:
        size = f"{declared / 1e6:,.0f} MB in {len(parts)} parts"
        raise Unreadable(f"{name}: the workbook unpacks to {size}; {_too_big()}")
    left = MAX_UNPACKED
    for part in parts:
        left -= _unpacked_size(stream, part, left, name)


def _too_big() -> str:
    return f"at most {MAX_UNPACKED // 1_000_000} MB are opened. Save the sheet as CSV instead."


def _unpacked_size(stream: BinaryIO, part: zipfile.ZipInfo, left: int, name: str) -> int:
    """Bytes `part` really unpacks to, whatever its headers claim; the corner of a sheet is looked up on the way."""
    grid = _Grid(part.filename, name)  # of every part: any of them can be named as a sheet
    size = 0
    for block in _blocks(stream, part, name):
        size += len(block)
        if size > left or size > part.file_size:
            raise Unreadable(f"{name}: {part.filename} unpacks to more than it declares or than we open; {_too_big()}")
        grid.look(block)
    return size


def _blocks(stream: BinaryIO, part: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    stream.seek(part.header_offset)
    header = stream.read(30)
    if header[:4] != b"PK\x03\x04" or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(f"{name}: a damaged XLSX file ({part.filename} cannot be unpacked).")
    stream.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    inflate = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    left = part.compress_size
    while left > 0 and (packed := stream.read(min(left, 1 << 16))):
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        try:
            while packed:
                yield inflate.decompress(packed, 1 << 20)
                packed = inflate.unconsumed_tail
        except zlib.error as problem:
            raise Unreadable(f"{name}: a damaged XLSX file ({part.filename}: {problem}).") from None


class _Grid:
    """The corner furthest from A1 that a sheet's XML mentions, seen block by block, and how many cells it has: those
    that do not say where they stand follow each other."""

    def __init__(self, part: str, name: str):
        self._part, self._name = part, name
        self._tail = b""
        self._columns = self._rows = 1
        self._cells = 0

    def look(self, block: bytes) -> None:
        text = self._tail + block
        self._cells += len(_BEGINS.findall(block))
        for letters, digits in set(_CELL.findall(text)):
            self._columns = max(self._columns, column_number(letters))
            self._rows = max(self._rows, int(digits))
        self._rows = max(self._rows, *map(int, _ROW.findall(text)), 0)
        self._tail = text[-256:]
        if self._cells > MAX_GRID:
            raise Unreadable(
                f"{self._name}: {self._part} holds more than {MAX_GRID:,} cells. Save the sheet as CSV instead."
            )
        if self._columns * self._rows > MAX_GRID:
            raise Unreadable(
                f"{self._name}: {self._part} spans {self._columns:,} columns by {self._rows:,} rows, more than "
                f"{MAX_GRID:,} cells. Save the sheet as CSV instead."
            )
