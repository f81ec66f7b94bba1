"""What stands between the network and the threads that make pages: one loop that no slow client holds up.

waitress reads whole requests and writes whole answers in that loop and wakes a thread only for a request that is
complete. Here is what it leaves open: how long a request may take to arrive, how much a stranger may send, who goes
when there are too many connections, and how it stops.
"""

import faulthandler
import time
from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import RequestEntityTooLarge

PATIENCE_S = 15.0
"""A request that is not whole after this time must have come at ..."""
SLOWEST_BYTES_PER_S = 20_000
"""... this rate at least: 1 GB may take most of a day, a byte now and then may not."""
IDLE_S = 60.0
"""How long a connection is kept for the next request, and how long a client may read nothing of its answer."""
CONNECTIONS = 800
"""At more than this, the address that holds most of them loses the oldest one nobody works for."""
LOOK_SECONDS = 1.0
HUNG_S = 120.0
"""A loop that does not come around for so long (some code holds the interpreter) ends the process."""
STRANGERS_BYTES = 64 * 1024
"""More than that in one request is for who is signed in: a body lies on our disk before anybody asks who sent it, and
taking 150,000 fields apart holds the interpreter up for everybody. A stranger's form is an address and a password."""


class Parser(HTTPRequestParser):
    """A request as it arrives."""

    error: Any = None

    def received(self, data: bytes) -> int:
        """Take what came; the bytes consumed. A body too large for a stranger is refused where that is known."""
        before = self.size()
        consumed = int(super().received(data))
        if before <= STRANGERS_BYTES < self.size() and not self.error and not self.adj.may_send_much(self.headers):
            self.error = RequestEntityTooLarge("sign in before sending this much")
            self.expect_continue = False
            self.completed = True
        return consumed

    def size(self) -> int:
        """Bytes of the body: those announced, or those that came."""
        return max(int(self.content_length), int(self.body_bytes_received))


class Channel(HTTPChannel):
    """One connection."""

    parser_class = Parser

    def __init__(self, *args: Any, **kw: Any) -> None:
        self.awaited_since = time.monotonic()
        """Since when the request that is arriving is awaited: the connection's begin, or its first byte."""
        self.served = 0
        super().__init__(*args, **kw)

    def received(self, data: bytes) -> bool:
        """Take what came in."""
        if self.request is None and self.served:
            self.awaited_since = time.monotonic()
        return bool(super().received(data))

    def service(self) -> None:
        """Answer one request (in a thread)."""
        super().service()
        self.served += 1

    def is_free(self) -> bool:
        """Whether nobody works for it."""
        return not self.requests

    def is_overdue(self) -> bool:
        """Whether its client had the time it is given."""
        silent = time.time() - self.last_activity  # waitress notes it by this clock
        if self.total_outbufs_len:
            return silent > IDLE_S
        if self.requests:
            return False
        if self.request is None and self.served:
            return silent > IDLE_S
        came = self.request.header_bytes_received + self.request.body_bytes_received if self.request else 0
        return time.monotonic() - self.awaited_since > PATIENCE_S + came / SLOWEST_BYTES_PER_S


class Server(TcpWSGIServer):
    """The listening socket and its loop."""

    channel_class = Channel
    stopping = False
    next_channel_cleanup: float = 0

    def __init__(self, *args: Any, **kw: Any) -> None:
        self.for_monitors = ThreadedTaskDispatcher()
        self.for_monitors.set_thread_count(1)
        super().__init__(*args, **kw)

    def add_task(self, task: Channel) -> None:
        """Have a thread answer. "Are you alive" has one of its own: the others may all be waiting for a database."""
        asked = task.requests[0]
        alone = not asked.error and asked.path == "/healthz"
        (self.for_monitors if alone else self.task_dispatcher).add_task(task)

    def readable(self) -> bool:
        """Whether to wait for visitors."""
        return bool(self.accepting)

    def handle_accept(self) -> None:
        """Take a visitor, and let another one go if there are too many."""
        super().handle_accept()
        if len(self.active_channels) > CONNECTIONS and (leaving := one_to_leave(self.active_channels.values())):
            leaving.handle_close()

    def serve(self, grace_s: float) -> None:
        """Until `stop()`; then finish what is at hand, for `grace_s` at most. Visitors to come wait in the socket."""
        while not self.stopping:
            self._look(LOOK_SECONDS)
        self.accepting = False
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline and any(map(_is_at_hand, self.active_channels.values())):
            self._look(0.05)

    def stop(self) -> None:
        """End `serve`; may be called by a signal handler."""
        self.stopping = True
        self.pull_trigger()

    def _look(self, seconds: float) -> None:
        faulthandler.dump_traceback_later(HUNG_S, exit=True)
        wasyncore.poll2(seconds, self._map)
        if time.monotonic() >= self.next_channel_cleanup:
            self.next_channel_cleanup = time.monotonic() + LOOK_SECONDS
            for channel in [each for each in self.active_channels.values() if each.is_overdue()]:
                channel.handle_close()


def _is_at_hand(channel: Channel) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


def one_to_leave(channels: Iterable[Channel]) -> Channel | None:
    """Of the address with most connections the oldest one nobody works for; None where all are being served."""
    free = [channel for channel in channels if channel.is_free()]
    held = Counter(_whose(channel) for channel in free)
    return min(free, key=lambda channel: (-held[_whose(channel)], channel.creation_time), default=None)


def _whose(channel: Channel) -> str:
    """An address that one party has: of IPv6 they have whole networks."""
    try:
        address = ip_address(str(channel.addr[0]).partition("%")[0])
    except ValueError:
        return str(channel.addr[0])
    return str(address) if address.version == 4 else str(ip_network((address, 64), strict=False))
