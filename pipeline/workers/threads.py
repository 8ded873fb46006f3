"""Calls in threads, for work that would keep all greenlets waiting: syncing, encoding, asking a store."""

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from gevent import monkey
from gevent.hub import get_hub

T = TypeVar("T")


class ThreadCall(Generic[T]):
    """A call that runs in a thread from now on, while greenlets continue.

    gevent prints an error that leaves a thread of its own, so the error is kept for `result`.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._error: Exception | None = None
        self._returned = get_hub().threadpool.spawn(self._run, call)

    def result(self) -> T:
        """Wait for the call; return what it returns, or raise what it raises."""
        returned = self._returned.get()
        if self._error:
            raise self._error
        return returned  # type: ignore[no-any-return]

    def _run(self, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - `result` raises it
            self._error = error
            return None


def off_the_loop(call: Callable[[], T]) -> T:
    """Return what a call returns; where this thread runs the event loop, another one makes the call."""
    if monkey.is_module_patched("threading") and threading.get_native_id() == os.getpid():
        return ThreadCall(call).result()
    return call()
