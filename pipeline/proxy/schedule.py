"""Chunks with due times, and a sleep that ends at the due time, accurate to a fraction of a millisecond."""

import heapq
import itertools
import select
import time
from collections.abc import Iterator
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Schedule(Generic[_Item]):
    """Items in the order of their due times (`time.monotonic`); at equal times, in the order of addition.

    A sleep ends late, because the machine takes time to wake up (more than 0.1 ms on a virtual machine), and
    handling an item takes time too. The median of this delay is estimated step by step, and the sleep is
    shorter by it: as many items are handled a little early as a little late, without busy waiting.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Item]] = []
        self._number = itertools.count()
        self._waking_s = 0.0
        self._has_slept = False

    def add(self, due_s: float, item: _Item) -> None:
        """Add an item that is due at `due_s`."""
        heapq.heappush(self._heap, (due_s, next(self._number), item))

    def wait(self, epoll: "select.epoll") -> bool:
        """Sleep until the next item is due or a file of `epoll` is ready; tell whether a file is ready."""
        # The timeout of select is in microseconds, that of epoll in milliseconds; select accepts an epoll.
        if not self._heap:
            select.select([epoll], [], [])
            return True
        wait_s = max(0.0, self._heap[0][0] - self._waking_s - time.monotonic())
        is_ready = bool(select.select([epoll], [], [], wait_s)[0])
        self._has_slept = wait_s > 0 and not is_ready
        return is_ready

    def due(self) -> Iterator[_Item]:
        """Remove and yield the items that were due when the first one was taken; handle each at once."""
        soon_s = time.monotonic() + self._waking_s
        while self._heap and self._heap[0][0] <= soon_s:
            due_s, _, item = heapq.heappop(self._heap)
            yield item
            if self._has_slept:
                self._has_slept = False
                step_s = _WAKING_STEP_S if time.monotonic() > due_s else -_WAKING_STEP_S
                self._waking_s = min(max(0.0, self._waking_s + step_s), _WAKING_MAX_S)


_WAKING_STEP_S = 1e-5
_WAKING_MAX_S = 5e-4
