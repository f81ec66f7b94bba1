"""Whom a row that is put aside may be about, by what it says of them: whoever it may be is not contacted.

A row that can be taken apart says it in its cells; of one that cannot, every number and address that stands in it is
taken for theirs.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date

from ops.imports.reading.delimited import DAMAGED
from ops.imports.reading.fields import PHONES, Field
from ops.imports.reading.flags import Places, columns_of
from ops.imports.reading.keys import MAX_ID
from ops.imports.reading.phones import read_phone
from ops.imports.reading.records import Unclear, Whom
from ops.imports.reading.values import SHEET_ERROR, read_email, split_flags, split_name

LONGEST = 100_000
"""Characters of a row that cannot be taken apart that are looked through."""
MOST = 20
"""Numbers and addresses that are taken from it."""
_ADDRESS = re.compile(r"[^\s@\"'(),:;<>\[\]\\|]{1,64}@[A-Za-z0-9.-]{1,250}\.[A-Za-z]{2,63}")
_NUMBER = re.compile(r"(?<![\w@.+-])(?:\+|\()?\d[\d ().-]{5,18}\d(?![\w@-])")


def reached(phones: Iterable[str], emails: Iterable[str]) -> tuple[str, ...]:
    """Every number that can be dialled and every address among these cells; what is neither is passed over."""
    found: dict[str, None] = {}
    for read, cells in ((read_phone, phones), (read_email, emails)):
        for cell in cells:
            try:
                one = read(cell)
            except Unclear:
                continue
            if one:
                found[one] = None
    return tuple(found)


def whom_in(cells: Iterable[str], number: str = "") -> Whom:
    """Whom a row speaks of that cannot be taken apart: the patient's `number`, if that much is known, and all else."""
    text = "\n".join(cells)[:LONGEST]
    return Whom(number, reached(_NUMBER.findall(text), _ADDRESS.findall(text))[:MOST])


class Whose:
    """Whom the rows of one table are about. `born` reads a birth date as this table writes it."""

    def __init__(self, places: Places, born: Callable[[str], date | None]):
        self._id, self._first, self._last, self._full = (
            places.get(field, (-1,))[0]
            for field in (Field.EXTERNAL_ID, Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME)
        )
        self._phones = [place for place, _ in columns_of(places, *PHONES)]
        self._emails = places.get(Field.EMAIL, ())
        self._births = places.get(Field.BIRTH_DATE, ())
        self._born = born

    def by_columns(self, cells: Sequence[str]) -> Whom:
        """Of a row whose cells hold what their columns promise, or nearly. `cells` ends with one that is empty."""
        number = cells[self._id].strip()
        found = reached([cells[place] for place in self._phones], [cells[place] for place in self._emails])
        if number and len(number) <= MAX_ID and DAMAGED not in number and not SHEET_ERROR.fullmatch(number):
            return Whom(number, found)
        return Whom("", found or whom_in(cells).reached, *self._called(cells))

    def by_all(self, stated: Sequence[str]) -> Whom:
        """Of a row that is shifted, or has more or fewer cells than columns."""
        told = 0 <= self._id < len(stated) > 1
        return whom_in(stated, stated[self._id].strip()[:MAX_ID] if told else "")

    def _called(self, cells: Sequence[str]) -> tuple[str, date | None]:
        """Name and birth date, as far as they can be read."""
        first, last = (" ".join(split_flags(cells[place])[0].split()) for place in (self._first, self._last))
        born = None
        with suppress(Unclear):
            if not first and not last:
                first, last = split_name(split_flags(cells[self._full])[0])
        with suppress(Unclear):
            days = {self._born(cells[place]) for place in self._births}
            born = days.pop() if len(days) == 1 else None
        return f"{first}{last}"[:MAX_ID], born
