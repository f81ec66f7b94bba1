"""Lets a generator work ahead in a thread: rows are cleaned while the database writes the batch before."""

from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")
_END = object()
LOOK_SECONDS = 0.2


def ahead(items: Iterator[Item], by: int = 1) -> Iterator[Item]:
    """The items of `items`, made up to `by` in advance. What it raises is raised here; leaving early stops it."""
    waiting: Queue[object] = Queue(maxsize=by)
    stop = Event()
    maker = Thread(target=_make, args=(items, waiting, stop), daemon=True, name="read-ahead")
    maker.start()
    try:
        while True:
            item = _next(waiting, maker)
            if item is _END:
                return
            if isinstance(item, _Raised):
                raise item.problem
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        maker.join()


class _Raised:
    def __init__(self, problem: BaseException):
        self.problem = problem


def _make(items: Iterator[object], waiting: Queue[object], stop: Event) -> None:
    try:
        for item in items:
            if not _put(waiting, item, stop):
                return
        _put(waiting, _END, stop)
    except BaseException as problem:
        _put(waiting, _Raised(problem), stop)


def _put(waiting: Queue[object], item: object, stop: Event) -> bool:
    while not stop.is_set():
        with suppress(Full):
            waiting.put(item, timeout=LOOK_SECONDS)
            return True
    return False


def _next(waiting: Queue[object], maker: Thread) -> object:
    while True:
        try:
            return waiting.get(timeout=LOOK_SECONDS)
        except Empty:
            if not maker.is_alive() and waiting.empty():
                raise RuntimeError("the reader of the file ended without a word") from None
