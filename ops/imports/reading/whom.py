"""Whom a row that is put aside may be about, by what it says of them: whoever it may be is not contacted.

A row that can be taken apart says it in its cells; of one that cannot, every number and address that stands in it is
taken for theirs.
"""

import re
from collections.abc import Iterable

from ops.imports.reading.phones import read_phone
from ops.imports.reading.records import Unclear, Whom
from ops.imports.reading.values import read_email

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
