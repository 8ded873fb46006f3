"""Beside the Spark Cassandra Connector: rows per second, and the CPU of a row by who used it.

`python -m bench.connector` runs in .venv-spark and writes `connector.csv` beside the other results. One
application of Spark, a standalone master with two workers of one core, carries out all contenders but the
last, in random order in each round. What is timed begins with the file on disk and ends with the last
acknowledgement; the start of Spark is not part of it. The rows are counted and some are compared afterwards.
"""

import argparse
import csv
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from bench.clientcpu import client_cpu, used_between
from bench.engineload import load
from bench.figures import Figure, figure, say, write_lines
from bench.results import RESULTS
from bench.rows import ensure_file
from bench.server import FILES, Server, open_server, own_cluster, server_cpu_s
from bench.sparksession import open_session, save
from bench.tables import TABLES
from pipeline.embedded import Endpoint, status
from pipeline.engines.processes import Processes
from pipeline.engines.remote import RemoteEngine
from pipeline.engines.spark import SparkWorkers
from tests.harness.sparkcluster import spark_cluster

_KEYSPACE = "bench"
_USERS = TABLES["users"]
_SCHEMA = "user_id STRING, first_name STRING, last_name STRING"
_TUNED = {
    "spark.cassandra.output.batch.grouping.key": "replica_set",
    "spark.cassandra.output.batch.size.bytes": "5120",
    "spark.cassandra.output.concurrent.writes": "32",
}
_AS_IT_COMES = "connector, as it comes"
_SAMPLED_ROWS = 200
_WARM_UP_ROUNDS = 2
_FIRST_ROWS = 100_000
"""What the connector loads as it comes: a statement a row, as the slow contenders of `bench.roster`."""


@dataclass(frozen=True)
class Sample:
    """One load: rows per second, and the CPU of a row in µs."""

    rows_per_s: float
    python_us: float
    jvms_us: float
    server_us: float


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument(
        "--rounds", type=int, default=5, help="after those that warm up; default: %(default)s"
    )
    asked = parser.parse_args()
    FILES.mkdir(parents=True, exist_ok=True)
    samples = defaultdict[str, list[Sample]](list)
    with (
        tempfile.TemporaryDirectory(dir=FILES) as name,
        own_cluster(1) as endpoint,
        open_server(
            *(endpoint.contact_points[0], endpoint.port),
            keyspace=_KEYSPACE,
            replication_factor=1,
            consistency="LOCAL_ONE",
        ) as server,
        spark_cluster(Path(name)) as spark,
        open_session(spark.master, endpoint) as session,
    ):
        server.create(_USERS)
        contenders = _contenders(session, endpoint, Path(name))
        for number in range(1 - _WARM_UP_ROUNDS, asked.rounds + 1):
            for label in random.sample(list(contenders), len(contenders)):
                sample = _sample(server, contenders[label], _rows_of(label, asked.rows))
                say(f"round {number if number > 0 else 'warm-up'}: {label}: {sample}")
                if number > 0:
                    samples[label].append(sample)
            if samples:
                write_lines(RESULTS / "connector.csv", Figure, _figures(samples, asked.rows))
    for each in _figures(samples, asked.rows):
        say(each)


def _contenders(
    session: Any,  # noqa: ANN401 - pyspark is not in .venv
    endpoint: Endpoint,
    folder: Path,
) -> Mapping[str, Callable[[Path], None]]:
    """Return what loads a file into the table, by label."""
    connector = partial(save, session, _SCHEMA, _KEYSPACE, _USERS.name)
    ours = partial(load, endpoint, _KEYSPACE, _USERS.name, folder)
    return {
        _AS_IT_COMES: connector,
        "connector, tuned": partial(connector, options=_TUNED),
        "ours, engine spark": partial(ours, RemoteEngine(SparkWorkers(session.sparkContext))),
        "ours, one process": partial(ours, Processes(1)),
    }


def _rows_of(label: str, rows: int) -> int:
    """Return how many of the rows a contender loads."""
    return min(rows, _FIRST_ROWS) if label == _AS_IT_COMES else rows


def _sample(server: Server, contender: Callable[[Path], None], rows: int) -> Sample:
    """Load so many rows into the empty table; return the speed and the CPU.

    Raises:
        RuntimeError: rows are absent or have other values.
    """
    file = ensure_file(FILES, _USERS, rows)
    server.empty(_USERS)
    servers = {node.pid for node in status(FILES / "cassandra-1").nodes}
    before, server_before_s = client_cpu(servers), server_cpu_s(1)
    began_s = time.perf_counter()
    contender(file)
    elapsed_s = time.perf_counter() - began_s
    after, server_s = client_cpu(servers), server_cpu_s(1) - server_before_s
    with file.open(encoding="utf-8", newline="") as text:
        wrong = server.wrong(_USERS, list(islice(csv.reader(text), 1, _SAMPLED_ROWS + 1)))
    counted = server.count(_USERS)
    if counted != rows or wrong:
        raise RuntimeError(
            f"{counted:,} of {rows:,} rows are there, and {wrong} of {_SAMPLED_ROWS} are wrong"
        )
    row_us = (1e6 * used_s / rows for used_s in (*used_between(before, after), server_s))
    return Sample(rows / elapsed_s, *row_us)


def _figures(samples: Mapping[str, list[Sample]], rows: int) -> Iterator[Figure]:
    for label, of_label in samples.items():
        yield figure(
            f"{label}: {_rows_of(label, rows):,} users", "rows/s", [each.rows_per_s for each in of_label]
        )
        yield figure(f"{label}: Python's CPU", "µs a row", [each.python_us for each in of_label])
        yield figure(f"{label}: the JVMs' CPU", "µs a row", [each.jvms_us for each in of_label])
        yield figure(f"{label}: the server's CPU", "µs a row", [each.server_us for each in of_label])


if __name__ == "__main__":
    main()
