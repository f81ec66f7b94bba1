"""What calamine leaves out of a sheet: cells with an error in them, and the lower and right parts of merged cells.

Both come as empty cells, and an empty cell in a column of opt-outs means no opt-out. So errors are put back as a text
that no column understands, and a merged cell holds in all of its parts what it shows.
"""

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html import unescape
from typing import BinaryIO, NamedTuple

from ops.imports.reading.records import Unreadable

ERROR = "#ERROR!"
MAX_MARKS = 500_000
"""Errors, and parts of merged cells, of one sheet: each is kept in memory."""
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^<>]*>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^<>]*>")
_ATTRIBUTE = re.compile(r"(?<![\w:])([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_ERROR_CELL = re.compile(rb"<(?:\w+:)?c(?=\s)[^<>]*?\st\s*=\s*[\"']e[\"'][^<>]*>")
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,3})(\d{1,7})[\"']")
_BLOCK = 1 << 20
_LONGEST_TAG = 512
_LIST = 5 << 20
"""Bytes that are read of the list of sheets."""


class Merged(NamedTuple):
    """A merged range by its corners, counted from 0."""

    top: int
    left: int
    bottom: int
    right: int


def error_cells(stream: BinaryIO, title: str, name: str) -> dict[int, list[int]]:
    """The columns (from 0) that hold an error in each row (from 0) of the sheet `title`.

    `stream` is a workbook that is known to unpack to a bearable size. Raises Unreadable when there are too many.
    """
    stream.seek(0)
    found: dict[int, list[int]] = defaultdict(list)
    try:
        with zipfile.ZipFile(stream) as archive:
            cells = (cell for part in _parts_of(archive, title) for cell in _errors(archive, part, name))
            for count, (row, column) in enumerate(cells):
                if count == MAX_MARKS:
                    raise Unreadable(f"{name}: more than {MAX_MARKS:,} cells of {title!r} hold an error.")
                found[row].append(column)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as problem:
        raise Unreadable(f"{name}: a damaged XLSX file ({type(problem).__name__}).") from None
    return found


def _parts_of(archive: zipfile.ZipFile, title: str) -> list[str]:
    """The part of the archive that holds the sheet; all of them when the workbook does not say."""
    sheets = [part for part in archive.namelist() if part.lower().startswith("xl/worksheets/")]
    try:
        book, relations = _text(archive, "xl/workbook.xml"), _text(archive, "xl/_rels/workbook.xml.rels")
    except KeyError:
        return sheets
    wanted = [_attributes(tag) for tag in _SHEET.findall(book)]
    numbers = {each.get("r:id") for each in wanted if each.get("name") == title} - {None}
    targets = {
        "xl/" + each.get("Target", "").removeprefix("/xl/")
        for each in map(_attributes, _RELATION.findall(relations))
        if each.get("Id") in numbers
    }
    return [part for part in sheets if part in targets] or sheets


def _text(archive: zipfile.ZipFile, part: str) -> str:
    with archive.open(part) as content:
        return content.read(_LIST).decode("utf-8", "replace")


def _attributes(tag: str) -> dict[str, str]:
    return {key: unescape(double or single) for key, double, single in _ATTRIBUTE.findall(tag)}


def _errors(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[tuple[int, int]]:
    tail = b""
    with archive.open(part) as content:
        while block := content.read(_BLOCK):
            text = tail + block
            end = 0
            for tag in _ERROR_CELL.finditer(text):
                end = tag.end()
                place = _PLACE.search(tag[0])
                if place is None:
                    raise Unreadable(f"{name}: cells with errors do not say where they stand. Save the sheet as CSV.")
                yield int(place[2]) - 1, column_number(place[1]) - 1
            tail = text[max(end, len(text) - _LONGEST_TAG) :]


def column_number(letters: bytes) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def merged_ranges(
    ranges: Iterable[tuple[tuple[int, int], tuple[int, int]]], height: int, width: int, name: str
) -> dict[int, list[Merged]]:
    """The merged ranges of a sheet of that size, by the row they begin in. Raises Unreadable when they are too many."""
    found: dict[int, list[Merged]] = defaultdict(list)
    parts = 0
    for (top, left), (bottom, right) in ranges:
        merged = Merged(top, left, min(bottom, height - 1), min(right, width - 1))
        parts += max(0, merged.bottom - top + 1) * max(0, merged.right - left + 1)
        if parts > MAX_MARKS:
            raise Unreadable(f"{name}: more than {MAX_MARKS:,} cells are merged. Save the sheet as CSV instead.")
        found[top].append(merged)
    return found


def spread(
    rows: Iterable[list[str]], first_column: int, errors: dict[int, list[int]], merged: dict[int, list[Merged]]
) -> Iterator[list[str]]:
    """The rows (from row 0; their first cell is of `first_column`) with errors and merged cells put back."""
    going_on: list[tuple[Merged, str]] = []
    for row, cells in enumerate(rows):
        for column in errors.get(row, ()):
            _put(cells, column - first_column, ERROR)
        going_on = [(one, text) for one, text in going_on if one.bottom >= row]
        for one in merged.get(row, ()):
            corner = one.left - first_column
            going_on.append((one, cells[corner] if 0 <= corner < len(cells) else ""))
        for one, text in going_on:
            for column in range(one.left, one.right + 1):
                _put(cells, column - first_column, text)
        yield cells


def _put(cells: list[str], place: int, text: str) -> None:
    if 0 <= place < len(cells):
        cells[place] = text
