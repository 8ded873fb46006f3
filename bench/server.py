"""The server's side of a run: its keyspace and tables, truncating a table, counting its rows."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import psutil
from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import RoundRobinPolicy

from bench.roster import PROJECT
from bench.tables import FROM_TEXT, BenchTable
from pipeline.embedded import ClusterSpec, Endpoint, start, status, stop

FILES = PROJECT / "output" / "bench"

_TIMEOUT_S = 120.0
_RANGES = 128
_FIRST_TOKEN, _LAST_TOKEN = -(2**63), 2**63 - 1
_PAUSE_S = 3.0
"""After a table is truncated: long enough for the server to delete its files and become idle."""

# The driver returns a timestamp in UTC, without a time zone.
_FROM_TEXT: Mapping[str, Callable[[str], Any]] = {
    **FROM_TEXT,
    "timestamp": lambda text: datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None),
}


class Server:
    """A running cluster with the keyspace of the comparison."""

    def __init__(self, session: Session, keyspace: str) -> None:
        self._session = session
        self._keyspace = keyspace

    def create(self, table: BenchTable, memtable: str = "") -> None:
        """Create `table`, with a memtable that the server knows by name; an existing one is dropped first."""
        columns = ", ".join(f"{name} {cql_type}" for name, cql_type in table.columns.items())
        key = ", ".join((table.key, *table.clustering))
        self._session.execute(f"DROP TABLE IF EXISTS {self._keyspace}.{table.name}")
        self._session.execute(
            f"CREATE TABLE {self._keyspace}.{table.name} ({columns}, PRIMARY KEY ({key}))"
            + (f" WITH memtable = '{memtable}'" if memtable else "")
        )

    def renew(self, table: BenchTable, memtable: str = "") -> None:
        """Create `table` anew, then wait until the server is idle again.

        Nodes note a truncation at different times, and earlier commits take that for two truncations.
        """
        self.create(table, memtable)
        time.sleep(_PAUSE_S)

    def empty(self, table: BenchTable) -> None:
        """Truncate `table`, then wait until the server is idle again."""
        self._session.execute(f"TRUNCATE {self._keyspace}.{table.name}")
        time.sleep(_PAUSE_S)

    def count(self, table: BenchTable) -> int:
        """Return the number of rows, counted by token ranges, because a count of the whole can time out."""
        statement = self._session.prepare(
            f"SELECT count(*) FROM {self._keyspace}.{table.name} "  # noqa: S608 - our own names
            f"WHERE token({table.key}) > ? AND token({table.key}) <= ?"
        )
        step = (_LAST_TOKEN - _FIRST_TOKEN) // _RANGES
        bounds = [_FIRST_TOKEN + step * number for number in range(_RANGES)] + [_LAST_TOKEN]
        ranges = list(pairwise(bounds))
        results = execute_concurrent_with_args(self._session, statement, ranges, concurrency=2)
        return sum(result.result_or_exc.one()[0] for result in results)

    def wrong(self, table: BenchTable, rows: Iterable[Sequence[str]]) -> int:
        """Return how many of `rows`, texts in the order of the columns, are absent or have another value."""
        names = ", ".join(table.columns)
        statement = self._session.prepare(
            f"SELECT {names} FROM {self._keyspace}.{table.name} WHERE {table.key} = ?"  # noqa: S608
        )
        wrong = 0
        for row in rows:
            wanted = tuple(
                _FROM_TEXT[cql_type](text) for cql_type, text in zip(table.columns.values(), row, strict=True)
            )
            wrong += self._session.execute(statement, wanted[:1]).one() != wanted
        return wrong

    def release(self) -> str:
        """Return the version of Cassandra."""
        return str(self._session.execute("SELECT release_version FROM system.local").one()[0])


def server_cpu_s(nodes: int) -> float:
    """Return the user and system time so far of the processes of a cluster that `own_cluster` started."""
    running = [node.pid for node in status(FILES / f"cassandra-{nodes}").nodes if node.pid]
    used = [psutil.Process(pid).cpu_times() for pid in running]
    return sum(times.user + times.system for times in used)


@contextlib.contextmanager
def own_cluster(nodes: int, overrides: Mapping[str, Any] | None = None) -> Iterator[Endpoint]:
    """Start a cluster for the comparison, with stock settings but for overrides; stop it when the block ends.

    Raises:
        EmbeddedError: it does not start.
    """
    folder = FILES / f"cassandra-{nodes}"
    try:
        yield start(ClusterSpec(folder=folder, nodes=nodes, overrides=overrides or {}))
    finally:
        stop(folder)


@contextlib.contextmanager
def open_server(
    host: str, port: int, *, keyspace: str, replication_factor: int, consistency: str
) -> Iterator[Server]:
    """Connect and create the keyspace; drop it when the block ends."""
    profile = ExecutionProfile(
        load_balancing_policy=RoundRobinPolicy(),
        consistency_level=ConsistencyLevel.name_to_value[consistency],
        request_timeout=_TIMEOUT_S,
    )
    cluster = Cluster(
        [host], port=port, protocol_version=4, execution_profiles={EXEC_PROFILE_DEFAULT: profile}
    )
    try:
        session = cluster.connect()
        session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}")
        session.execute(
            f"CREATE KEYSPACE {keyspace} WITH replication = "
            f"{{'class': 'NetworkTopologyStrategy', 'replication_factor': {replication_factor}}}"
        )
        try:
            yield Server(session, keyspace)
        finally:
            session.execute(f"DROP KEYSPACE {keyspace}")
    finally:
        cluster.shutdown()
