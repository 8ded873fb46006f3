"""The messages to and from a contender's process: one timed pass and its result, as JSON lines."""

from dataclasses import dataclass

from pipeline.measure.experiment.measurement import LatencyKind
from pipeline.settings import ClusterConfig


@dataclass(frozen=True, kw_only=True)
class Description:
    """A contender's label, the kinds of latency that it can be timed at, and whether it writes in a loop.

    One that is `swept` is timed with several pool sizes, to find the best.
    """

    label: str
    latency_kinds: tuple[LatencyKind, ...]
    is_loop: bool
    method: str
    is_swept: bool


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Write the rows of a file to an empty table, `in_flight` requests at a time, and time it.

    `sleep_s` is slept before each request. `latency_s` is that sleep or the network's latency: the least time
    of a request. `server_pids` are the server's processes on this machine.
    """

    cluster: ClusterConfig
    keyspace: str
    table: str
    dataset: str
    file: str
    in_flight: int
    sleep_s: float
    latency_s: float
    server_pids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The result of a trial; the fields are those of `Repeat`."""

    reactor: str
    patched: bool
    requests: int
    elapsed_s: float
    client_cpu_s: float
    server_cpu_s: float | None
    latencies: str
    began_at_s: float
