"""A connection for measuring latency: its event loop stays awake, and gathers nothing while it has time.

A pool whose writes are spread out leaves the loop idle for a millisecond at a time. To put a core to sleep
and wake it costs more than a row, and greenlets that were woken together stay together: each waits for all
the others, again and again. See docs/decisions/0008-poll-before-sleeping.md.
"""

import contextlib
import functools
import time

from gevent import socket
from gevent.hub import get_hub

from pipeline.cluster.connection import GreenletConnection


class BusyPollingConnection(GreenletConnection):
    """A connection that sends and hands on one by one while the event loop has time, and keeps it awake.

    Over TLS requests are gathered as ever: such a socket cannot say that it would have to wait.
    """

    def push(self, data: bytes) -> None:
        """Send a frame at once if the loop has time and the socket room, else with those that follow it."""
        sent = 0
        if busy_polling().has_time and self.has_sent_all and type(self._socket) is socket.socket:
            # No room is no error, and what is one shows again, to the greenlet that can tell everyone.
            with contextlib.suppress(OSError):
                sent = self._socket.send(data, timeout=0.0)
        if sent < len(data):
            super().push(data[sent:])

    def note_read(self) -> None:
        """Keep the loop awake."""
        super().note_read()
        busy_polling().prolong()

    @property
    def responses_a_turn(self) -> int:
        """One while the loop has time."""
        return 1 if busy_polling().has_time else super().responses_a_turn


class BusyPolling:
    """Keeps the event loop polling after something was read, and knows what that costs.

    `polled_s` is the time of all turns in which there was nothing to do.
    """

    def __init__(self) -> None:
        # libev does not wait for events while an idle watcher is active; ref: nor does this keep a hub alive.
        self._polling = get_hub().loop.idle(ref=False)
        self._until_s = self._idle_at_s = self.polled_s = 0.0

    def prolong(self) -> None:
        """Poll for a while from now on."""
        self._until_s = time.monotonic() + _POLL_S
        if not self._polling.active:
            self._polling.start(self._note_idle)

    @property
    def has_time(self) -> bool:
        """Whether the loop had nothing to do a moment ago, so that small requests cost nobody anything."""
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
    """Return that of the process's event loop."""
    return BusyPolling()


_POLL_S = 0.2
_MOMENT_S = 0.005
_TURN_MAX_S = 20e-6
"""An empty turn takes a few microseconds, one in which a request is made or answered more than this."""
