"""The driver's connection on gevent: few system calls for many requests, errors that reach all of them.

The driver's own gevent connection sends frame by frame, copies all that it has read once per frame, and
takes a turn of the event loop per response. If the connection breaks, it kills the very greenlet that reports
the error to the requests. It is also deprecated.

Use it only in a process that gevent has patched, and with versions 3 and 4 of the native protocol.
"""

import _thread
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import cassandra.pool
import gevent
from cassandra.connection import Connection, ConnectionShutdown, ProtocolError
from cassandra.protocol import ProtocolException
from gevent.event import Event
from gevent.hub import get_hub
from gevent.lock import BoundedSemaphore

from pipeline.cluster.framereader import RESULT, VOID, FrameHeader, FrameReader


class PoolLock(BoundedSemaphore):
    """The lock of a host's connections, with an `_is_owned` for its Condition.

    Without `_is_owned`, a Condition finds that out by a non-blocking acquire. If gevent's own lock is held,
    that takes a turn of the event loop: one per response, with the lock held.
    """

    _is_owned = BoundedSemaphore.locked


class StreamOwner(Protocol):
    """The owner of leased streams; `waiting` has those whose requests are not answered yet."""

    waiting: set[int]

    def acknowledged(self) -> bool:
        """Note that streams were taken out of `waiting`; tell if a greenlet continues for it."""

    def answered(self, header: FrameHeader, body: bytes) -> object:
        """Take an answer that has content; return it, decoded."""

    def broken(self, error: Exception) -> None:
        """Fail what waits: the connection is broken."""


