"""Logs: one JSON object a line on standard error, without patient data.

Nothing is trusted to keep names and numbers out by itself: only the keys below are ever written, their values are
shortened, an exception is told by its type and the place it was raised (messages of databases and parsers quote the
data), and of other people's loggers only who complained. What a person did to whose data is in the audit log, not here.
"""

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import structlog

from ops.config import settings

KEYS = frozenset(
    {
        *("timestamp", "level", "event", "logger", "error", "raised"),
        *("method", "endpoint", "status", "ms", "user", "request"),
        *("work", "job", "queue", "child", "pid", "code", "count", "counts", "seconds", "channel", "state", "revision"),
        *("practice", "import_id", "unit", "task", "message", "version", "address_family"),
    }
)
"""What may be in a line. `practice`, `task` and so on are ids of ours: numbers that mean nothing outside."""
LONGEST = 200
DEEPEST = 12


def configure() -> None:
    """Send structlog and the standard library's loggers through the same sieve."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            told_by_type,
            only_allowed,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings().log_level.upper()),
        logger_factory=_StandardError(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _Sieve) for handler in root.handlers):
        root.addHandler(_Sieve(level=logging.WARNING))
    # It prints paths, and a path can hold a patient's number.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)


class _StandardError:
    """Writes to the standard error of the moment (tests and daemons exchange it)."""

    def __call__(self, *args: Any) -> structlog.PrintLogger:
        return _Forgiving(sys.stderr)


class _Forgiving(structlog.PrintLogger):
    """Loses a line that cannot be written: a full disk must not stop a page, or a message between sent and noted."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    debug = info = warning = warn = error = critical = fatal = exception = failure = err = log = msg


class _Sieve(logging.Handler):
    """Another library's complaint: who and how bad, without its words, which may quote data."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger()
        logger.warning("library_warned", logger=record.name, code=record.levelname, exc_info=record.exc_info or False)


def only_allowed(_: object, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop every key that is not in KEYS and shorten what is left."""
    return {key: _short(value) for key, value in line.items() if key in KEYS}


def _short(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else value


def told_by_type(_: object, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replace an exception by its type (`error`) and where it was raised (`raised`), leaving out its message."""
    given = line.pop("exc_info", None)
    problem = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(problem, BaseException):
        line["error"] = type(problem).__name__
        line["raised"] = places(problem.__traceback__)
    return line


def places(trace: TracebackType | None) -> list[str]:
    """The innermost places of a traceback as "module/file.py:12 function", outermost first."""
    frames = traceback.extract_tb(trace)[-DEEPEST:]
    return [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]
