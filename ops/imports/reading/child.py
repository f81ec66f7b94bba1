"""The process in which a file of strangers is taken apart: it has a limit of memory and of time, no database and no
secrets, and answers what it is asked (`ops.imports.reading.apart`).

Its files are open already; their numbers come with the questions. An answer is one pickle on standard output, rows come
as lists and end with an empty one.
"""

import gc
import os
import pickle
import resource
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from ops.imports.reading.packing import Row, packed, size
from ops.imports.reading.preview import preview
from ops.imports.reading.recognising import Profile
from ops.imports.reading.records import Unreadable
from ops.imports.reading.sources import Source, open_source

MEMORY = 300_000_000
"""Bytes of address space, the program itself (30 MB resident) included."""
ROWS, CHARACTERS = 500, 500_000
"""Of one list of rows: whichever comes first."""


@dataclass(frozen=True)
class File:
    """A file to be read: its open descriptor, and how a person wants it read."""

    descriptor: int
    name: str
    profile: Profile | str | None = None
    saved: Sequence[Profile] = ()


@dataclass(frozen=True)
class Question:
    """`kind` is "preview", "open" or "rows" (of a file that was opened). `seconds` of computing each answer may take;
    `zone` and `today` are the practice's."""

    kind: str
    file: File
    seconds: int
    zone: str = ""
    today: date | None = None


@dataclass(frozen=True)
class Trouble:
    """An answer that is none: `unreadable` is a sentence about the file; else the kind of error, and where."""

    unreadable: str = ""
    error: str = ""


def answers(question: Question, opened: dict[int, Source]) -> Iterator[Any]:
    """What is asked, piece by piece. Raises Unreadable, and whatever a hostile file makes a parser raise."""
    file = question.file
    if question.kind == "rows":
        assert question.today is not None
        yield from _lists(opened[file.descriptor].rows(question.zone, question.today))
        return
    stream: BinaryIO = open(file.descriptor, "rb", closefd=False)  # noqa: SIM115 (stays open between questions)
    if question.kind == "preview":
        assert question.today is not None
        yield preview(stream, file.name, question.zone, question.today, file.profile, file.saved)
    else:
        opened[file.descriptor] = open_source(stream, file.name, file.profile, file.saved)
        yield opened[file.descriptor]


def _lists(rows: Iterable[Row]) -> Iterator[list[Any]]:
    found: list[Any] = []
    long = 0
    for row in map(packed, rows):
        found.append(row)
        long += size(row)
        if len(found) == ROWS or long > CHARACTERS:
            yield found
            found, long = [], 0
    if found:
        yield found
    yield []


def _guarded(question: Question, opened: dict[int, Source]) -> Iterator[Any]:
    try:
        yield from answers(question, opened)
    except Unreadable as problem:
        yield Trouble(unreadable=str(problem))
    except MemoryError:
        yield Trouble(error="MemoryError")
    except Exception as problem:
        frame = problem.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}" if frame else "?"
        yield Trouble(error=f"{type(problem).__name__} at {place}")


def _limit(what: int, amount: int) -> None:
    with suppress(ValueError, OSError):  # a system that has no such limit
        resource.setrlimit(what, (amount, resource.getrlimit(what)[1]))


def _more_time(seconds: int) -> None:
    """Computing beyond it ends the process (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + seconds)


def main(memory: int = MEMORY) -> None:
    """Answers questions until there are no more."""
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_CORE, 0)
    gc.set_threshold(100_000)  # rows hold no cycles; looking for some in each batch is a tenth of the work
    opened: dict[int, Source] = {}
    with suppress(BrokenPipeError, EOFError), open(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what a library prints is no answer
        while True:
            question = pickle.load(sys.stdin.buffer)  # noqa: S301 (from the process that started us)
            _more_time(question.seconds)
            for answer in _guarded(question, opened):
                pickle.dump(answer, out, protocol=5)
                out.flush()
                _more_time(question.seconds)
