"""Chunks with a due time, and a sleep that ends at that time to a fraction of a millisecond."""

import heapq
import itertools
import select
import time
from collections.abc import Iterator
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Schedule(Generic[_Item]):
    """Items in the order of their due times (`time.monotonic`), then in the order of addition.

    A sleep ends late, because waking takes time: more than 0.1 ms on a virtual machine. Handling an item
    takes time too. The median of both is learned step by step and subtracted from the sleep. So half of the
    items are a little early and half a little late, without busy waiting.
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
        """Sleep until the next item is due or a file of `epoll` is ready; return whether a file is."""
        # select counts microseconds where epoll counts milliseconds, and an epoll can be selected.
        if not self._heap:
            select.select([epoll], [], [])
            return True
        wait_s = max(0.0, self._heap[0][0] - self._waking_s - time.monotonic())
        is_ready = bool(select.select([epoll], [], [], wait_s)[0])
        self._has_slept = wait_s > 0 and not is_ready
        return is_ready

    def due(self) -> Iterator[_Item]:
        """Remove and yield the items that are due now, one by one; handle each at once."""
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
