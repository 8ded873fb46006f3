"""The driver's gevent connection, made to poll for a while after each response before its core sleeps.

A pool whose writes are spread out leaves the event loop idle for a millisecond at a time. To put a core to
sleep and wake it costs more than a row, on a virtual machine several times more, and every write that waits
behind a slow wake-up passes its delay on. See docs/decisions/0008-poll-before-sleeping.md.
"""

import time

from cassandra.io.geventreactor import GeventConnection
from gevent.hub import get_hub


class PollingConnection(GeventConnection):
    """A connection whose event loop stays awake for `_POLL_S` after it has read something."""

    def process_io_buffer(self) -> None:
        """Handle what was read, then keep polling for more."""
        super().process_io_buffer()
        _stay_awake()


def _stay_awake() -> None:
    hub = get_hub()
    if not hasattr(hub, "polling_until_s"):
        # libev does not wait for events while an idle watcher is active; ref: nor does this keep a hub alive.
        hub.polling = hub.loop.idle(ref=False)
    hub.polling_until_s = time.monotonic() + _POLL_S
    if not hub.polling.active:
        hub.polling.start(_sleep_when_quiet)


def _sleep_when_quiet() -> None:
    hub = get_hub()
    if time.monotonic() > hub.polling_until_s:
        hub.polling.stop()


_POLL_S = 0.02
