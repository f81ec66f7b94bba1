"""The phone numbers of a file (`ops.practices.phones`).

A cell is one of: a number that can be dialled; a number that cannot (no such area code, seven digits, all zeros, or
another country's, whose law and hours nobody here knows), which leaves the patient without a phone; or no phone number
at all, which makes the row wrong.
"""

import re
from functools import lru_cache

from ops.imports.reading.records import Unclear, halfwidth
from ops.practices.phones import digits_of, e164

_DATE_LIKE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}/\d{1,2}/\d{2,4}.*")
_NOTHING = {"", "-", "--", "n/a", "na", "none", "null", "no phone", "unknown", "unlisted", "not given", "declined"}
DIGITS = range(7, 20)
"""So many has a number, whatever country's, with what is dialed before it."""


@lru_cache(maxsize=1 << 14)
def read_phone(text: str) -> str | None:
    """The number in E.164; None for an empty cell or one that cannot be dialled. Raises Unclear for anything else."""
    text = halfwidth(text.strip()).lstrip("'")  # what keeps a spreadsheet from reading a number
    if text.lower() in _NOTHING:
        return None
    number = e164(text)
    if number:
        return number if number.startswith("+1") else None
    digits = digits_of(text)
    if not digits or _DATE_LIKE.fullmatch(digits) or sum(map(str.isdigit, digits)) not in DIGITS:
        raise Unclear(f"{text[:60]!r} is not a phone number")
    return None
