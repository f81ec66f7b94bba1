"""Whether the marks of a script can be read at all, in one pass over it. Pure.

Liquid's own reader starts again at every mark that is not closed, and looks into brackets within brackets: 10,000
characters of `{{` took it seven seconds. What it is given has few marks, each closed, with little inside.
"""

import re

MARK = re.compile(r"\{\{|\{%|\}\}|%\}")
CLOSES = {"{{": "}}", "{%": "%}"}
MAX_MARKS = 300
MAX_INSIDE = 300


def problem(source: str) -> str | None:
    """Why the script's marks cannot be read, as a sentence with the line; None when they can."""
    opened, count = None, 0
    for mark in MARK.finditer(source):
        if opened is None:
            opened = mark if mark[0] in CLOSES else None
            count += opened is not None
        elif mark[0] != CLOSES[opened[0]]:
            return _not_closed(source, opened)
        elif mark.start() - opened.end() > MAX_INSIDE:
            return f"“{opened[0]}” in {_line(source, opened)} holds too much: {MAX_INSIDE} characters at most."
        else:
            opened = None
    if opened is not None:
        return _not_closed(source, opened)
    return f"There are {count:,} placeholders, {MAX_MARKS} at most." if count > MAX_MARKS else None


def _not_closed(source: str, mark: re.Match[str]) -> str:
    return f"“{mark[0]}” in {_line(source, mark)} is not closed: “{CLOSES[mark[0]]}” is missing."


def _line(source: str, mark: re.Match[str]) -> str:
    return f"line {source.count(chr(10), 0, mark.start()) + 1}"
