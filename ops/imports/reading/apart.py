"""Reads strangers' files in a process of its own, so that no file can take the memory, the time or the life of the
process that serves pages or loads other practices' files.

    with Apart([stream]) as reader:
        source = reader.opened(0, "clients.csv")
        for row in reader.rows(0, zone, today): ...

What the parsers are written in may abort, crash or eat memory on a crafted file; all of that is a sentence here.
"""

import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import IO, Any, BinaryIO, Self

import structlog

from ops.imports.reading.child import MEMORY, File, Question, Trouble
from ops.imports.reading.packing import Row, unpacked
from ops.imports.reading.preview import Preview
from ops.imports.reading.recognising import Profile
from ops.imports.reading.records import Unreadable
from ops.imports.reading.sources import Source

log = structlog.get_logger()
PREVIEW_S = 20
"""Seconds of computing for the look at a file that somebody waits for."""
STEP_S = 120
"""The same for opening a file that is loaded, and for each few hundred of its rows."""
_ROOT = str(Path(__file__).parents[3])
_MAIN = f"import sys; sys.path.insert(0, {_ROOT!r}); from ops.imports.reading.child import main; main({{memory}})"


class Apart:
    """A process that reads these files (seekable, real ones). It is started when it is first asked, and again when a
    file ended it."""

    def __init__(self, streams: Sequence[BinaryIO], memory: int = MEMORY):
        self._descriptors = [stream.fileno() for stream in streams]
        self._files: dict[int, File] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._memory = memory
        self._how = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def preview(
        self,
        number: int,
        name: str,
        zone: str,
        today: date,
        profile: Profile | str | None = None,
        saved: Sequence[Profile] = (),
    ) -> Preview:
        """The first rows of file `number`. `zone` and `today` are the practice's. Raises Unreadable."""
        file = File(self._descriptors[number], name, profile, saved)
        return self._ask(Question("preview", file, PREVIEW_S, zone, today))

    def opened(
        self, number: int, name: str, profile: Profile | str | None = None, saved: Sequence[Profile] = ()
    ) -> Source:
        """What file `number` is and how it is read (`open_source`), without its content. Raises Unreadable."""
        self._files[number] = File(self._descriptors[number], name, profile, saved)
        return self._ask(Question("open", self._files[number], STEP_S))

    def rows(self, number: int, zone: str, today: date) -> Iterator[Row]:
        """Every row of file `number`, which was opened. Raises Unreadable."""
        rows = self._ask(Question("rows", self._files[number], STEP_S, zone, today))
        while rows:
            yield from unpacked(rows)
            rows = self._answer(self._files[number].name, STEP_S)

    def _ask(self, question: Question) -> Any:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _MAIN.format(memory=self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a parser's last words may quote a patient
                env={},
                pass_fds=self._descriptors,
                start_new_session=True,  # Ctrl-C is for the one who started us
            )
        questions = self._process.stdin
        assert questions is not None
        with suppress(BrokenPipeError):  # it has died; reading the answer says how
            pickle.dump(question, questions)
            questions.flush()
        return self._answer(question.file.name, question.seconds)

    def _answer(self, name: str, seconds: int) -> Any:
        assert self._process is not None and self._process.stdout is not None
        try:
            answer = _Ours(self._process.stdout).load()
        except (EOFError, pickle.UnpicklingError):
            self._end()
            raise Unreadable(f"{name}: {self._last_words(seconds)}") from None
        if not isinstance(answer, Trouble):
            return answer
        if answer.error == "MemoryError":
            self._end()
            raise Unreadable(f"{name}: {self._too_large()}")
        if answer.error:
            log.error("file_not_read", error=answer.error)
            raise Unreadable(f"{name}: cannot be read: it is not built as its format says ({answer.error}).")
        raise Unreadable(answer.unreadable)

    def _last_words(self, seconds: int) -> str:
        if self._how == -signal.SIGXCPU:
            return f"reading it takes longer than {seconds} seconds of computing. Send it in smaller parts."
        return self._too_large()

    def _too_large(self) -> str:
        return (
            f"reading it takes more than {self._memory // 1_000_000} MB of memory, or it is made to break what reads "
            "it. Save it as CSV, or send it in smaller parts."
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            _shut(pipe)
        process.kill()
        self._how = process.wait()


def _shut(pipe: IO[bytes] | None) -> None:
    with suppress(BrokenPipeError):
        if pipe is not None:
            pipe.close()


class _Ours(pickle.Unpickler):
    """Takes from the process that read a stranger's file nothing but facts: our own records, and days."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name) if module.startswith("ops.imports.reading.") else None
        if (module, name) == ("datetime", "date"):
            return date
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name}")
        return found
