"""A proxy process on loopback that adds a real round-trip time and faults between client and server.

`python -m pipeline.proxy --listen 127.0.0.1:0 --to 127.0.0.1:9042 --round-trip-s 0.1` prints one
JSON line, `{"listening": [["127.0.0.1", 40001]]}`, and runs until SIGTERM, or until its parent or its
standard input ends. A JSON line on standard input, such as `{"fault": "drop", "round_trip_s": 0}`, changes
what it names and is answered by a line with all settings once they hold. `FAULTS` in `relay.py` says what
each does.

Half of the round trip is added in each direction. Only data is delayed: the kernel does the TCP handshake
with the proxy, without a delay.
"""

import argparse
import contextlib
import ctypes
import dataclasses
import json
import os
import select
import signal
import sys

from pipeline.errors import SettingError
from pipeline.proxy.control import Address
from pipeline.proxy.relay import Network, Relay
from pipeline.workers.parent import end_with_parent


def main() -> None:
    """Run the proxy.

    Raises:
        SystemExit: with a line that says why it cannot start.
    """
    end_with_parent()
    # The kernel wakes an ordinary process up to 50 µs late, to save power.
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    options = _parsed()
    try:
        network = Network(round_trip_s=options.round_trip_s, jitter_s=options.jitter_s)
        relay = Relay(network, options.listen, options.to)
    except (SettingError, OSError) as error:
        where = ", ".join(f"{host}:{port}" for host, port in options.listen)
        sys.exit(f"no proxy on {where}: {error}")
    control = _Control(relay)
    _say({"listening": relay.addresses})
    while not control.is_over:
        relay.turn()


class _Control:
    """The commands on standard input, and whether they have ended."""

    def __init__(self, relay: Relay) -> None:
        self.is_over = False
        self._relay = relay
        self._rest = b""
        with contextlib.suppress(PermissionError):  # /dev/null or a file: there is nothing to wait for
            relay.watch(_STDIN, select.EPOLLIN, self._obey)

    def _obey(self, _: int) -> None:
        read = os.read(_STDIN, 4096)
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            try:
                self._relay.set(dataclasses.replace(self._relay.network, **json.loads(line)))
            except (SettingError, OSError, TypeError, ValueError) as error:
                _say({"error": f"proxy: {error}"})
            else:
                _say(dataclasses.asdict(self._relay.network))
        self.is_over = not read


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.proxy",
        description="Put a round trip on loopback between client and server.",
    )
    for name, what in (
        ("--listen", "where to listen; port 0 is a free one"),
        ("--to", "what stands behind it"),
    ):
        parser.add_argument(
            name,
            action="append",
            required=True,
            type=_address,
            metavar="HOST:PORT",
            help=f"{what}; repeatable",
        )
    parser.add_argument("--round-trip-s", type=float, default=0.0, help="half of it is spent on each way")
    parser.add_argument("--jitter-s", type=float, default=0.0, help="how far a round trip strays, both ways")
    options = parser.parse_args()
    if len(options.listen) != len(options.to):
        parser.error("give as many --listen as --to, in the same order")
    return options


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


_PR_SET_TIMERSLACK = 29
_STDIN = 0

if __name__ == "__main__":
    main()
