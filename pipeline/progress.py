"""Progress without a cost to what is measured: a counter in the row's path, a greenlet that looks at it."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import gevent

Item = TypeVar("Item")
Progress = Callable[[int, int, str], None]
"""Told how much is done, of how much, and of what."""


class Counted(Iterator[Item]):
    """An iterator that knows how many of its items were taken."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)
        self.taken = 0

    def __next__(self) -> Item:
        item = next(self._items)
        self.taken += 1
        return item


@contextlib.contextmanager
def reporting(progress: Progress, total: int, what: str, *, done: Callable[[], int]) -> Iterator[None]:
    """Tell `progress` what `done` says twice a second while the block runs, and once when it ends."""

    def tick() -> None:
        while True:
            progress(done(), total, what)
            gevent.sleep(_INTERVAL_S)

    ticker = gevent.spawn(tick)
    try:
        yield
        progress(done(), total, what)
    finally:
        ticker.kill()


_INTERVAL_S = 0.5
