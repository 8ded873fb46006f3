"""A timer, and the rows of the sync-versus-async table. Independent of the driver."""

import statistics
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self


class Timer:
    """Measure a block: `with Timer() as timer: …`, then `timer.elapsed_s`."""

    elapsed_s: float

    def __enter__(self) -> Self:
        self._started_s = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.elapsed_s = time.perf_counter() - self._started_s


@dataclass(frozen=True, kw_only=True)
class LatencyTimings:
    """One injected latency's repeats, in seconds, of `rows` rows: in a loop, and through a pool."""

    latency_s: float
    rows: int
    pool_size: int
    sync_repeats_s: tuple[float, ...]
    async_repeats_s: tuple[float, ...]

    @property
    def sync_s(self) -> float:
        """The loop's median."""
        return statistics.median(self.sync_repeats_s)

    @property
    def async_s(self) -> float:
        """The pool's median."""
        return statistics.median(self.async_repeats_s)

    @property
    def floor_s(self) -> float:
        """The least time that the latency allows a pool, by Little's law: rows x latency / pool size."""
        return self.rows * self.latency_s / self.pool_size

    @property
    def speedup(self) -> float:
        """How many times faster the pool's median is than the loop's."""
        return self.sync_s / self.async_s

    @property
    def efficiency(self) -> float:
        """The floor divided by the pool's median: 1 is as fast as the latency allows."""
        return self.floor_s / self.async_s
