"""Phone numbers to E.164, as phonenumbers (Google's libphonenumber) reads them for a practice in the United States.

A cell is one of: a number that can be dialled; a number that cannot (no such area code, seven digits, all zeros, or
another country, whose law and hours nobody here knows), which leaves the patient without a phone; or no phone number at
all, which makes the row wrong.
"""

import re
from functools import lru_cache

import phonenumbers

from ops.imports.reading.records import Unclear, halfwidth

_PLAIN = re.compile(r"\+?1?[\s.-]*\(?([2-9]\d\d)\)?[\s.-]*([2-9]\d\d)[\s.-]*(\d{4})")
_NUMBER_LIKE = re.compile(r"[+\d\s().\-/]+(?:\s*(?:x|ext|extension|#)[.:\s]*\d{1,7})?", re.I)
_DATE_LIKE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}/\d{1,2}/\d{2,4}.*")
_LETTERS = re.compile(r"[+\d\s().-]*[A-Za-z]{3,}[\w\s.-]*")
_NOTHING = {"", "-", "--", "n/a", "na", "none", "null", "no phone", "unknown", "unlisted", "not given", "declined"}


@lru_cache(maxsize=1 << 14)
def read_phone(text: str) -> str | None:
    """The number in E.164; None for an empty cell or one that cannot be dialled. Raises Unclear for anything else."""
    text = halfwidth(text.strip())
    plain = _PLAIN.fullmatch(text)
    if plain:
        area, exchange, line = plain.groups()
        return f"+1{area}{exchange}{line}" if _in_use(area + exchange) else None
    if text.lower() in _NOTHING:
        return None
    return _any_number(text)


@lru_cache(maxsize=1 << 14)
def _in_use(prefix: str) -> bool:
    """Whether numbers of this area code and exchange are given out. The last four digits never decide (tested)."""
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+1{prefix}0100"))


def _any_number(text: str) -> str | None:
    digits = sum(character.isdigit() for character in text)
    number_like = _NUMBER_LIKE.fullmatch(text) and 7 <= digits <= 22 and not _DATE_LIKE.fullmatch(text)
    if not number_like and not (_LETTERS.fullmatch(text) and digits >= 4):
        raise Unclear(f"{text!r} is not a phone number")
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        if number_like:
            return None
        raise Unclear(f"{text!r} is not a phone number") from None
    if number.country_code != 1 or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
