"""Whether bytes are a picture we serve: PNG or JPEG, small, and whole enough to say its size. Pure."""

from ops.errors import Refused

LARGEST = 200 * 1024
"""Bytes."""
LONGEST_SIDE = 1600
"""Pixels."""
PNG = b"\x89PNG\r\n\x1a\n"
SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of JPEG after which the size stands."""


def kind_of(content: bytes) -> str:
    """image/png or image/jpeg. Raises Refused for anything else, whatever its name says, and for one too large."""
    if len(content) > LARGEST:
        raise Refused(f"The logo is larger than {LARGEST // 1024} KB.")
    if content.startswith(PNG):
        kind, size = "image/png", _png_size(content)
    elif content.startswith(b"\xff\xd8"):
        kind, size = "image/jpeg", _jpeg_size(content)
    else:
        raise Refused("The logo must be a PNG or JPEG picture.")
    if size is None or not all(size):
        raise Refused("This picture cannot be read. Save it as PNG once more and try again.")
    if max(size) > LONGEST_SIDE:
        raise Refused(f"The logo is {size[0]} × {size[1]} pixels; {LONGEST_SIDE} is the most on a side.")
    return kind


def _png_size(content: bytes) -> tuple[int, int] | None:
    if content[12:16] != b"IHDR" or len(content) < 24 or b"IEND" not in content[-12:]:
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        length = int.from_bytes(content[at + 2 : at + 4])
        if content[at + 1] in SIZES:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        if length < 2:
            return None
        at += 2 + length
    return None
