"""The nodes that receive requests: each has a concurrency limit, and is chosen by replica and by room."""

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gevent
from cassandra import OperationTimedOut
from cassandra.cluster import Session
from cassandra.connection import ConnectionException
from cassandra.pool import Host, HostConnection, NoConnectionsAvailable
from cassandra.protocol import (
    ErrorMessage,
    OverloadedErrorMessage,
    PreparedQueryNotFound,
    WriteTimeoutErrorMessage,
)
from gevent.hub import get_hub

from pipeline.requests.concurrency_limit import ConcurrencyLimit
from pipeline.requests.frames import Message, Warned
from pipeline.requests.latencies import Latencies
from pipeline.requests.streams import Stream


@dataclass
class Tally:
    """Statistics of requests: latencies of answers, retries by the type of the error, and warnings."""

    latencies: Latencies = field(default_factory=Latencies)
    retries: Counter[str] = field(default_factory=Counter)
    warned: int = 0
    warning: str = ""


class Nodes:
    """The nodes of a session, the requests in flight to each, and the greenlets that wait for room.

    `prepare` is called if a node has not prepared the statement. A request that is not answered within
    `request_timeout_s` fails with the driver's OperationTimedOut.
    """

    def __init__(
        self,
        session: Session,
        *,
        most_in_flight: int,
        request_timeout_s: float,
        prepare: Callable[[], object],
    ) -> None:
        self.tally = Tally()
        self._session = session
        self._most_in_flight = most_in_flight
        self._request_timeout_s = request_timeout_s
        self._prepare = prepare
        self._nodes: dict[Host, _Node] = {}
        self._candidates_of: dict[tuple[Host, ...], list[_Node]] = {}

    def exchange(self, message: Message, replicas: tuple[Host, ...]) -> bytes | Warned:
        """Send a message to the replica with most room, to any node if no replica is up; return the answer.

        Raises:
            Exception: any error of the driver; the message may have been carried out nevertheless.
        """
        answer: Any = self._node_with_room(replicas, message.size_bytes).exchange(message)
        if isinstance(answer, Warned):
            self.tally.warned += 1
            self.tally.warning = self.tally.warning or answer.warnings[0]
            return answer
        if isinstance(answer, bytes):
            return answer
        self._candidates_of.clear()
        if isinstance(answer, PreparedQueryNotFound):
            self._prepare()
        raise answer.to_exception() if isinstance(answer, ErrorMessage) else answer

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """While the block runs, fail the requests that are not answered in time."""
        watcher = gevent.spawn(self._watch)
        try:
            yield
        finally:
            watcher.kill()
            for node in self._nodes.values():
                node.return_idle()

    @property
    def limits(self) -> dict[str, int]:
        """How many requests may be in flight to each node now, by its address."""
        return {host.address: int(node.concurrency.limit) for host, node in self._nodes.items()}

    def wake_all(self) -> None:
        """Wake every greenlet that waits for room, so that it checks again for room.

        A greenlet calls this when it has no more requests, and so needs no room itself.
        """
        for node in self._nodes.values():
            node.wake_all()

    def _watch(self) -> None:
        while True:
            gevent.sleep(_WATCH_S)
            self._candidates_of.clear()
            for node in self._nodes.values():
                node.give_up(self._request_timeout_s)
            self.wake_all()

    def _node_with_room(self, replicas: tuple[Host, ...], size_bytes: int) -> "_Node":
        while True:
            candidates = self._candidates_of.get(replicas) or self._candidates(replicas)
            node = candidates[0]
            if len(candidates) > 1:
                node = min(candidates, key=lambda node: node.concurrency.load)
            if node.has_room(size_bytes):
                return node
            node.wait()

    def _candidates(self, replicas: tuple[Host, ...]) -> "list[_Node]":
        """Return the replicas that are up, else all nodes that are up; cache them until the next check."""
        pools = {pool.host: pool for pool in self._session.get_pools() if pool.open_count}
        if not pools:
            raise NoConnectionsAvailable("no node is up")
        hosts = [host for host in replicas if host in pools] or pools
        for host in hosts:
            concurrency = ConcurrencyLimit(self._most_in_flight)
            node = self._nodes.setdefault(host, _Node(concurrency, self.tally.latencies))
            node.pool = pools[host]
        self._candidates_of[replicas] = [self._nodes[host] for host in hosts]
        return self._candidates_of[replicas]


