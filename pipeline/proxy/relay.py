"""Connections that are forwarded with a delay, or broken on purpose: one thread, one schedule of chunks.

Data is sent a set time after it was read, whatever other data is in transit; nothing waits for an answer.
"""

import itertools
import random
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from pipeline.errors import SettingError
from pipeline.proxy.control import Address
from pipeline.proxy.owners import addresses_below
from pipeline.proxy.schedule import Schedule
from pipeline.settings import require_at_least, require_one_of

FAULTS = ("none", "drop", "truncate", "reset", "refuse")
"""The faults of connections: of existing ones, and of those made until the next fault is set.

`drop`: all data read from then on is discarded, and the connection stays open. `truncate`: the next chunk
read is cut to its first half, then both sides see the end. `reset`: both sides are reset at once. `refuse`:
no port listens, and existing connections continue. `none`: new connections work; one that had a fault never
recovers, because bytes are missing from it.
"""


@dataclass(frozen=True, kw_only=True)
class Network:
    """What the proxy does to the data.

    Each chunk's delay in one direction is drawn uniformly from half of `round_trip_s` ± `jitter_s`; no chunk
    overtakes another one of its connection. `below` is the number of a process: only connections that it or
    its descendants make have the fault; 0: all have it.

    Raises:
        SettingError: an unknown fault, a negative time, more jitter than round trip, or a process that alone
            is to be refused.
    """

    fault: str = "none"
    round_trip_s: float = 0.0
    jitter_s: float = 0.0
    below: int = 0

    def __post_init__(self) -> None:
        require_one_of("fault", self.fault, FAULTS)
        require_at_least("round_trip_s", self.round_trip_s, 0)
        require_at_least("jitter_s", self.jitter_s, 0)
        if self.jitter_s > self.round_trip_s:
            raise SettingError(f"jitter_s is {self.jitter_s}; the most is round_trip_s, {self.round_trip_s}")
        if self.below and self.fault == "refuse":
            raise SettingError("a port that does not listen refuses all processes; use reset with below")


@dataclass(eq=False)
class _End:
    """One socket of a connection: data that is read here is sent at `peer`. `client` made the connection."""

    sock: socket.socket
    client: Address
    jitter: random.Random
    peer: "_End" = field(init=False)
    due_s: float = 0.0
    unsent: deque[bytes | memoryview] = field(default_factory=deque)  # due, but not sent yet; b"" is the end
    unsent_bytes: int = 0
    events: int = 0
    has_read_all: bool = False
    has_sent_all: bool = False
    is_dropping: bool = False
    is_to_be_truncated: bool = False


