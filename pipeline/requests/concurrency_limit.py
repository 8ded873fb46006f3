"""How many requests a node gets at a time: as many as it handles without a long queue.

The algorithm is Gradient2 of Netflix's concurrency-limits (https://github.com/Netflix/concurrency-limits),
with its constants. The limit grows by a small queue while the recent latency is near its long-term mean,
shrinks by their ratio if the latency rises, and is halved if the node does not answer or is overloaded.
"""

import time


class ConcurrencyLimit:
    """The number of requests in flight to one node, and its limit, which depends on the node's answers."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(min(most, _FIRST_LIMIT))
        self.in_flight = 0
        self._long_latency_s = 0.0
        self._samples = 0
        self._sum_s = 0.0
        self._halved_at_s = 0.0

    @property
    def room(self) -> int:
        """How many more requests may be sent; negative after the limit has shrunk."""
        return int(self.limit) - self.in_flight

    @property
    def load(self) -> float:
        """The requests in flight, as a fraction of the limit."""
        return self.in_flight / self.limit

    def answered(self, latency_s: float, count: int = 1) -> None:
        """Record the latency of `count` answers; update the limit after as many as it, or 10."""
        self._samples += count
        self._sum_s += latency_s * count
        if self._samples < max(_LEAST_SAMPLES, self.limit):
            return
        mean_s, self._samples, self._sum_s = self._sum_s / self._samples, 0, 0.0
        if self._long_latency_s == 0:
            self._long_latency_s = mean_s
        self._long_latency_s += (mean_s - self._long_latency_s) * _LONG_TERM
        if self._long_latency_s > 2 * mean_s:
            self._long_latency_s *= _RECOVERY
        if self.in_flight < self.limit / 2:
            return  # The node waits for rows, so its latency says nothing about its limit.
        gradient = max(0.5, min(1.0, _TOLERANCE * self._long_latency_s / mean_s))
        wanted = self.limit * gradient + _QUEUE
        self._set(self.limit + (wanted - self.limit) * _SMOOTHING)

    def failed(self, sent_at_s: float) -> None:
        """Halve the limit, but only once for all requests that were in flight together."""
        if sent_at_s > self._halved_at_s:
            self._halved_at_s = time.monotonic()
            self._set(self.limit / 2)

    def _set(self, limit: float) -> None:
        self.limit = max(1.0, min(float(self.most), limit))


_FIRST_LIMIT = 20
_LEAST_SAMPLES = 10
_LONG_TERM = 2 / 61  # exponential mean over about 60 updates of 10 requests; Gradient2: 600 requests
_TOLERANCE = 1.5
_QUEUE = 4
_SMOOTHING = 0.2
_RECOVERY = 0.95
