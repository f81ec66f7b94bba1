"""The resources of a file one by one, broken ones among them: a Bundle's entries, or NDJSON's lines.

What is broken costs its own line or entry: it is put aside, and whoever it may be about is held back. A Bundle whose
JSON itself is broken cannot be taken up again behind the fault, so it is refused whole.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from ops.imports.reading.fhir_kept import MAX_KEPT, Resource
from ops.imports.reading.records import Whom
from ops.imports.reading.whom import whom_in

MAX_LINE = 5_000_000
"""Bytes of one line: more is no resource."""
MAX_DEPTH = 100
"""Lists and objects within each other. The parser keeps the path to each: 400 KB of brackets took 23 GB, measured."""
_REFERENCE = re.compile(r'"(?:subject|patient)"\s*:\s*\{[^{}]{0,500}?"reference"\s*:\s*"([^"]{1,500})"')
_PATIENT = re.compile(r'"resourceType"\s*:\s*"Patient"')
_ID = re.compile(r'"id"\s*:\s*"([^"]{1,200})"')


class Entry(NamedTuple):
    """One resource, by the number of its entry or line, from 1. With a `problem` it is none, and `text` is what stands
    there."""

    number: int
    full_url: str
    resource: Resource
    problem: str = ""
    text: str = ""


def is_by_line(stream: BinaryIO) -> bool:
    """Whether each line is a resource by itself: the first or the second one is."""
    rewind(stream)
    filled = (line for line in iter(lambda: stream.readline(MAX_LINE), b"") if line.strip())
    first, second = next(filled, b"").strip(), next(filled, b"").strip()
    rewind(stream)
    if not second or second == first == b"{":
        return False
    alone = _resource(first)
    if alone is not None:
        return True
    return _resource(second) is not None and first[-1:] not in (b"{", b"[", b",", b":")


def _resource(line: bytes) -> Resource | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    kind = value.get("resourceType") if isinstance(value, dict) else None
    return value if isinstance(kind, str) and kind != "Bundle" else None


def lines(stream: BinaryIO) -> Iterator[Entry]:
    """The resources of an NDJSON file."""
    rewind(stream)
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(MAX_LINE)
            yield _broken(number, f"longer than {MAX_LINE:,} characters", line[:MAX_KEPT])
        elif line.strip():
            yield _read(number, line.strip())


def _read(number: int, line: bytes) -> Entry:
    try:
        value = json.loads(line)
    except ValueError:  # letters that are none, too
        return _broken(number, "broken JSON", line)
    except RecursionError:
        return _broken(number, f"nested deeper than {MAX_DEPTH} levels", line)
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return _broken(number, f"nested deeper than {MAX_DEPTH} levels", line)
    if not is_resource(value) or value["resourceType"] == "Bundle":
        return _broken(number, "no resource of FHIR", line)
    return Entry(number, "", value)


def of_bundle(entries: Iterable[Any]) -> Iterator[Entry]:
    """The resources of a Bundle's entries, parsed. An entry without any (a deletion) is passed over."""
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, dict) and "resource" not in entry:
            continue
        resource: Any = entry["resource"] if isinstance(entry, dict) else None
        if is_resource(resource):
            yield Entry(number, str(entry.get("fullUrl") or ""), resource)
        else:
            yield _broken(number, "no resource of FHIR", json.dumps(entry).encode())


def is_resource(value: Any) -> bool:
    """Whether a value says what kind of resource it is."""
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def whom_of_text(text: str) -> Whom:
    """Whom a broken resource is about, as far as its text tells; the number is still a reference."""
    named = _REFERENCE.search(text) or (_PATIENT.search(text) and _ID.search(text))
    return whom_in([text], named[1] if named else "")


def rewind(stream: BinaryIO) -> None:
    """To the start of the text, behind a byte order mark."""
    stream.seek(0)
    if stream.read(3) != codecs.BOM_UTF8:
        stream.seek(0)


def _broken(number: int, problem: str, text: bytes) -> Entry:
    return Entry(number, "", {}, problem, text[:MAX_KEPT].decode("utf-8", "replace"))


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        deepest = max(deepest, depth if isinstance(one, (dict, list)) else 0)
        waiting += [(each, depth + 1) for each in inside]
    return deepest
