"""Sending requests with long-lived greenlets, and retrying each request until it is settled."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Pool

from pipeline.backoff import backoff_s
from pipeline.cluster.translation import (
    is_refusal,
    is_transient,
    may_be_the_rows,
    translated,
    translated_errors,
)
from pipeline.requests.nodes import Nodes


class Request(ABC):
    """A request for some rows of one table."""

    rows: int

    @abstractmethod
    def attempt(self, nodes: Nodes, attempt: int) -> None:
        """Send the request, return when it is acknowledged; raise the driver's error if it fails."""

    @abstractmethod
    def acknowledged(self) -> None:
        """Record that the request was carried out."""

    @abstractmethod
    def refused(self, error: Exception) -> Sequence["Request"]:
        """Return the requests to send in its place, because it can never succeed as it is."""


@dataclass
class Pace:
    """A limit on rows per second, 0 for none; no bursts: the generic cell rate algorithm of ITU-T I.371."""

    rows_per_s: float
    _next_s: float = 0.0

    def wait(self, rows: int) -> None:
        """Wait until `rows` more rows may be sent."""
        if self.rows_per_s:
            now_s = time.monotonic()
            start_s = max(now_s, self._next_s)
            self._next_s = start_s + rows / self.rows_per_s
            gevent.sleep(start_s - now_s)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How long a request is retried after transient failures; `what` is how the error message begins."""

    what: str
    retry_budget_s: float


def dispatch(
    requests: Iterable[Request], nodes: Nodes, retry_policy: RetryPolicy, *, pool_size: int, pace: Pace
) -> None:
    """Settle all requests, taken in order, `pool_size` of them at a time.

    One greenlet at a time advances `requests`, which may wait; the others continue with their requests.

    Raises:
        ClusterError: a request could not be settled.
        PipelineError: `requests` raised it, or the method `refused` of a request.
    """
    waiting = iter(requests)
    turn = BoundedSemaphore()

    def take() -> Request | None:
        with turn:
            return next(waiting, None)

    def settle_all() -> Exception | None:
        try:
            while request := take():
                pace.wait(request.rows)
                _settle(request, nodes, retry_policy)
            nodes.wake_all()
        except Exception as error:  # noqa: BLE001 - raised again below; gevent would print it here
            return error
        return None

    pool = Pool(pool_size)
    try:
        with nodes.watched():
            for greenlet in gevent.iwait([pool.spawn(settle_all) for _ in range(pool_size)]):
                if error := greenlet.get():
                    raise error
    finally:
        pool.kill()


def _settle(request: Request, nodes: Nodes, retry_policy: RetryPolicy) -> None:
    """Retry until the request is acknowledged or refused, with a backoff after each transient failure."""
    began_s, attempt = time.monotonic(), 0
    while True:
        try:
            request.attempt(nodes, attempt)
        except Exception as error:
            is_over = time.monotonic() - began_s > retry_policy.retry_budget_s
            is_to_be_split = request.rows > 1 and attempt >= _ATTEMPTS_TOGETHER
            if is_refusal(error) or (may_be_the_rows(error) and (is_over or is_to_be_split)):
                for replacement in request.refused(error):
                    _settle(replacement, nodes, retry_policy)
                return
            if not is_transient(error):
                with translated_errors(retry_policy.what):
                    raise
            if is_over:
                what = f"{retry_policy.what}, tried for {retry_policy.retry_budget_s:g} s"
                raise translated(what, error) from error
            nodes.tally.retries[type(error).__name__] += 1
            gevent.sleep(backoff_s(attempt))
            attempt += 1
        else:
            request.acknowledged()
            return


_ATTEMPTS_TOGETHER = 5
"""After so many retries, divide a request of several rows to find the row that a replica fails to write."""
