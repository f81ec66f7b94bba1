"""What changed between two texts: by line, with the changed words marked. Pure."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

WORDS = re.compile(r"\s+|[\w'’]+|[^\w\s]")
ALIKE = 0.45
"""Lines with less in common than this are told as taken out and put in, not as changed: marking every word helps
nobody."""
MOST = 250_000
"""Comparisons that are worth a reader's time; longer lines are told whole."""


class DiffKind(StrEnum):
    SAME = "same"
    OUT = "out"
    IN = "in"


@dataclass(frozen=True)
class DiffLine:
    """One line, of the old text (OUT), the new (IN) or both. `pieces`: words and whether they are marked."""

    change: DiffKind
    pieces: tuple[tuple[str, bool], ...]


def lines(old: str, new: str) -> list[DiffLine]:
    """Every line of both texts, in order; a changed line is an OUT with its IN behind it."""
    before, after = old.splitlines(), new.splitlines()
    found: list[DiffLine] = []
    few = len(before) * len(after) <= MOST
    for what, a, b, c, d in SequenceMatcher(None, before, after, autojunk=not few).get_opcodes():
        if what == "equal":
            found += [_whole(DiffKind.SAME, line) for line in before[a:b]]
        else:
            found += _replaced(before[a:b], after[c:d])
    return found


def _replaced(out: list[str], put_in: list[str]) -> list[DiffLine]:
    """Lines at the same place, paired as far as they are alike."""
    if len(out) != len(put_in):
        pairs = min(len(out), len(put_in))
        return [
            *_replaced(out[:pairs], put_in[:pairs]),
            *(_whole(DiffKind.OUT, line) for line in out[pairs:]),
            *(_whole(DiffKind.IN, line) for line in put_in[pairs:]),
        ]
    return [line for old, new in zip(out, put_in, strict=True) for line in _pair(old, new)]


def _pair(old: str, new: str) -> tuple[DiffLine, DiffLine]:
    was, is_ = WORDS.findall(old), WORDS.findall(new)
    if len(was) * len(is_) > MOST:
        return _whole(DiffKind.OUT, old), _whole(DiffKind.IN, new)
    matcher = SequenceMatcher(None, was, is_, autojunk=False)
    if matcher.ratio() < ALIKE:
        return _whole(DiffKind.OUT, old), _whole(DiffKind.IN, new)
    gone: list[tuple[str, bool]] = []
    come: list[tuple[str, bool]] = []
    for what, a, b, c, d in matcher.get_opcodes():
        marked = what != "equal"
        if b > a:
            gone.append(("".join(was[a:b]), marked))
        if d > c:
            come.append(("".join(is_[c:d]), marked))
    return DiffLine(DiffKind.OUT, _joined(gone)), DiffLine(DiffKind.IN, _joined(come))


def _joined(pieces: list[tuple[str, bool]]) -> tuple[tuple[str, bool], ...]:
    """Marked words beside each other as one mark: the space between them is no news."""
    found: list[tuple[str, bool]] = []
    for number, (words, marked) in enumerate(pieces):
        between = not words.strip() and 0 < number < len(pieces) - 1
        marked = marked or (between and pieces[number - 1][1] and pieces[number + 1][1])
        if found and found[-1][1] == marked:
            found[-1] = (found[-1][0] + words, marked)
        else:
            found.append((words, marked))
    return tuple(found)


def _whole(change: DiffKind, line: str) -> DiffLine:
    return DiffLine(change, ((line, False),))
