"""Made-up experiments that look like real ones: each contender's times with seeded noise."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.measure.experiment.measurement import LATENCY_KINDS, Cell, LatencyKind, Repeat
from pipeline.measure.experiment.recommendation import Method, Recommendation
from pipeline.requests.latencies import Latencies

ROWS = 1000
LATENCIES_S = (0.0, 0.001, 0.005, 0.010, 0.100)
BEGAN_AT_S = 1_795_000_000.0

NOISY = Cell(contender="threads", latency_kind="sleep", latency_s=0.001, in_flight=100)
"""Its repeats differ so much that no median can represent them."""
SHORT = Cell(contender="create, loop", latency_kind="sleep", latency_s=0.100, in_flight=1)
"""So slow that it wrote fewer rows."""
UNSEEN = Cell(contender="asyncio", latency_kind="network", latency_s=0.010, in_flight=100)
"""The CPU of its server's processes is unknown."""


@dataclass(frozen=True, kw_only=True)
class FakeContender:
    """How a made-up contender behaves: CPU time per row in its process, time per request at the server."""

    name: str
    in_flight: int
    row_s: float
    request_s: float = 0.0008
    rows_a_request: int = 1
    reactor: str = "BusyPollingConnection"
    patched: bool = True
    latency_kinds: tuple[LatencyKind, ...] = LATENCY_KINDS

    def elapsed_s(self, rows: int, latency_s: float) -> float:
        """Return the time of `rows` rows without noise: limited by waiting or by the process."""
        requests = math.ceil(rows / self.rows_a_request)
        waiting_s = requests * (latency_s + self.request_s) / self.in_flight
        working_s = rows * self.row_s
        return waiting_s + working_s if self.in_flight == 1 else max(waiting_s, working_s) + 0.1 * waiting_s


CONTENDERS = (
    FakeContender(name="create, loop", in_flight=1, row_s=0.00030),
    FakeContender(
        name="create, loop, unpatched", in_flight=1, row_s=0.00025, reactor="LibevConnection", patched=False
    ),
    FakeContender(name="create, Pool", in_flight=100, row_s=0.00042),
    FakeContender(name="prepared, loop", in_flight=1, row_s=0.00012),
    FakeContender(name="prepared, Pool", in_flight=100, row_s=0.00021),
    FakeContender(name="batch", in_flight=100, row_s=0.000031, rows_a_request=10),
    FakeContender(
        name="execute_concurrent",
        in_flight=100,
        row_s=0.00017,
        reactor="LibevConnection",
        patched=False,
        latency_kinds=("network",),
    ),
    FakeContender(name="threads", in_flight=100, row_s=0.00036, reactor="LibevConnection", patched=False),
    FakeContender(
        name="asyncio",
        in_flight=100,
        row_s=0.00027,
        reactor="AsyncioConnection",
        patched=False,
        latency_kinds=("network",),
    ),
)


def experiment(*, repeats: int = 5, pool_sizes: Sequence[int] = (100, 1, 10, 30, 300)) -> list[Repeat]:
    """Return a whole experiment: every contender at every latency of both kinds, Pools of several sizes."""
    noise = random.Random(1)  # noqa: S311 - noise, nothing secret
    return [
        _timed(sized, cell, repeat, noise)
        for contender in CONTENDERS
        for kind in contender.latency_kinds
        for latency_s in LATENCIES_S
        for in_flight in (pool_sizes if contender.name.endswith("Pool") else [contender.in_flight])
        for cell in [
            Cell(contender=contender.name, latency_kind=kind, latency_s=latency_s, in_flight=in_flight)
        ]
        for sized in [replace(contender, in_flight=in_flight)]
        for repeat in range(1, repeats + 1)
    ]


def renamed(repeats: Sequence[Repeat], name: str, to: str) -> list[Repeat]:
    """Return the same repeats with another name for one contender."""
    return [
        replace(timed, cell=replace(timed.cell, contender=to)) if timed.cell.contender == name else timed
        for timed in repeats
    ]


