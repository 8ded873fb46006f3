"""A connection for measuring latency: its event loop polls before it sleeps, and sends frames one by one.

A Pool whose writes are spread out leaves the event loop idle for a millisecond at a time. Putting a core to
sleep and waking it costs more than a row. Greenlets that are woken together also stay together: each of them
waits for all the others in every round. See docs/decisions/0008-poll-before-sleeping.md.
"""

import contextlib
import functools
import time

from gevent import socket
from gevent.hub import get_hub

from pipeline.cluster.connection import GreenletConnection


class BusyPollingConnection(GreenletConnection):
    """A connection that sends frames and delivers responses one by one while the event loop is idle.

    Over TLS, frames are gathered as usual: a TLS socket cannot report that a write would block.
    """

    def push(self, data: bytes) -> None:
        """Send a frame at once if the loop is idle and the socket has room; otherwise queue it."""
        sent = 0
        if busy_polling().has_time and self.has_sent_all and type(self._socket) is socket.socket:
            # A full socket is not a failure. The greenlet that writes meets and reports a real one.
            with contextlib.suppress(OSError):
                sent = self._socket.send(data, timeout=0.0)
        if sent < len(data):
            super().push(data[sent:])

    def note_read(self) -> None:
        """Extend the polling."""
        super().note_read()
        busy_polling().extend()

    @property
    def responses_a_turn(self) -> int:
        """One while the loop is idle."""
        return 1 if busy_polling().has_time else super().responses_a_turn


class BusyPolling:
    """Keeps the event loop polling after a read, and measures what that costs.

    `polled_s` is the total time of the turns in which there was nothing to do.
    """

    def __init__(self) -> None:
        # libev does not block while an idle watcher is active; with ref=False it does not keep the hub alive.
        self._polling = get_hub().loop.idle(ref=False)
        self._until_s = self._idle_at_s = self.polled_s = 0.0

    def extend(self) -> None:
        """Poll for the next `_POLL_S` seconds."""
        self._until_s = time.monotonic() + _POLL_S
        if not self._polling.active:
            self._polling.start(self._note_idle)

    @property
    def has_time(self) -> bool:
        """Whether the loop was idle within the last `_MOMENT_S` seconds: small writes then delay nothing."""
        return time.monotonic() < self._idle_at_s + _MOMENT_S

    def _note_idle(self) -> None:
        now_s = time.monotonic()
        if now_s - self._idle_at_s < _TURN_MAX_S:
            self.polled_s += now_s - self._idle_at_s
        self._idle_at_s = now_s
        if now_s > self._until_s:
            self._polling.stop()


@functools.cache
def busy_polling() -> BusyPolling:
    """Return the busy polling of this process's event loop."""
    return BusyPolling()


_POLL_S = 0.2
_MOMENT_S = 0.005
_TURN_MAX_S = 20e-6
"""An empty turn takes a few microseconds; a turn that handles a request takes longer than this."""
