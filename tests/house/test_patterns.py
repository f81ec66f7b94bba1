"""No pattern of ours takes more than a look at each character: a stranger's text must not keep a process busy.

Every `re` pattern of the product is given long runs of what it is made of, by the methods it is really used with.
"""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]

import ops

LONG = 4000
METHODS = "search|match|fullmatch|finditer|findall|sub|split"
MOST_SECONDS = 0.025
"""Of CPU time. A pattern that starts again at each character takes three times as long, a linear one a tenth."""
SHORT_INPUT = {
    # pattern: what bounds the text it is given
    "ops.messages.wording.MAIL": "an address that was checked when it was stored, 320 characters at most",
    "ops.practices.phones._WRITTEN": "MAX_WRITTEN characters",
    "ops.sql.units.COMMENT": "our own files",
    "ops.runtime.logs.ALARMING": "our own lines",
}


def patterns() -> Iterator[tuple[str, "re.Pattern[str] | re.Pattern[bytes]", set[str]]]:
    """(name, pattern, the methods it is called with) of every pattern in a module of ours."""
    for found in pkgutil.walk_packages(ops.__path__, "ops."):
        module = importlib.import_module(found.name)
        source = Path(str(module.__file__)).read_text()
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                used = set(
                    re.findall(rf"\b{re.escape(name)}\.(search|match|fullmatch|finditer|findall|sub|split)\b", source)
                )
                yield f"{found.name}.{name}", value, used


def pieces(parsed) -> list[str]:
    """What a pattern is made of: its words, and a character of each of its classes."""
    found, word = [], ""
    for operation, value in parsed:
        kind = str(operation)
        if kind == "LITERAL":
            word += chr(value)
            continue
        found, word = [*found, word], ""
        if kind == "IN":
            found += [_of_class(str(each), what) for each, what in value]
        elif kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            found += pieces(value[2])
        elif kind == "SUBPATTERN":
            found += pieces(value[3])
        elif kind in ("ASSERT", "ASSERT_NOT"):
            found += pieces(value[1])
        elif kind == "BRANCH":
            found += [piece for branch in value[1] for piece in pieces(branch)]
        elif kind in ("ANY", "NOT_LITERAL"):
            found.append("x")
    return [each for each in dict.fromkeys([*found, word]) if each]


def _of_class(kind: str, value) -> str:
    if kind == "LITERAL":
        return chr(value)
    if kind == "RANGE":
        return chr(value[0])
    return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}.get(str(value), "!")


def runs(pattern) -> Iterator[str]:
    """Long texts that such a pattern likes until their last character."""
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    made_of = pieces(_parser.parse(pattern.pattern, flags))[:40]
    first = next((each for each in made_of if len(each) > 1), "")
    pairs = [f"{one}{made_of[0]}" for one in made_of[1:8]] + [f"{one} " for one in made_of if len(one) > 1]
    for run in dict.fromkeys([*made_of, *pairs]):
        yield first + (run * LONG)[:LONG] + "\x01"


def seconds(pattern, method: str, text: str) -> float:
    given = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text
    more = {"sub": (type(given)(), given)}.get(method, (given,))
    began = time.process_time()
    found = getattr(pattern, method)(*more)
    if method == "finditer":
        list(found)
    return time.process_time() - began


def slowest(pattern, used: set[str]) -> tuple[float, str]:
    return max((seconds(pattern, how, text), f"{how} of {text[:20]!r}") for text in runs(pattern) for how in used)


def test_no_pattern_starts_again_at_every_character():
    found = {name: (pattern, used) for name, pattern, used in patterns() if used and name not in SHORT_INPUT}
    assert len(found) > 80 and "ops.contact.health_words.ADDRESS" in found
    slow = {}
    for name, asked in found.items():
        took, what = slowest(*asked)
        if took > MOST_SECONDS:
            took, what = min((took, what), slowest(*asked))  # a busy machine is slow once
        if took > MOST_SECONDS:
            slow[name] = f"{took * 1000:.0f} ms for {what}"
    assert slow == {}
