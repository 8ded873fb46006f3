"""Servers and a Spark for the faults of `bench.connectorfaults`, and what is seen of a load there."""

import contextlib
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cassandra.cluster import Cluster, Session

from bench.engineload import load
from bench.server import FILES
from bench.sparksession import save
from pipeline.embedded import ClusterSpec, Endpoint, start, stop
from pipeline.engines.remote import RemoteEngine
from pipeline.engines.spark import SparkWorkers
from pipeline.errors import abbreviated
from tests.harness.sparkcluster import SparkCluster, spark_cluster

KEYSPACE = "faults"
_TABLES = 24


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of a fault."""

    fault: str
    contender: str
    seen: str

    def __str__(self) -> str:
        return f"{self.fault} | {self.contender} | {self.seen}"


@dataclass
class Site:
    """The servers, a session of each, and a folder for files."""

    endpoint: Endpoint
    cql: Session
    cluster: SparkCluster
    folder: Path
    spark: Any = None
    _taken: int = 0

    def table(self, kind: str, row: tuple[Any, ...] | None = None) -> str:
        """Return an empty table whose values are of a type, or one with a row. None is returned twice."""
        table = f"{kind}_{self._taken}"
        self._taken += 1
        if row:
            self.cql.execute(f"INSERT INTO {KEYSPACE}.{table} (id, v) VALUES (%s, %s)", row)  # noqa: S608 - our own names
        return table

    def rows(self, what: str, table: str) -> list[Any]:
        """Return the rows of a table."""
        return list(self.cql.execute(f"SELECT {what} FROM {KEYSPACE}.{table}"))  # noqa: S608 - our own names

    def write(self, lines: list[str]) -> Path:
        """Write a CSV file of ids and values."""
        file = self.folder / f"{len(list(self.folder.glob('*.csv')))}.csv"
        file.write_text("id,v\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        return file

    def by_connector(self, file: Path, table: str, schema: str, **more: Any) -> str:  # noqa: ANN401
        """Load by the connector; return how it ended."""
        return ended(lambda: save(self.spark, schema, KEYSPACE, table, file, **more))

    def by_ours(self, file: Path, table: str, **more: Any) -> str:  # noqa: ANN401
        """Load by the engine; return how it ended."""
        engine = RemoteEngine(SparkWorkers(self.spark.sparkContext))
        said = ended(lambda: load(self.endpoint, KEYSPACE, table, self.folder, engine, file, **more))
        return said.replace(f"{self.folder}/", "")


def ended(run: Callable[[], None]) -> str:
    """Load, and return how it ended and when."""
    began_s = time.monotonic()
    try:
        run()
    except Exception as error:  # noqa: BLE001 - what it is, is what is looked for
        # Of an error of Spark, what its last task said.
        said = re.sub(r"(?s)^.*?executor \d+\): |\n.*", "", str(error))
        return abbreviated(f"fails after {time.monotonic() - began_s:.0f} s: {said}", _MOST_CHARACTERS)
    return f"succeeds after {time.monotonic() - began_s:.0f} s"


@contextlib.contextmanager
def once_rows_are_there(site: Site, table: str, do: Callable[[], None]) -> Iterator[None]:
    """Do something in a thread once a table has rows, while the block runs."""

    def wait() -> None:
        until(lambda: site.rows("id", table))
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def until(condition: Callable[[], object]) -> None:
    """Return once a condition holds, or after a while."""
    ends_s = time.monotonic() + _WAITED_S
    while not condition() and time.monotonic() < ends_s:
        time.sleep(_TICK_S)


@contextlib.contextmanager
def site_of(folder: Path, nodes: int = 1) -> Iterator[Site]:
    """Start a Cassandra whose nodes have all rows, and a Spark; end them when the block ends."""
    servers = servers_of(nodes)
    endpoint = start(ClusterSpec(folder=servers, nodes=nodes))
    try:
        cluster = Cluster(list(endpoint.contact_points), port=endpoint.port, protocol_version=4)
        cql = cluster.connect()
        cql.default_timeout = _WAITED_S
        cql.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
        cql.execute(
            f"CREATE KEYSPACE {KEYSPACE} WITH replication = "
            f"{{'class': 'SimpleStrategy', 'replication_factor': {nodes}}}"
        )
        # All tables now: the connector does not find at once what is created while its session is open.
        for kind, number in itertools.product(("int", "text"), range(_TABLES)):
            cql.execute(f"CREATE TABLE {KEYSPACE}.{kind}_{number} (id int PRIMARY KEY, v {kind})")
        with spark_cluster(folder) as spark:
            yield Site(endpoint, cql, spark, folder)
        cluster.shutdown()
    finally:
        stop(servers)


def servers_of(nodes: int) -> Path:
    """Return the folder of the Cassandra with so many nodes."""
    return FILES / f"cassandra-faults-{nodes}"


_TICK_S = 0.2
_WAITED_S = 300.0
_MOST_CHARACTERS = 160
