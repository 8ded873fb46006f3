"""Streams of a node's connection: each carries one request at a time, and one greenlet waits for all."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import gevent
from cassandra.pool import HostConnection, NoConnectionsAvailable
from gevent.hub import get_hub

from pipeline.cluster.framereader import VOID, FrameHeader
from pipeline.requests.frames import decode_answer


class Frames(Protocol):
    """Requests that are sent together."""

    size_bytes: int

    def __len__(self) -> int:
        """Return how many they are."""

    def frames(self, stream_ids: Sequence[int], protocol_version: int) -> bytes:
        """Return their frames, each on its stream."""


class Streams:
    """Streams leased together from the driver's pool.

    `settled` gets the streams, an answer, and how many requests have that answer.

    Raises:
        ConnectionException: the pool is shut down, or has no connection.
        NoConnectionsAvailable: all streams of the connection are in use.
    """

    def __init__(
        self, pool: HostConnection, count: int, settled: Callable[["Streams", object, int], object]
    ) -> None:
        self.pool = pool
        self.connection, first = pool.borrow_connection(_BORROW_TIMEOUT_S)
        self.stream_ids = [first]
        self.waiting: set[int] = set()
        self.sent_at_s = 0.0
        self.size_bytes = 0
        self._answers: dict[int, object] = {}
        self._unsettled = 0
        self._settled = settled
        self._wake: Callable[[], object] | None = None
        connection = self.connection
        with connection.lock:
            is_full = connection.in_flight + count - 1 > connection.max_request_id
            if not is_full:
                connection.in_flight += count - 1
                self.stream_ids += [connection.get_request_id() for _ in range(count - 1)]
        if is_full:
            self.give_back()
            raise NoConnectionsAvailable(f"fewer than {count} streams of {connection.endpoint} are free")
        connection.lease(self.stream_ids, self)

    def __len__(self) -> int:
        return len(self.stream_ids)

    def is_sound(self, pool: HostConnection) -> bool:
        """Tell whether the streams can carry requests to the node whose pool is `pool` now."""
        connection = self.connection
        is_broken = connection.is_closed or connection.is_defunct or connection.orphaned_threshold_reached
        return self.pool is pool and not is_broken

    def exchange(self, requests: Frames) -> dict[int, object]:
        """Send requests; return the answers that have content, or the errors, by the requests' numbers.

        An answer is the result of `decode_answer`. Those without content, `VOID`, are left out.
        """
        stream_ids = self.stream_ids[: len(requests)]
        self.size_bytes = requests.size_bytes
        self.sent_at_s = time.monotonic()
        self.waiting = set(stream_ids)
        self._unsettled = len(stream_ids)
        answers: dict[int, object] = {}
        self._answers = answers
        wake = self._wake = gevent.getcurrent().switch
        try:
            self.connection.send_frames(requests.frames(stream_ids, self.connection.protocol_version))
        except Exception as error:  # noqa: BLE001 - any error is the answer to these requests
            self._wake = None
            self.broken(error)
        else:
            try:
                get_hub().switch()
            except BaseException:
                # If the last answer is scheduled already, the next requests may have the streams.
                if self._wake == wake:
                    self._wake = None
                raise
        if not answers:
            return answers
        return {at: answers[stream_id] for at, stream_id in enumerate(stream_ids) if stream_id in answers}

    def acknowledged(self) -> bool:
        """Settle the requests that are no longer in `waiting`; tell if a greenlet continues for it."""
        return self._settle(VOID)

    def answered(self, header: FrameHeader, body: bytes) -> object:
        """Take an answer that has content, or an error; return it, decoded."""
        answer = decode_answer(header, body)
        if header.stream in self.waiting:
            self.waiting.remove(header.stream)
            self._answers[header.stream] = answer
            self._settle(answer)
        return answer

    def broken(self, error: Exception) -> None:
        """Fail the requests that wait, and return the streams to the driver, whose connection is broken."""
        self._fail(error, are_late=False)

    def give_up(self, error: Exception) -> None:
        """Fail the requests that wait; the driver has their streams until the late answers come."""
        self._fail(error, are_late=True)

    def give_back(self) -> None:
        """Return the streams to the driver, when no request uses them."""
        self._return(frozenset())

    def _fail(self, error: Exception, *, are_late: bool) -> None:
        failed, self.waiting = self.waiting, set()
        self._return(failed if are_late else frozenset())
        self._answers.update(dict.fromkeys(failed, error))
        self._settle(error)

    def _return(self, late: "set[int] | frozenset[int]") -> None:
        stream_ids, self.stream_ids = self.stream_ids, []
        for stream_id in stream_ids:
            self.connection.end_lease(stream_id, is_free=stream_id not in late)
            self.pool.return_connection(self.connection, stream_was_orphaned=stream_id in late)

    def _settle(self, answer: object) -> bool:
        count, self._unsettled = self._unsettled - len(self.waiting), len(self.waiting)
        wake = None if self.waiting else self._wake
        if wake:
            get_hub().loop.run_callback(wake)
            self._wake = None
        self._settled(self, answer, count)
        return wake is not None


_BORROW_TIMEOUT_S = 2.0
