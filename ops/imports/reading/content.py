"""What a file is, by its content: names and extensions lie.

Text is decoded strictly as what the whole file turns out to be. Guessing from the first kilobytes is how a file that is
plain ASCII for ten thousand lines loses the one accent further down; a full pass costs a fraction of a second per
100 MB.
"""

import codecs
import io
import re
import zipfile
from typing import BinaryIO

from ops.imports.reading.records import Unreadable
from ops.imports.reading.western import is_japanese, is_western

MAGIC = (
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Excel or Word file"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"{\\rtf", "an RTF document"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"BM", "a BMP picture"),
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WHAT_WE_READ = "Send CSV, TSV, XLSX or a FHIR R4 Bundle."
BLOCK = 1 << 20
MANY_CONTROLS = 30
"""Control characters a text may hold by accident; above, and above 2% of its start, it is binary."""
_MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|table|!--)", re.I)
_HIGH_LINE = re.compile(rb"(?<![^\n])[^\n\x80-\xff]*[\x80-\xff][^\n]*")
DOUBTFUL = "ascii"
"""The codec of a file whose other letters could be several ones: what is not plain ASCII is marked as undecodable."""
_CONTROLS = re.compile(rb"[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def format_of(stream: BinaryIO, name: str) -> str:
    """ "text", "xlsx" or "json". Raises Unreadable for an empty file and for what looks like anything else."""
    stream.seek(0)
    head = stream.read(4096)
    stream.seek(0)
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise Unreadable(f"{name}: the file is empty.")
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(stream, name)
    _refuse_other_kinds(head, name)
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    return "json" if text[:1] == b"{" or re.match(rb"\[\s*[\[{]", text) else "text"


def _refuse_other_kinds(head: bytes, name: str) -> None:
    for magic, kind in MAGIC:
        if head.startswith(magic) and not (magic == b"BM" and b"\x00" not in head[:32]):
            raise Unreadable(f"{name}: this looks like {kind}, not a table. {WHAT_WE_READ}")
    if b"%PDF-" in head[:1024]:
        raise Unreadable(f"{name}: this looks like a PDF document, not a table. {WHAT_WE_READ}")
    if _MARKUP.match(head.removeprefix(codecs.BOM_UTF8)):
        raise Unreadable(f"{name}: this looks like a web page or XML, not a table. {WHAT_WE_READ}")


def _zip_kind(stream: BinaryIO, name: str) -> str:
    try:
        names = set(zipfile.ZipFile(stream).namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as problem:
        raise Unreadable(f"{name}: a damaged XLSX or ZIP file ({problem}).") from None
    finally:
        stream.seek(0)
    if any(entry.startswith("xl/") for entry in names):
        return "xlsx"
    kind = "a Word document" if any(entry.startswith("word/") for entry in names) else "a ZIP archive"
    raise Unreadable(f"{name}: this looks like {kind}, not a table. {WHAT_WE_READ}")


def encoding_of(stream: BinaryIO, name: str) -> str:
    """The codec the whole text is in. Raises Unreadable when it is not text at all."""
    stream.seek(0)
    head = stream.read(BLOCK)
    for bom, codec in BOMS:
        if head.startswith(bom):
            return codec
    wide = _utf16_without_bom(head[:4096])
    if wide:
        return wide
    if len(_CONTROLS.findall(head)) > max(MANY_CONTROLS, len(head) // 50):
        raise Unreadable(f"{name}: this is a binary file of an unknown kind, not a table. {WHAT_WE_READ}")
    return "utf-8" if _is_utf8(stream) else _legacy_encoding(stream)


def _utf16_without_bom(head: bytes) -> str | None:
    """Latin text in UTF-16 has a NUL in every other byte; which one tells the byte order."""
    pairs = len(head) // 2 or 1
    if head[1::2].count(0) > pairs * 0.4 and head[0::2].count(0) < pairs * 0.1:
        return "utf-16-le"
    if head[0::2].count(0) > pairs * 0.4 and head[1::2].count(0) < pairs * 0.1:
        return "utf-16-be"
    return None


def _is_utf8(stream: BinaryIO) -> bool:
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := stream.read(BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _legacy_encoding(stream: BinaryIO) -> str:
    """UTF-8 with a few damaged bytes, Windows-1252 or Shift-JIS, judged by the lines that are not plain ASCII;
    DOUBTFUL when they are none of these for certain: no name is stored with guessed letters."""
    lines = _lines_beyond_ascii(stream)
    sound = sum(_decodes(line, "utf-8") for line in lines)
    if sound > len(lines) - sound:
        return "utf-8"
    for codec, looks_right in (("cp932", is_japanese), ("cp1252", is_western)):
        try:
            text = b"\n".join(lines).decode(codec)
        except UnicodeDecodeError:
            continue
        if looks_right(text):
            return codec
    return DOUBTFUL


def _lines_beyond_ascii(stream: BinaryIO, limit: int = 1 << 21) -> list[bytes]:
    lines: list[bytes] = []
    size = 0
    stream.seek(0)
    while size < limit and (block := stream.read(BLOCK)):
        for found in _HIGH_LINE.findall(block):
            lines.append(found[:4096])
            size += len(lines[-1])
    return lines


def _decodes(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def text_of(stream: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """The text of `stream` from its start, any line ending as a newline.

    Undecodable bytes become U+FFFD, for the reader of records to quarantine: no row is stored with guessed characters.
    """
    stream.seek(0)
    return io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline=None)
