"""The accuracy of the delay proxy: the time that it adds, and its throughput with 1,000 requests in flight.

`python -m bench.proxy_accuracy` takes 50 seconds and prints two tables. A server that echoes 64-byte
messages runs in a process of its own; messages are timed without the proxy and through it, alternately. The
added time is a message's time through the proxy, minus the median without it, minus the requested round trip.
"""

import os
import signal
import socket
import statistics
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from pipeline.proxy.control import Address, proxy

ROUND_TRIPS_S = (0.0, 0.001, 0.005, 0.01, 0.1)
MESSAGE_BYTES = 64
TURN_MESSAGES = 10
TIME_PER_ROUND_TRIP_S = 8.0
MESSAGES_MAX = 2000
IN_FLIGHT = 1000
THROUGHPUT_ROUND_TRIP_S = 0.1
THROUGHPUT_TIME_S = 5.0


def main() -> None:
    """Measure and print the tables."""
    with _echo_server() as server, proxy([server]) as between:
        _say("round trip ms  messages  direct p50 ms  added p50 ms  added p90 ms  added p99 ms")
        for round_trip_s in ROUND_TRIPS_S:
            between.set(round_trip_s=round_trip_s)
            direct_s, through_s = _timed(server, between.addresses[0], round_trip_s)
            median_s = statistics.median(direct_s)
            added_s = sorted(each_s - median_s - round_trip_s for each_s in through_s)
            columns = [median_s, *(_quantile(added_s, share) for share in (0.5, 0.9, 0.99))]
            figures = "".join(f"{1000 * each_s:14.3f}" for each_s in columns)
            _say(f"{1000 * round_trip_s:13g}{len(added_s):10}{figures}")
        _say(f"\n{IN_FLIGHT} in flight over one connection at {1000 * THROUGHPUT_ROUND_TRIP_S:g} ms")
        _say("operations/s  of the most possible  p50 ms  p99 ms")
        between.set(round_trip_s=THROUGHPUT_ROUND_TRIP_S)
        rate, latencies_s = _pipelined(between.addresses[0])
        share = rate * THROUGHPUT_ROUND_TRIP_S / IN_FLIGHT
        p50_ms, p99_ms = (1000 * _quantile(latencies_s, part) for part in (0.5, 0.99))
        _say(f"{rate:12.0f}{share:22.1%}{p50_ms:8.2f}{p99_ms:8.2f}")


def _timed(server: Address, between: Address, round_trip_s: float) -> tuple[list[float], list[float]]:
    """Return the time of each message in seconds, without the proxy and through it."""
    turns = int(min(MESSAGES_MAX, TIME_PER_ROUND_TRIP_S / (round_trip_s + 0.003)) / TURN_MESSAGES)
    direct_s: list[float] = []
    through_s: list[float] = []
    with _connected(server) as direct, _connected(between) as through:
        for _ in range(turns):
            for _ in range(TURN_MESSAGES):
                time.sleep(round_trip_s)  # client and server sleep as long as through the proxy
                direct_s.append(_round_trip_s(direct))
            through_s.extend(_round_trip_s(through) for _ in range(TURN_MESSAGES))
    return direct_s, through_s


def _round_trip_s(sock: socket.socket) -> float:
    start_s = time.perf_counter()
    sock.sendall(b"x" * MESSAGE_BYTES)
    sock.recv(MESSAGE_BYTES, socket.MSG_WAITALL)
    return time.perf_counter() - start_s


def _pipelined(address: Address) -> tuple[float, list[float]]:
    """Return operations/s and the seconds of each, ascending; each answer triggers the next message."""
    sent_s: deque[float] = deque()
    latencies_s: list[float] = []
    with _connected(address) as sock:
        for _ in range(IN_FLIGHT):
            sock.sendall(b"x" * MESSAGE_BYTES)
            sent_s.append(time.perf_counter())
            time.sleep(THROUGHPUT_ROUND_TRIP_S / IN_FLIGHT / 2)
        start_s = now_s = time.perf_counter()
        received_bytes = 0
        while now_s < start_s + THROUGHPUT_TIME_S:
            received_bytes += len(sock.recv(1 << 20))
            now_s = time.perf_counter()
            answers = received_bytes // MESSAGE_BYTES - len(latencies_s)
            latencies_s.extend(now_s - sent_s.popleft() for _ in range(answers))
            sock.sendall(b"x" * MESSAGE_BYTES * answers)
            sent_s.extend([now_s] * answers)
    return len(latencies_s) / (now_s - start_s), sorted(latencies_s)


def _connected(address: Address) -> socket.socket:
    sock = socket.create_connection(address)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


@contextmanager
def _echo_server() -> Iterator[Address]:
    """Run an echo server in a process of its own, with a child process for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            while True:
                client, _ = listener.accept()
                if not os.fork():
                    with suppress(ConnectionResetError):  # the client closes while answers are in flight
                        _echo(client)
                    os._exit(0)
                client.close()
        try:
            yield listener.getsockname()
        finally:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)


def _echo(client: socket.socket) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := client.recv(1 << 20):
        client.sendall(data)


def _quantile(ascending: Sequence[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
