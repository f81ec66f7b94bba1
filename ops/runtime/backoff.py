"""When a child process that ended may be started again."""

import time

LONG_LIFE_SECONDS = 30.0
"""A child that lived this long ran well: its next start does not wait."""


class Backoff:
    """Waits 0.1 s after the first end, twice as long after each further one, `longest_s` at most."""

    def __init__(self, longest_s: float) -> None:
        self.longest_s = longest_s
        self.failures = 0
        self._started = 0.0
        self._wait_until = 0.0

    def started(self) -> None:
        """The child was started just now."""
        self._started = time.monotonic()

    def ended(self) -> float:
        """The child ended just now; the seconds it lived."""
        lived = time.monotonic() - self._started
        self.failures = 1 if lived > LONG_LIFE_SECONDS else self.failures + 1
        self._wait_until = time.monotonic() + min(self.longest_s, 0.1 * 2 ** (self.failures - 1))
        return lived

    def may_start(self) -> bool:
        """Whether the wait is over."""
        return time.monotonic() >= self._wait_until
