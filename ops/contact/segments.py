"""How many parts a text is sent in, and keeping it in few without changing what it says (docs/rules.md A8). Pure."""

import unicodedata
from typing import NamedTuple

from ops.phrases import count_of

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_DOUBLE = frozenset("^{}\\[~]|€\f")
"""Characters of the extension table: each takes the room of two and is never cut in half."""
MAX_SEGMENTS = 10
MAX_CHARACTERS = 1600

TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\t", " "),
        **dict.fromkeys("\u200b\ufeff\u00ad", ""),
        "…": "...",
        "•": "*",
    }
)


ROOM = {True: (160, 153), False: (70, 67)}
"""Units in a part that goes alone, and in one that is joined to others, of the plain alphabet and of the other."""


class Segments(NamedTuple):
    """How a text travels: "GSM-7" or "UCS-2", its length in units of that alphabet, and in how many parts."""

    alphabet: str
    units: int
    parts: int

    @property
    def is_plain(self) -> bool:
        return self.alphabet == "GSM-7"

    @property
    def words(self) -> str:
        """ "2 parts, 161 of 306 characters": how much of their room is used (docs/rules.md A8)."""
        alone, joined = ROOM[self.is_plain]
        room = alone if self.parts == 1 else joined * self.parts
        less = "" if self.is_plain else "; a special character or emoji leaves less room"
        return f"{count_of(self.parts, 'part')}, {self.units} of {room} characters{less}"


def plain(text: str) -> str:
    """`text` with typographic quotes, dashes and spaces as simple ones.

    One curly quote would more than halve the room. Letters are never touched: a name arrives as it is written, even
    where that costs a part.
    """
    return unicodedata.normalize("NFC", text).translate(TYPOGRAPHY).replace("\r\n", "\n").strip()


def count(text: str) -> Segments:
    """In how many parts `text` is sent: 160 (153 when joined) of GSM-7, else 70 (67) UTF-16 units."""
    simple = all(character in GSM_7 or character in GSM_7_DOUBLE for character in text)
    widths = [_width(character, simple) for character in text]
    alone, joined = ROOM[simple]
    units = sum(widths)
    return Segments("GSM-7" if simple else "UCS-2", units, 1 if units <= alone else _pack(widths, joined))


def _width(character: str, simple: bool) -> int:
    return 1 + (character in GSM_7_DOUBLE if simple else character > "\uffff")


def _pack(widths: list[int], room: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
