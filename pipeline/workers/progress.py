"""Progress without a cost to what is measured: a counter in the row's path, a greenlet that reads it."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

import gevent

from pipeline.workers.jobs import Progress

Item = TypeVar("Item")


class Done(Protocol):
    """An object that counts what is done."""

    done: int


class Counted(Iterator[Item]):
    """An iterator that counts: `done` is `begun` at first, and grows by `each` with every item."""

    def __init__(self, items: Iterable[Item], *, begun: int = 0, each: int = 1) -> None:
        self._items = iter(items)
        self._each = each
        self.done = begun

    def __next__(self) -> Item:
        item = next(self._items)
        self.done += self._each
        return item


@contextlib.contextmanager
def reporting(progress: Progress, total: int, what: str, counted: Done) -> Iterator[None]:
    """Call `progress` with `counted.done` twice a second while the block runs, and once when it ends."""

    def tick() -> None:
        while True:
            progress(counted.done, total, what)
            gevent.sleep(_INTERVAL_S)

    ticker = gevent.spawn(tick)
    try:
        yield
        progress(counted.done, total, what)
    finally:
        ticker.kill()


_INTERVAL_S = 0.5
