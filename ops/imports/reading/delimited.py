"""Records of a delimited text, each with the physical line it starts on, in bounded memory.

Lines without quotes are split directly; the csv module takes the others, strictly. A record whose quotes do not balance
costs that one line: reading goes on at the next, so one stray quote cannot swallow the rest of a file.
"""

import csv
from collections import Counter, deque
from collections.abc import Iterator
from typing import TextIO

from ops.imports.reading.recognising import likeness_to_header
from ops.imports.reading.records import Record, Unreadable

MAX_CHARACTERS = 1_000_000
"""Of one record. Longer ones are quarantined (a header that long refuses the file)."""
MAX_LINES = 1_000
"""Of one record, inside quotes."""
DELIMITERS = (",", "\t", ";", "|")
DAMAGED = "\ufffd"
NO_LETTERS = (
    "contains bytes that are no letters in its encoding, as far as it is known (marked in its cell): save the file as "
    "UTF-8 (in Excel: CSV UTF-8)"
)


def delimiter_of(text: TextIO) -> str:
    """The delimiter by which a line is a header we know, or else cuts the first lines most evenly into most cells.

    A first line `sep=;` decides it.
    """
    sample = text.read(1 << 16).split("\n")[:200]
    if sample[0].lower().startswith("sep=") and len(sample[0]) == 5:
        return sample[0][4]
    filled = [line for line in sample[:-1] or sample if line.strip()]
    lines = [line for line in filled if not line.startswith("#")] or filled
    return max(DELIMITERS, key=lambda mark: (_header(lines[:20], mark), _evenness(lines, mark)))


def _header(lines: list[str], mark: str) -> int:
    """At least 0: that a mark cuts rows of data well must not count against it where there is no header."""
    cut = (line.replace('"', "").split(mark) for line in lines if mark in line)
    return max(0, max(map(likeness_to_header, cut), default=0))


def _evenness(lines: list[str], mark: str) -> tuple[float, int]:
    try:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=mark, skipinitialspace=True))
    except csv.Error:
        widths = Counter(line.count(mark) + 1 for line in lines)
    width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]), default=(1, 0))
    return (0.0, 0) if width < 2 else (round(count / widths.total(), 1), width)


class DelimitedText:
    """Iterates over the records of a text; blank lines are left out, lines are counted from 1."""

    def __init__(self, text: TextIO, delimiter: str, name: str):
        self._text = text
        self._delimiter = delimiter
        self._name = name
        self._line = 0
        self._waiting: deque[str] = deque()

    def __iter__(self) -> Iterator[Record]:
        delimiter = self._delimiter
        while line := self._next_line():
            start = self._line
            if len(line) > MAX_CHARACTERS:
                yield self._too_long(line, start)
            elif '"' in line:
                yield self._quoted(line, start)
            elif line.isascii() and "\0" not in line:
                if line != "\n":
                    yield Record(start, line.rstrip("\n").split(delimiter))
            else:
                yield _checked(start, line.rstrip("\n").split(delimiter))

    def _next_line(self) -> str:
        self._line += 1
        return self._waiting.popleft() if self._waiting else self._text.readline(MAX_CHARACTERS + 1)

    def _too_long(self, line: str, start: int) -> Record:
        rest = line
        while rest and not rest.endswith("\n"):
            rest = self._text.readline(MAX_CHARACTERS)
        problem = f"longer than {MAX_CHARACTERS:,} characters"
        if start == 1:
            raise Unreadable(
                f"{self._name}, line 1: the first line is {problem}; no table of patients looks like that."
            )
        return Record(start, [line[:1000]], problem)

    def _quoted(self, line: str, start: int) -> Record:
        taken = [line]
        reader = csv.reader(self._continued(taken), delimiter=self._delimiter, skipinitialspace=True, strict=True)
        try:
            cells = next(reader)
        except csv.Error as problem:
            self._waiting.extendleft(reversed(taken[1:]))
            self._line = start
            return Record(start, [line.rstrip("\n")], f"the quotes do not balance ({problem})")
        return _checked(start, list(map(_unprotected, cells)) if '="' in line else cells)

    def _continued(self, taken: list[str]) -> Iterator[str]:
        yield taken[0]
        size = len(taken[0])
        while more := self._next_line():
            taken.append(more)
            size += len(more)
            if size > MAX_CHARACTERS or len(taken) > MAX_LINES:
                raise csv.Error("the quote that opens here is not closed")
            yield more
        self._line -= 1


def _unprotected(cell: str) -> str:
    """="00124" is how spreadsheets are made to keep the zeros of 00124."""
    if len(cell) >= 3 and cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1].replace('""', '"')
    return cell


def _checked(line: int, cells: list[str]) -> Record:
    for cell in cells:
        if DAMAGED in cell:
            return Record(line, cells, NO_LETTERS)
        if "\0" in cell:
            shown = [text.replace("\0", DAMAGED) for text in cells]
            return Record(line, shown, "contains a NUL byte (marked in its cell)")
    return Record(line, cells)
