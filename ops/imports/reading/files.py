"""Opens a practice's file, whatever it is: a table (CSV, TSV, XLSX) or a FHIR bundle.

    table = open_file(stream, "clients.csv")
    for record in table.records(): ...

The stream must be seekable; it is read front to back more than once, never held in memory.
"""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from ops.imports.reading.content import DOUBTFUL, encoding_of, format_of, text_of
from ops.imports.reading.delimited import DelimitedText, delimiter_of
from ops.imports.reading.recognising import likeness_to_header, looks_like_data
from ops.imports.reading.records import Record, Unreadable
from ops.imports.reading.sheets import Workbook

MAX_COLUMNS = 500
HEADER_WITHIN = 20
"""The header is looked for among this many first records: exports put titles above it."""


class Table:
    """A file of rows under a header. `columns` are the headers as written; `notes` what a person should know."""

    def __init__(self, stream: BinaryIO, name: str, format_: str, headerless: bool = False):
        self._stream = stream
        self.name = name
        self.format = format_
        self.headerless = headerless
        self.notes: list[str] = []
        self.encoding = encoding_of(stream, name) if format_ == "csv" else ""
        if self.encoding == DOUBTFUL:
            self.notes.append(
                "It does not say in which encoding its letters beyond A to Z are: rows that have some are kept aside. "
                "Save it as UTF-8 (in Excel: CSV UTF-8) and send it again."
            )
        self.delimiter = self._delimiter() if format_ == "csv" else ""
        self._book = Workbook(stream, name) if format_ == "xlsx" else None
        if self._book:
            self.notes += self._book.notes
        self.columns, self.header_line = self._header()

    @property
    def from_excel(self) -> bool:
        return self.format == "xlsx"

    def records(self) -> Iterator[Record]:
        """Every row of data. Left out: comments, empty rows, and the header where it stands again.

        A row whose number of cells is not the header's comes with a problem.
        """
        width = len(self.columns)
        first_column = self.columns[0]
        for record in self._below_header():
            _, cells, problem = record
            lead = cells[0].strip()
            if problem or len(cells) != width or not lead or lead == first_column:
                fitted = self._looked_at_twice(record)
                if fitted is not None:
                    yield fitted
            else:
                yield record

    def _looked_at_twice(self, record: Record) -> Record | None:
        cells = [cell.strip() for cell in record.cells]
        again = cells == self.columns and not self.headerless
        if again or not any(cells) or (_is_comment(record) and len(cells) != len(self.columns)):
            return None
        return _fitted(record, self.columns)

    def _below_header(self) -> Iterator[Record]:
        return (record for record in self._raw() if record.line > self.header_line)

    def _raw(self) -> Iterator[Record]:
        if self._book:
            yield from self._book
            return
        text = text_of(self._stream, self.encoding)
        try:
            yield from DelimitedText(text, self.delimiter, self.name)
        finally:
            if not text.closed:
                text.detach()  # the stream is the caller's: forgetting the text must not close it

    def _delimiter(self) -> str:
        text = text_of(self._stream, self.encoding)
        try:
            return delimiter_of(text)
        finally:
            text.detach()

    def _header(self) -> tuple[list[str], int]:
        first = list(islice((record for record in self._raw() if not _aside(record)), HEADER_WITHIN))
        if not first:
            raise Unreadable(f"{self.name}: the file is empty: there is no row that is not a comment.")
        if self.headerless:
            return [f"column {number}" for number in range(1, len(first[0].cells) + 1)], 0
        header = max(first, key=lambda record: likeness_to_header(record.cells))
        if likeness_to_header(header.cells) <= 0:
            header = first[0]
        self._refuse_headers_that_are_none(header)
        cells = header.cells if len(header.cells) <= MAX_COLUMNS else _without_empty_end(header.cells)
        return [cell.strip() for cell in cells], header.line

    def _refuse_headers_that_are_none(self, header: Record) -> None:
        where = f"{self.name}, line {header.line}"
        width = len(_without_empty_end(header.cells))
        if width > MAX_COLUMNS:
            raise Unreadable(f"{where}: {width:,} columns; at most {MAX_COLUMNS} are read.")
        if header.problem:
            raise Unreadable(f"{where}: the header {header.problem}.")
        if likeness_to_header(header.cells) <= 0 and looks_like_data(header.cells):
            raise Unreadable(
                f"{where}: there is no header: the first row already holds data. "
                "Add a first line with the names of the columns, or map the columns by their position."
            )


def open_table(stream: BinaryIO, name: str, headerless: bool = False) -> Table:
    """Raises Unreadable when it is not a table; `headerless` names the columns "column 1", "column 2", …"""
    format_ = format_of(stream, name)
    if format_ == "json":
        raise Unreadable(f"{name}: this is JSON, not a table.")
    return Table(stream, name, "csv" if format_ == "text" else format_, headerless)


def _aside(record: Record) -> bool:
    return _is_comment(record) or not any(cell.strip() for cell in record.cells) or _is_delimiter_hint(record)


def _is_comment(record: Record) -> bool:
    """A line of words after a #. "#", "#1" beside other cells is a column's name or a number."""
    first, *others = record.cells
    alone = not any(cell.strip() for cell in others)
    return first.startswith("#") and (alone or " " in first.lstrip("#").strip())


def _is_delimiter_hint(record: Record) -> bool:
    return record.line == 1 and record.cells[0].lower().startswith("sep=")


def _without_empty_end(cells: list[str]) -> list[str]:
    kept = list(cells)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _fitted(record: Record, columns: list[str]) -> Record:
    """The record with as many cells as there are columns, if only empty ones are missing or too many."""
    cells, width = record.cells, len(columns)
    if record.problem or len(cells) == width:
        return record
    if not any(cell.strip() for cell in cells[width:]) and not any(columns[len(cells) :]):
        return Record(record.line, [*cells[:width], *[""] * (width - len(cells))])
    problem = f"has {len(cells):,} cells where the header has {width:,}"
    return Record(record.line, cells[:MAX_COLUMNS], problem)
