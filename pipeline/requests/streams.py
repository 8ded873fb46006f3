"""A stream of a node's connection: it carries one request at a time, each for a greenlet that waits."""

import time
from collections.abc import Callable

import gevent
from cassandra.pool import HostConnection
from gevent.hub import get_hub

from pipeline.requests.frames import Message, Warned, decode_frame, encode_frame


class Stream:
    """A stream leased from the driver's pool; `settled` gets each answer, before the greenlet that waits.

    An answer other than a success ends the lease.

    Raises:
        ConnectionException: the pool is shut down, or has no connection.
        NoConnectionsAvailable: all streams of the connection are in use.
    """

    __slots__ = ("_settled", "_wake", "connection", "pool", "sent_at_s", "size_bytes", "stream_id")

    def __init__(self, pool: HostConnection, settled: Callable[["Stream", object], object]) -> None:
        self.pool = pool
        self.connection, self.stream_id = pool.borrow_connection(_BORROW_TIMEOUT_S)
        self.connection.lease(self.stream_id)
        self.sent_at_s = 0.0
        self.size_bytes = 0
        self._settled = settled
        self._wake: Callable[[], object] | None = None

    def is_sound(self, pool: HostConnection) -> bool:
        """Tell whether the stream can carry a request to the node whose pool is `pool` now."""
        connection = self.connection
        is_broken = connection.is_closed or connection.is_defunct or connection.orphaned_threshold_reached
        return self.pool is pool and not is_broken

    def exchange(self, message: Message) -> object:
        """Send a message and return the answer: the result of `decode_frame`, or the error."""
        self.size_bytes = message.size_bytes
        self.sent_at_s = time.monotonic()
        wake = self._wake = gevent.getcurrent().switch
        try:
            self.connection.send_msg(message, self.stream_id, self._answered, encode_frame, decode_frame)
        except Exception as error:  # noqa: BLE001 - any error is the answer to this request
            self._wake = None
            self._answered(error)
            return error
        try:
            return get_hub().switch()
        except BaseException:
            # If this request's answer is scheduled already, the next request may have the stream.
            if self._wake == wake:
                self._wake = None
            raise

    def give_up(self, error: Exception) -> None:
        """Fail the request, unless it is answered; the driver has the stream until the late answer comes."""
        connection = self.connection
        if connection.take_request(self.stream_id):
            connection.end_lease(self.stream_id, is_free=False)
            with connection.lock:
                connection.orphaned_request_ids.add(self.stream_id)
                if len(connection.orphaned_request_ids) >= connection.orphaned_threshold:
                    connection.orphaned_threshold_reached = True
            self.pool.return_connection(connection, stream_was_orphaned=True)
            self._deliver(error)

    def give_back(self) -> None:
        """Return the stream to the driver, when no request uses it."""
        self.connection.end_lease(self.stream_id, is_free=True)
        self.pool.return_connection(self.connection)

    def _answered(self, answer: object) -> None:
        if not isinstance(answer, bytes | Warned):
            self.pool.return_connection(self.connection)
        self._deliver(answer)

    def _deliver(self, answer: object) -> None:
        if self._wake:
            get_hub().loop.run_callback(self._wake, answer)
            self._wake = None
        self._settled(self, answer)


_BORROW_TIMEOUT_S = 2.0
