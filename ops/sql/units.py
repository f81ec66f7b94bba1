"""The SQL of the product as files: which there are, what each of them makes, and in which order they go in.

A `.sql` file lies beside the code that calls it and is found wherever it lies below ops/. It holds functions, views and
triggers, each begun with CREATE OR REPLACE at the start of a line. The order is read from the texts: a file that names
what another one makes goes in after it, so there is no list to keep and a file may move.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

OPS = Path(__file__).resolve().parent.parent
MAKES = re.compile(r"^CREATE OR REPLACE (FUNCTION|VIEW|TRIGGER) (\w+)", re.MULTILINE)
COMMENT = re.compile(r"--.*")


@dataclass(frozen=True)
class Unit:
    """What is installed together: a file, or the wall of one table."""

    name: str
    """ "queue/claim.sql" or "wall of messages"."""
    text: str
    """The statements; they may run again over what they made before."""
    shapes: dict[str, str]
    """What it makes ("FUNCTION next_task"), each with what CREATE OR REPLACE cannot change of it: when that differs
    from what is installed, it is dropped first."""

    @property
    def sha256(self) -> str:
        """By which the database remembers the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def files(folder: Path = OPS) -> list[Unit]:
    """Every .sql file below `folder`, whatever it names before it. Raises ValueError when two make the same thing and
    graphlib.CycleError when two name each other."""
    paths = sorted(folder.rglob("*.sql"))
    return in_order(parse(path.relative_to(folder).as_posix(), path.read_text()) for path in paths)


def parse(name: str, text: str) -> Unit:
    """A unit out of the text of a file."""
    shapes: dict[str, str] = {}
    starts = list(MAKES.finditer(text))
    for start, end in zip(starts, [*(found.start() for found in starts[1:]), len(text)], strict=True):
        made, shape = _made(start, COMMENT.sub("", text[start.end() : end]))
        if made in shapes:
            raise ValueError(f"{name} makes {made} twice: one name, one function")
        shapes[made] = shape
    return Unit(name, text, shapes)


def _made(start: re.Match[str], rest: str) -> tuple[str, str]:
    kind, name = start.groups()
    if kind == "TRIGGER":
        table = re.search(r"\bON (\w+)", rest)
        return f"TRIGGER {name} ON {table.group(1) if table else ''}", ""
    # of a function its arguments and result, of a view all of it: columns of a view cannot change their order
    head = re.split(r"\bLANGUAGE\b|\bAS \$", rest)[0] if kind == "FUNCTION" else rest
    return f"{kind} {name}", " ".join(head.split())


def in_order(units: Iterable[Unit]) -> list[Unit]:
    """Each after those that make what it names. Raises ValueError and CycleError as `files` does."""
    by_name = {unit.name: unit for unit in units}
    makers: dict[str, str] = {}
    for unit in by_name.values():
        for made in unit.shapes:
            if made in makers:
                raise ValueError(f"{unit.name} and {makers[made]} both make {made}")
            makers[made] = unit.name
    named = {made.split()[1]: maker for made, maker in makers.items() if not made.startswith("TRIGGER")}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for unit in by_name.values():
        words = set(re.findall(r"\w+", COMMENT.sub("", unit.text)))
        # sorted: the same order in every process
        sorter.add(unit.name, *sorted({named[word] for word in named.keys() & words} - {unit.name}))
    return [by_name[name] for name in sorter.static_order()]