class _Node:
    """One node: its concurrency limit, its requests in flight, and the greenlets that wait for room."""

    pool: HostConnection

    def __init__(self, concurrency: ConcurrencyLimit, latencies: Latencies) -> None:
        self.concurrency = concurrency
        self._latencies = latencies
        self._idle: list[Stream] = []
        self._in_flight: set[Stream] = set()
        self._in_flight_bytes = 0
        self._waiting: deque[Callable[[], object]] = deque()

    def has_room(self, size_bytes: int) -> bool:
        """Tell whether the node may get `size_bytes` more; if nothing is in flight, it may get any size."""
        return not self._in_flight or (
            self.concurrency.is_open and self._in_flight_bytes + size_bytes <= _IN_FLIGHT_MAX_BYTES
        )

    def wait(self) -> None:
        """Wait until there may be room again."""
        wake = gevent.getcurrent().switch
        self._waiting.append(wake)
        try:
            get_hub().switch()
        except BaseException:
            with contextlib.suppress(ValueError):
                self._waiting.remove(wake)
            raise

    def wake_all(self) -> None:
        """Wake every greenlet that waits, so that it checks again for room."""
        for _ in range(len(self._waiting)):
            self._wake_one()

    def exchange(self, message: Message) -> object:
        """Send a message and return the answer: the result of `decode_frame`, or the error."""
        stream = self._idle_stream()
        self._in_flight.add(stream)
        self._in_flight_bytes += message.size_bytes
        self.concurrency.in_flight += 1
        return stream.exchange(message)

    def give_up(self, timeout_s: float) -> None:
        """Fail the requests older than `timeout_s`; close connections that have received nothing since."""
        latest_s = time.monotonic() - timeout_s
        for stream in [stream for stream in self._in_flight if stream.sent_at_s < latest_s]:
            connection = stream.connection
            if connection.heard_at_s < stream.sent_at_s:
                # This fails all of its requests. The driver's own heartbeat would do so a minute later.
                silence = f"{connection.endpoint} sent nothing for {timeout_s:g} s"
                connection.defunct(ConnectionException(silence, connection.endpoint))
            stream.give_up(OperationTimedOut({str(connection.endpoint): f"no answer in {timeout_s:g} s"}))

    def return_idle(self) -> None:
        """Return the streams that no request uses to the driver."""
        while self._idle:
            self._idle.pop().give_back()

    def _idle_stream(self) -> Stream:
        if self._idle and not self._idle[-1].is_sound(self.pool):
            self.return_idle()
        return self._idle.pop() if self._idle else Stream(self.pool, self._settled)

    def _settled(self, stream: Stream, answer: object) -> None:
        if stream not in self._in_flight:
            return  # The request was given up.
        self._in_flight.remove(stream)
        self._in_flight_bytes -= stream.size_bytes
        self.concurrency.in_flight -= 1
        if isinstance(answer, bytes | Warned):
            latency_s = time.monotonic() - stream.sent_at_s
            self.concurrency.answered(latency_s)
            self._latencies.record(latency_s)
            self._idle.append(stream)
        elif isinstance(answer, _SLOW_DOWN):
            self.concurrency.failed(stream.sent_at_s)
        # The greenlet that gets this answer uses the room for its next request. Another one is woken only if
        # there is more room.
        if self.concurrency.in_flight + 1 < self.concurrency.limit:
            self._wake_one()

    def _wake_one(self) -> None:
        if self._waiting:
            get_hub().loop.run_callback(self._waiting.popleft())


_SLOW_DOWN = (OverloadedErrorMessage, WriteTimeoutErrorMessage, OperationTimedOut)
_WATCH_S = 0.25
_IN_FLIGHT_MAX_BYTES = 16 * 1024 * 1024
