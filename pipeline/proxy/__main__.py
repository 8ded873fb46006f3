"""A slow or broken network on loopback: a process that adds a round trip and faults to connections.

`python -m pipeline.proxy --listen 127.0.0.1:0 --to 127.0.0.1:9042 --round-trip-s 0.1` prints one
JSON line, `{"listening": [["127.0.0.1", 40001]]}`, and runs until SIGTERM, or until its parent or its
standard input ends. A JSON line on standard input, such as `{"fault": "drop", "round_trip_s": 0}`, changes
the settings that it names. When they apply, the proxy answers with a line of all settings. `FAULTS` in
`relay.py` says what each fault does.

Half of the round trip is the delay in each direction. Only data is delayed: the kernel makes the TCP
handshake with the proxy, without a delay.
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
        SystemExit: with a message that says why the proxy cannot start.
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
        sys.exit(f"cannot start a proxy on {where}: {error}")
    control = _Control(relay)
    _write_line({"listening": relay.addresses})
    while not control.is_over:
        relay.turn()


class _Control:
    """Carries out the commands on standard input; `is_over` is true when the input has ended."""

    def __init__(self, relay: Relay) -> None:
        self.is_over = False
        self._relay = relay
        self._rest = b""
        with contextlib.suppress(PermissionError):  # epoll refuses /dev/null and files
            relay.watch(_STDIN, select.EPOLLIN, self._read_commands)

    def _read_commands(self, _: int) -> None:
        read = os.read(_STDIN, 4096)
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            try:
                self._relay.set(dataclasses.replace(self._relay.network, **json.loads(line)))
            except (SettingError, OSError, TypeError, ValueError) as error:
                _write_line({"error": f"proxy: {error}"})
            else:
                _write_line(dataclasses.asdict(self._relay.network))
        self.is_over = not read


def _write_line(what: dict[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.proxy",
        description="Add a round trip between client and server on loopback.",
    )
    for name, what in (
        ("--listen", "where to listen; port 0 is a free port"),
        ("--to", "the server behind it"),
    ):
        parser.add_argument(
            name,
            action="append",
            required=True,
            type=_address,
            metavar="HOST:PORT",
            help=f"{what}; repeatable",
        )
    parser.add_argument("--round-trip-s", type=float, default=0.0, help="half of it in each direction")
    parser.add_argument(
        "--jitter-s", type=float, default=0.0, help="how much a round trip varies, up and down"
    )
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
