"""What a practice in the United States means by a phone number, in a file or typed by hand.

A number is one of ours only when it says so: "+1", or ten digits written as we write them. Digits grouped in another
way are some other country's, and letters are never read as digits: a street or a name would be dialled.
"""

import re
from functools import lru_cache

import phonenumbers

_LABEL = r"(?:tel|phone|ph|cell|mobile|home|work|office|main|text|[chmw])"
_WRITTEN = re.compile(
    rf"(?:{_LABEL}\b[\s:.]*)?(?P<digits>[+\d(][+\d\s()./-]*?)\s*"
    rf"(?:(?:x|ext|extension|#)[.:\s]*\d{{1,7}})?(?:[\s(-]*\b{_LABEL}\)?)?",
    re.I | re.ASCII,
)
_OURS = re.compile(
    r"(?:\+1[\s./-]*|1[\s./-]+|1(?=\(|\d{10}$))?(?:"
    r"\(\s*[2-9]\d\d\s*\)(?:[\s./-]*[2-9]\d\d[\s./-]+\d{4}|[2-9]\d{6})|"
    r"[2-9]\d\d[\s./-]+[2-9]\d\d[\s./-]+\d{4}|"
    r"[2-9]\d\d[./-]?[2-9]\d{6})",
    re.ASCII,
)
_ABROAD = re.compile(r"(?:\+|011|00)\s*\d[\d\s()./-]*", re.ASCII)


MAX_WRITTEN = 100
"""Whatever is longer is no number, with label and extension neither; reading it would take long."""


def digits_of(text: str) -> str | None:
    """The digits of a phone number as they are grouped, without label and extension; None when `text` is none."""
    found = _WRITTEN.fullmatch(text.strip()) if len(text.strip()) <= MAX_WRITTEN else None
    return found["digits"].strip() if found else None


@lru_cache(maxsize=1 << 14)
def e164(text: str) -> str | None:
    """The number in E.164 if it can be dialled, whichever country's it is; None if it cannot."""
    digits = digits_of(text) or ""
    if _OURS.fullmatch(digits):
        number = re.sub(r"\D", "", digits)[-10:]
        return f"+1{number}" if _in_use(number[:6]) else None
    return _from_abroad(digits) if _ABROAD.fullmatch(digits) else None


@lru_cache(maxsize=1 << 14)
def _in_use(prefix: str) -> bool:
    """Whether numbers of this area code and exchange are given out. The last four digits never decide (tested)."""
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+1{prefix}0100"))


def _from_abroad(digits: str) -> str | None:
    """A number with its country code, after + or what is dialed instead."""
    try:
        number = phonenumbers.parse("+" + re.sub(r"\D", "", re.sub(r"^(?:\+|011|00)", "", digits)))
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