def recommendations() -> list[Recommendation]:
    """Return the recommendations of typical sweeps: more latency, more greenlets."""
    methods: Sequence[tuple[Method, float]] = (("prepared", 4510.0), ("create", 2380.0))
    return [
        Recommendation(
            method=method,
            latency_s=latency_s,
            pool_size=size,
            low=low,
            high=300,
            largest=300,
            rows_per_s=rows_per_s,
        )
        for method, rows_per_s in methods
        for latency_s, size, low in ((0.001, 10, 10), (0.010, 100, 30), (0.100, 300, 300))
    ]


def facts(*, cluster: str = "Test Cluster") -> dict[str, Any]:
    """Return the facts of such a run: its settings, its cluster and its machine."""
    return {
        "settings": {"date": "2026-11-24", "rows": str(ROWS), "latencies_s": "0,0.001,0.005,0.01,0.1"},
        "cluster": {
            "name": cluster,
            "nodes": 1,
            "cassandra": ["5.0.9"],
            "partitioner": "Murmur3Partitioner",
            "replication": "{'class': 'SimpleStrategy', 'replication_factor': '1'}",
            "consistency_level": "LOCAL_ONE",
            "protocol_version": 4,
            "reactor": "BusyPollingConnection",
        },
        "python": "3.11.15",
        "versions": {"cassandra-driver": "3.30.1", "gevent": "26.9.0", "luigi": "3.8.1", "zope.event": "6.2"},
        "system": "Linux-6.1.0-41-amd64-x86_64-with-glibc2.36",
        "cpu": "AMD EPYC 7B13",
        "cores": 2,
        "memory_bytes": 25_276_510_208,
        "load_average_1_min": 0.41,
        "commit": "0123456789abcdef0123456789abcdef01234567",
    }


def _timed(contender: FakeContender, cell: Cell, repeat: int, noise: random.Random) -> Repeat:
    rows = ROWS // 5 if cell == SHORT else ROWS
    requests = math.ceil(rows / contender.rows_a_request)
    by_network = 1.04 if cell.latency_kind == "network" else 1.0
    spread = 0.9 if cell == NOISY else 0.015
    elapsed_s = by_network * contender.elapsed_s(rows, cell.latency_s) * noise.lognormvariate(0, spread)
    request_s = elapsed_s * contender.in_flight / requests
    return Repeat(
        cell=cell,
        repeat=repeat,
        reactor=contender.reactor,
        patched=contender.patched,
        rows=rows,
        requests=requests,
        elapsed_s=elapsed_s,
        client_cpu_s=rows * contender.row_s * noise.uniform(0.9, 1.1),
        server_cpu_s=None if cell == UNSEEN else rows * 0.00011 * noise.uniform(0.9, 1.1),
        latencies=_histogram(requests, cell.latency_s, request_s),
        began_at_s=BEGAN_AT_S + 60 * repeat + 3600 * cell.latency_s,
    )


def _histogram(requests: int, least_s: float, mean_s: float) -> str:
    """Return latencies around the mean, with the long tail that servers have."""
    over_s = max(mean_s - least_s, 1e-5)
    latencies = Latencies()
    for number in range(requests):
        latencies.record(least_s + over_s * (0.6 - 0.4 * math.log(1 - (number + 0.5) / requests)))
    return latencies.encoded


def recommended(
    latency_s: float, pool_size: int, *, method: Method = "create", largest: int = 1000
) -> Recommendation:
    """Return a recommendation of that pool size, with an interval of a factor of 2."""
    return Recommendation(
        method=method,
        latency_s=latency_s,
        pool_size=pool_size,
        low=max(1, pool_size // 2),
        high=min(2 * pool_size, largest),
        largest=largest,
        rows_per_s=1234.5,
    )