class Relay:
    """Listeners, and the connections made to them, each forwarded to the address behind its listener.

    Raises:
        OSError: one of the addresses cannot be listened on.
    """

    def __init__(self, network: Network, listen: Sequence[Address], to: Sequence[Address]) -> None:
        self.network = network
        self.addresses = listen
        self._to = to
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._listeners: list[socket.socket] = []
        self._ends: set[_End] = set()
        self._in_transit: Schedule[tuple[_End, bytes]] = Schedule()
        self._number = itertools.count()
        self.set(network)

    def set(self, network: Network) -> None:
        """Apply `network` to all data that is read from now on, and its fault to all connections.

        Raises:
            OSError: another process took a port while connections were refused.
        """
        if network.fault == "refuse":
            while self._listeners:
                listener = self._listeners.pop()
                self.forget(listener.fileno())
                listener.close()
        elif not self._listeners:
            self._listen()
        self.network = network
        self._apply_fault(list(self._ends))

    def watch(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        """Call `handler` with the events of a file descriptor whenever there are any."""
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def forget(self, fd: int) -> None:
        """Undo `watch`."""
        self._epoll.unregister(fd)
        del self._handlers[fd]

    def turn(self) -> None:
        """Wait until there is an event or a chunk is due, and handle it."""
        if self._in_transit.wait(self._epoll):
            for fd, event in self._epoll.poll(0):
                if handler := self._handlers.get(fd):
                    handler(event)
        for end, data in self._in_transit.due():
            end.unsent.append(data)
            end.unsent_bytes += len(data)
            self._send(end)

    def _listen(self) -> None:
        self._listeners = [socket.create_server(address, backlog=1024) for address in self.addresses]
        self.addresses = [listener.getsockname() for listener in self._listeners]
        for listener, to in zip(self._listeners, self._to, strict=True):
            self.watch(listener.fileno(), select.EPOLLIN, partial(self._accept, listener, to))

    def _accept(self, listener: socket.socket, to: Address, _: int) -> None:
        client, address = listener.accept()
        # Seeded by its number: the same connections in the same order have the same jitter. Not a secret.
        ends = [
            _End(sock, address, random.Random(next(self._number)))  # noqa: S311
            for sock in (client, socket.socket())
        ]
        for end, peer in zip(ends, reversed(ends), strict=True):
            end.peer = peer
            end.sock.settimeout(0)
            end.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends[1].sock.connect_ex(to)  # a refusal shows at the next use of the socket
        self._ends.update(ends)
        for end in ends:
            self._update_events(end)
        self._apply_fault(ends)

    def _update_events(self, end: _End) -> None:
        """Wait for what `end` can do next, and for nothing else: epoll reports a closed socket endlessly."""
        reads = not end.has_read_all and end.peer.unsent_bytes < _UNSENT_MAX_BYTES
        events = select.EPOLLIN * reads | select.EPOLLOUT * bool(end.unsent)
        if end.events == events:
            return
        fd = end.sock.fileno()
        if not events:
            self.forget(fd)
        elif not end.events:
            self.watch(fd, events, partial(self._handle, end))
        else:
            self._epoll.modify(fd, events)
        end.events = events

    def _handle(self, end: _End, event: int) -> None:
        if end.unsent and event & ~select.EPOLLIN:
            self._send(end)
        if end.events & select.EPOLLIN and event & ~select.EPOLLOUT:
            self._read(end)

    def _read(self, end: _End) -> None:
        try:
            data = end.sock.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            if not end.is_dropping:
                self._reset(end)
                return
            data = b""
        end.has_read_all = not data
        if end.is_to_be_truncated and data:
            self._delay(end.peer, data[: len(data) // 2])
            for side in (end, end.peer):
                side.is_to_be_truncated, side.is_dropping = False, True
                self._delay(side, b"")
        elif not end.is_dropping:
            self._delay(end.peer, data)
        self._update_events(end)
        self._close_if_over(end)

    def _delay(self, end: _End, data: bytes) -> None:
        network = self.network
        one_way_s = (network.round_trip_s + end.jitter.uniform(-1, 1) * network.jitter_s) / 2
        end.due_s = max(end.due_s, time.monotonic() + one_way_s)
        self._in_transit.add(end.due_s, (end, data))

    def _send(self, end: _End) -> None:
        if end not in self._ends:
            return
        try:
            while end.unsent:
                data = end.unsent[0]
                if data:
                    sent_bytes = end.sock.send(data)
                    end.unsent_bytes -= sent_bytes
                    if sent_bytes < len(data):
                        end.unsent[0] = memoryview(data)[sent_bytes:]
                        break
                else:
                    end.sock.shutdown(socket.SHUT_WR)
                    end.has_sent_all = True
                end.unsent.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self._reset(end)
            return
        self._update_events(end)
        self._update_events(end.peer)
        self._close_if_over(end)

    def _close_if_over(self, end: _End) -> None:
        if all(
            side.has_read_all and (side.peer.has_sent_all or side.is_dropping) for side in (end, end.peer)
        ):
            self._close(end)

    def _close(self, end: _End) -> None:
        for side in (end, end.peer):
            self._ends.discard(side)
            if side.events:
                self.forget(side.sock.fileno())
                side.events = 0
            side.sock.close()

    def _reset(self, end: _End) -> None:
        for side in (end, end.peer):
            side.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close(end)

    def _apply_fault(self, ends: Sequence[_End]) -> None:
        fault, below = self.network.fault, self.network.below
        if fault == "none":
            return
        own = addresses_below(below) if below else None
        for end in ends:
            if own is not None and end.client not in own:
                continue
            end.is_dropping |= fault == "drop"
            end.is_to_be_truncated |= fault == "truncate"
            if fault == "reset" and end in self._ends:
                self._reset(end)


_CHUNK_BYTES = 64 * 1024
_UNSENT_MAX_BYTES = 1024 * 1024  # if this much is due and not sent at one side, the other is not read