class GreenletConnection(Connection):
    """A connection with one greenlet that reads and one that writes."""

    is_closed: bool

    @classmethod
    def initialize_reactor(cls) -> None:
        """Give the driver's pools, which are created later, a lock that takes no turn of the event loop."""
        cassandra.pool.Lock = PoolLock

    @classmethod
    def create_timer(cls, timeout: float, callback: Callable[[], object]) -> "LoopTimer":
        """Return a timer that calls `callback` after `timeout` seconds, unless it is cancelled before."""
        return LoopTimer(timeout, callback)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the driver's own arguments
        super().__init__(*args, **kwargs)
        # A native RLock does not exclude greenlets of the same thread. That is safe, because none waits while
        # it holds the lock. It takes a third of the time of gevent's lock, four times a request.
        self.lock = _thread.RLock()
        self.heard_at_s = time.monotonic()
        self._unsent: list[bytes] = []
        self._has_unsent = Event()
        self._is_sending = False
        self._owners: dict[int, StreamOwner] = {}
        self._connect_socket()
        # Frames are gathered before they are sent, so the kernel need not delay them to gather more.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        gevent.spawn(self._write)
        gevent.spawn(self._read)
        self._send_options_message()

    def push(self, data: bytes) -> None:
        """Queue a frame. Frames queued within one turn of the event loop are sent together, in order."""
        if not self._unsent:
            self._has_unsent.set()
        self._unsent.append(data)

    @property
    def has_sent_all(self) -> bool:
        """Whether every frame that was pushed has been passed to the kernel."""
        return not self._unsent and not self._is_sending

    def lease(self, stream_ids: Iterable[int], owner: StreamOwner) -> None:
        """Give borrowed streams to an owner, for many requests, until `end_lease`.

        The driver's bookkeeping takes longer than the rest of a small request; a lease does it once for many
        requests.
        """
        self._owners.update(dict.fromkeys(stream_ids, owner))

    def end_lease(self, stream_id: int, *, is_free: bool) -> None:
        """Return a stream to the driver; `is_free` is false if an answer is still to come."""
        self._owners.pop(stream_id, None)
        with self.lock:
            if is_free:
                self.request_ids.append(stream_id)
            else:
                self.orphaned_request_ids.add(stream_id)
                if len(self.orphaned_request_ids) >= self.orphaned_threshold:
                    self.orphaned_threshold_reached = True

    def send_frames(self, frames: bytes) -> None:
        """Send requests on leased streams; their owner gets the answers.

        Raises:
            ConnectionShutdown: the connection is closed.
        """
        if self.is_defunct or self.is_closed:
            raise ConnectionShutdown(f"Connection to {self.endpoint} is closed", self.endpoint)
        self.push(frames)

    def process_msg(self, header: FrameHeader, body: bytes) -> None:
        """Pass an answer to the owner of its stream, or to the driver."""
        if owner := self._owners.get(header.stream):
            self.msg_received = True
            answer = owner.answered(header, body)
            if isinstance(answer, ProtocolException):
                self.defunct(answer)
        else:
            super().process_msg(header, body)

    def process_voids(self, stream_ids: Iterable[int]) -> int:
        """Pass results without content to the owners of their streams; return how many greenlets continue."""
        owners, others = set(), 0
        for stream_id in stream_ids:
            if owner := self._owners.get(stream_id):
                owner.waiting.discard(stream_id)
                owners.add(owner)
            else:
                super().process_msg(FrameHeader(self.protocol_version, 0, stream_id, RESULT), VOID)
                others += 1
        self.msg_received = True
        return others + sum(owner.acknowledged() for owner in owners)

    def error_all_requests(self, exc: Exception) -> None:
        """Fail every request that waits for an answer."""
        for owner in {owner for owner in self._owners.values() if owner.waiting}:
            owner.broken(ConnectionShutdown(str(exc), self.endpoint))
        super().error_all_requests(exc)

    def close(self) -> None:
        """Close the socket, and fail every request that waits for a response; idempotent."""
        if self.is_closed:
            return
        self.is_closed = True
        # This wakes both greenlets, and they end by themselves. Do not kill them: the caller may be one of
        # them, and it still has to fail the requests.
        self._has_unsent.set()
        self._socket.close()
        if not self.is_defunct:
            shutdown = ConnectionShutdown(f"Connection to {self.endpoint} was closed")
            if not self.connected_event.is_set():
                self.last_error = shutdown  # else a waiter takes this connection for an open one
            self.error_all_requests(shutdown)
            self.connected_event.set()

    def note_read(self) -> None:
        """Record the time at which the node sent something."""
        self.heard_at_s = time.monotonic()

    @property
    def responses_a_turn(self) -> int:
        """How many responses are handled before the greenlets that wait for them continue.

        Greenlets that continue in one turn of the event loop stay together: the next request of the first one
        is sent when that of the last one is ready.
        """
        return _RESPONSES_A_TURN

    def _write(self) -> None:
        try:
            while self._has_unsent.wait() and not self.is_closed:
                self._has_unsent.clear()
                frames, self._unsent = self._unsent, []
                unsent = memoryview(b"".join(frames))
                self._is_sending = True
                while unsent:
                    unsent = unsent[self._socket.send(unsent) :]
                self._is_sending = False
        except OSError as error:
            self.defunct(error)

    def _read(self) -> None:
        frames, handled = FrameReader(), 0
        try:
            while not self.is_closed and (count := self._socket.recv_into(frames.free)):
                self.note_read()
                for answer in frames.received(count):
                    if isinstance(answer, list):
                        handled += self.process_voids(answer)
                    else:
                        self.process_msg(*answer)
                        handled += 1
                    if handled >= self.responses_a_turn:
                        handled = 0
                        gevent.sleep(0)
        except (OSError, ProtocolError) as error:
            self.defunct(error)
        else:
            self.defunct(ConnectionShutdown(f"{self.endpoint} closed the connection"))


class LoopTimer:
    """A timer of the event loop, with the interface that the driver expects."""

    def __init__(self, timeout: float, callback: Callable[[], object]) -> None:
        self._watcher = get_hub().loop.timer(max(timeout, 0))
        # In a new greenlet: the driver may wait while it handles a timeout, but the hub must not wait.
        self._watcher.start(gevent.spawn, callback)

    def cancel(self) -> None:
        """Cancel the timer, if it is still pending."""
        self._watcher.close()


_RESPONSES_A_TURN = 8
"""Enough responses to share the cost of a turn and of a system call."""
