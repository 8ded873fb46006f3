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

from pipeline.cluster.framereader import VOID
from pipeline.requests.concurrency_limit import ConcurrencyLimit
from pipeline.requests.frames import Executes, Message, Warned
from pipeline.requests.latencies import Latencies
from pipeline.requests.streams import Frames, Streams


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
        node = self._node_with_room(replicas, message.size_bytes, 1)
        answer = node.exchange(message).get(0, VOID)
        if error := self._error_of(answer):
            raise error
        return answer  # type: ignore[return-value]

    def exchange_rows(
        self, requests: Executes, replicas: tuple[Host, ...]
    ) -> tuple[int, dict[int, Exception]]:
        """Send as many of the requests, from the first on, as a node has room for.

        Return how many were sent, and the errors by their numbers; like `exchange` otherwise.

        Raises:
            Exception: nothing was sent, because no node is up.
        """
        node = self._node_with_room(replicas, requests.size_bytes, len(requests))
        sent = requests.first(node.room)
        errors: dict[int, Exception] = {}
        for at, answer in node.exchange(sent).items():
            try:
                error = self._error_of(answer)
            except Exception as failure:  # noqa: BLE001 - preparing failed; the other requests were carried out
                error = failure
            if error:
                errors[at] = error
        return len(sent), errors

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

    def _error_of(self, answer: Any) -> Exception | None:  # noqa: ANN401 - the driver's answers
        """Count an answer's warnings; return the error that it is, after what the error calls for."""
        if isinstance(answer, bytes):
            return None
        if isinstance(answer, Warned):
            self.tally.warned += 1
            self.tally.warning = self.tally.warning or answer.warnings[0]
            return None
        self._candidates_of.clear()
        if isinstance(answer, PreparedQueryNotFound):
            self._prepare()
        error: Exception = answer.to_exception() if isinstance(answer, ErrorMessage) else answer
        return error

    def _node_with_room(self, replicas: tuple[Host, ...], size_bytes: int, count: int) -> "_Node":
        while True:
            candidates = self._candidates_of.get(replicas) or self._candidates(replicas)
            node = candidates[0]
            if len(candidates) > 1:
                node = min(candidates, key=lambda node: node.concurrency.load)
            if node.has_room(size_bytes, count):
                return node
            node.wait(count)

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
        self._idle: dict[int, list[Streams]] = {1: [], MOST_TOGETHER: []}
        self._in_flight: set[Streams] = set()
        self._in_flight_bytes = 0
        self._waiting: deque[tuple[Callable[[], object], int]] = deque()
        self._will_wake = False

    @property
    def room(self) -> int:
        """How many requests may be sent together now: at least one."""
        return max(1, min(MOST_TOGETHER, self.concurrency.room))

    def has_room(self, size_bytes: int, count: int) -> bool:
        """Tell whether the node may get `count` requests, or a good part of them, `size_bytes` in all.

        If nothing is in flight, it may get any size.
        """
        return not self._in_flight or (
            self._part(count) <= self.concurrency.room
            and self._in_flight_bytes + size_bytes <= _IN_FLIGHT_MAX_BYTES
        )

    def wait(self, count: int) -> None:
        """Wait until there may be room for `count` requests, or a good part of them."""
        waiting = gevent.getcurrent().switch, count
        self._waiting.append(waiting)
        try:
            get_hub().switch()
        except BaseException:
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiting)
            raise

    def wake_all(self) -> None:
        """Wake every greenlet that waits, so that it checks again for room."""
        for _ in range(len(self._waiting)):
            self._wake_one()

    def exchange(self, requests: Frames) -> dict[int, object]:
        """Send requests together; return the answers that have content, or the errors, by their numbers."""
        streams = self._idle_streams(1 if len(requests) == 1 else MOST_TOGETHER)
        self._in_flight.add(streams)
        self._in_flight_bytes += requests.size_bytes
        self.concurrency.in_flight += len(requests)
        return streams.exchange(requests)

    def give_up(self, timeout_s: float) -> None:
        """Fail the requests older than `timeout_s`; close connections that have received nothing since."""
        latest_s = time.monotonic() - timeout_s
        for streams in [streams for streams in self._in_flight if streams.sent_at_s < latest_s]:
            connection = streams.connection
            if connection.heard_at_s < streams.sent_at_s:
                # This fails all of its requests. The driver's own heartbeat would do so a minute later.
                silence = f"{connection.endpoint} sent nothing for {timeout_s:g} s"
                connection.defunct(ConnectionException(silence, connection.endpoint))
            if streams.waiting:
                endpoint = str(connection.endpoint)
                streams.give_up(OperationTimedOut({endpoint: f"no answer in {timeout_s:g} s"}))

    def return_idle(self) -> None:
        """Return the streams that no request uses to the driver."""
        for idle in self._idle.values():
            while idle:
                idle.pop().give_back()

    def _part(self, count: int) -> int:
        """Return how many of `count` requests are worth sending: a quarter of the limit at least."""
        return min(count, MOST_TOGETHER, max(1, int(self.concurrency.limit) // 4))

    def _idle_streams(self, count: int) -> Streams:
        idle = self._idle[count]
        if idle and not idle[-1].is_sound(self.pool):
            self.return_idle()
        return idle.pop() if idle else Streams(self.pool, count, self._settled)

    def _settled(self, streams: Streams, answer: object, count: int) -> None:
        self.concurrency.in_flight -= count
        if isinstance(answer, bytes | Warned):
            latency_s = time.monotonic() - streams.sent_at_s
            self.concurrency.answered(latency_s, count)
            self._latencies.record(latency_s, count)
        if isinstance(answer, _SLOW_DOWN) or (isinstance(answer, Warned) and answer.tells_overload):
            self.concurrency.failed(streams.sent_at_s)
        if not streams.waiting:
            self._in_flight.remove(streams)
            self._in_flight_bytes -= streams.size_bytes
            if len(streams):
                self._idle[len(streams)].append(streams)
        if self._waiting and not self._will_wake:
            self._will_wake = True
            get_hub().loop.run_callback(self._let_go_first)

    def _let_go_first(self) -> None:
        """Let the greenlets that got an answer in this turn take the room of their next requests."""
        get_hub().loop.run_callback(self._wake_for_room)

    def _wake_for_room(self) -> None:
        self._will_wake = False
        room = self.concurrency.room
        while self._waiting and room >= self._part(self._waiting[0][1]):
            room -= self._part(self._waiting[0][1])
            self._wake_one()

    def _wake_one(self) -> None:
        if self._waiting:
            get_hub().loop.run_callback(self._waiting.popleft()[0])


MOST_TOGETHER = 64
"""How many requests are sent together at most: enough to share the cost of a turn and of a system call."""

_SLOW_DOWN = (OverloadedErrorMessage, WriteTimeoutErrorMessage, OperationTimedOut)
_WATCH_S = 0.25
_IN_FLIGHT_MAX_BYTES = 16 * 1024 * 1024
