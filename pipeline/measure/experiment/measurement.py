"""The cells of the experiment and their repeats. Independent of the driver."""

from dataclasses import dataclass
from typing import Literal

LatencyKind = Literal["sleep", "network"]
LATENCY_KINDS: tuple[LatencyKind, ...] = ("sleep", "network")
"""`sleep`: the article's `time.sleep` before a call. `network`: a round trip that the proxy adds."""


@dataclass(frozen=True, kw_only=True, order=True)
class Cell:
    """One cell of the experiment: the contender, the latency, the number of requests in flight.

    `in_flight` is 1 for a loop; for a contender that adapts by itself it is the upper limit.
    """

    contender: str
    latency_kind: LatencyKind
    latency_s: float
    in_flight: int

    def __str__(self) -> str:
        return f"{self.contender}, {self.latency_kind} {self.latency_s:g} s, {self.in_flight} in flight"


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """One timed pass of a cell, in a fresh process: `rows` rows written by `requests` requests.

    `latencies` is the histogram of the requests' seconds, latency included, as the HDR encoding gives it in
    base64; its unit is a microsecond. `server_cpu_s` is None if the server's processes are on another
    machine. `reactor` is the driver's connection class, `patched` whether gevent had patched the process.
    """

    cell: Cell
    repeat: int
    reactor: str
    patched: bool
    rows: int
    requests: int
    elapsed_s: float
    client_cpu_s: float
    server_cpu_s: float | None
    latencies: str
    began_at_s: float
    """Unix time."""
