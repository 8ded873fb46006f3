"""A connection for measuring latency, with busy polling: the event loop polls before it waits for events.

If the writes of a pool are spread out, the loop is idle for a millisecond at a time. To put a core to
sleep and wake it takes longer than a row. Greenlets that were woken together stay together: each waits for
all the others, again and again. See docs/decisions/0008-poll-before-sleeping.md.
"""

import contextlib
import functools
import time

from gevent import socket
from gevent.hub import get_hub

from pipeline.cluster.connection import GreenletConnection


class BusyPollingConnection(GreenletConnection):
    """A connection that polls, and that sends and delivers one by one while the event loop has time.

    Over TLS, requests are gathered as usual: a TLS socket cannot report that sending would block.
    """

    def push(self, data: bytes) -> None:
        """Send a frame at once if the loop has time and the socket has room, else with the next frames."""
        sent = 0
        if busy_polling().has_time and self.has_sent_all and type(self._socket) is socket.socket:
            # A full socket is not a failure. A failure occurs again in `_write`, which fails all requests.
            with contextlib.suppress(OSError):
                sent = self._socket.send(data, timeout=0.0)
        if sent < len(data):
            super().push(data[sent:])

    def note_read(self) -> None:
        """Extend busy polling."""
        super().note_read()
        busy_polling().extend()

    @property
    def responses_a_turn(self) -> int:
        """One while the loop has time, else as usual."""
        return 1 if busy_polling().has_time else super().responses_a_turn


class BusyPolling:
    """Busy polling of the event loop after something was read, and the time that it takes.

    `polled_s` is the sum of all turns of the loop in which there was nothing to do, in seconds.
    """

    def __init__(self) -> None:
        # libev does not wait for events while an idle watcher is active. ref=False: it keeps no hub alive.
        self._polling = get_hub().loop.idle(ref=False)
        self._until_s = self._idle_at_s = self.polled_s = 0.0

    def extend(self) -> None:
        """Poll until `_POLL_S` seconds from now."""
        self._until_s = time.monotonic() + _POLL_S
        if not self._polling.active:
            self._polling.start(self._note_idle)

    @property
    def has_time(self) -> bool:
        """Whether the loop was idle within the last `_MOMENT_S` seconds, so that it can send one by one."""
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
"""An empty turn takes a few microseconds; one in which a request is sent or answered takes more than this."""
