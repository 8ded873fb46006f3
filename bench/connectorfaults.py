"""What the Spark Cassandra Connector and this project's engine do about faults that are caused here.

`python -m bench.connectorfaults` runs in .venv-spark and writes `connector-faults.csv` beside the other
results: a fault, who loaded, and what was seen. Both load by the same application of Spark.
"""

import contextlib
import itertools
import multiprocessing
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from cassandra.cluster import Cluster, Session

from bench.engineload import load
from bench.figures import say, write_lines
from bench.results import RESULTS
from bench.server import FILES
from bench.sparksession import open_session, save
from pipeline.embedded import ClusterSpec, Endpoint, start, status, stop
from pipeline.engines.remote import RemoteEngine
from pipeline.engines.spark import SparkWorkers
from pipeline.errors import abbreviated
from tests.harness.sparkcluster import SparkCluster, spark_cluster

_FOLDER = FILES / "cassandra-faults"
_KEYSPACE = "faults"
_ROWS = 5_000
_TABLES = 24
_SLOW = {"spark.cassandra.output.throughputMBPerSec": "0.02"}
_STOPPED_S = 40.0
_SHORT_TIMEOUT = {"spark.cassandra.read.timeoutMS": "5000"}


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
            self.cql.execute(f"INSERT INTO {_KEYSPACE}.{table} (id, v) VALUES (%s, %s)", row)  # noqa: S608 - our own names
        return table

    def rows(self, what: str, table: str) -> list[Any]:
        """Return the rows of a table."""
        return list(self.cql.execute(f"SELECT {what} FROM {_KEYSPACE}.{table}"))  # noqa: S608 - our own names

    def write(self, lines: list[str]) -> Path:
        """Write a CSV file of ids and values."""
        file = self.folder / f"{len(list(self.folder.glob('*.csv')))}.csv"
        file.write_text("id,v\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        return file

    def by_connector(self, file: Path, table: str, schema: str, **more: Any) -> str:  # noqa: ANN401
        """Load by the connector; return how it ended."""
        return _ended(lambda: save(self.spark, schema, _KEYSPACE, table, file, **more))

    def by_ours(self, file: Path, table: str) -> str:
        """Load by the engine; return how it ended."""
        engine = RemoteEngine(SparkWorkers(self.spark.sparkContext))
        ended = _ended(lambda: load(self.endpoint, _KEYSPACE, table, self.folder, engine, file))
        return ended.replace(f"{self.folder}/", "")


def main() -> None:
    """Cause each fault, print and write what was seen."""
    FILES.mkdir(parents=True, exist_ok=True)
    seen = []
    with tempfile.TemporaryDirectory(dir=FILES) as name, _site(Path(name)) as site:
        for each in itertools.chain(_in_one_session(site), _killed_driver(site)):
            say(each)
            seen.append(each)
            write_lines(RESULTS / "connector-faults.csv", Seen, seen)


def _in_one_session(site: Site) -> Iterator[Seen]:
    with open_session(site.cluster.master, site.endpoint) as site.spark:
        for part in (_bad_row, _duplicates, _nulls, _killed_executor, _stopped_server):
            yield from part(site)


def _bad_row(site: Site) -> Iterator[Seen]:
    """A value that is not of its column's type, in a row that has a value already, and a bad key."""
    for what, lines in (
        ("a bad value", ["1,10", "2,abc", "3,30"]),
        ("a bad key", ["1,10", "x,20", "3,30"]),
    ):
        file = site.write(lines)
        loaders: dict[str, Callable[[Path, str], str]] = {
            f"connector, {mode}": partial(site.by_connector, schema="id INT, v INT", mode=mode)
            for mode in ("PERMISSIVE", "DROPMALFORMED", "FAILFAST")
        }
        for contender, by in {**loaders, "ours": site.by_ours}.items():
            table = site.table("int", (2, 20))
            ended = by(file, table)
            rows = sorted(map(tuple, site.rows("id, v", table)))
            yield Seen(fault=what, contender=contender, seen=f"{ended}; {rows}")


def _duplicates(site: Site) -> Iterator[Seen]:
    """Each key twice: in neighbouring rows, and a file apart."""
    keys = range(_ROWS // 2)
    for what, lines in (
        ("a key twice, in neighbouring rows", [f"{key},{v}" for key in keys for v in ("b", "a")]),
        ("a key twice, far apart", [f"{key},{v}" for v in ("b", "a") for key in keys]),
    ):
        file = site.write(lines)
        for contender, by in _loaders(site, "id INT, v STRING").items():
            table = site.table("text")
            ended = by(file, table)
            later = sum(row.v == "a" for row in site.rows("v", table))
            yield Seen(
                fault=what,
                contender=contender,
                seen=f"{ended}; {later} of {len(keys)} keys have the later row",
            )


def _nulls(site: Site) -> Iterator[Seen]:
    """An empty field where the table has a value."""
    file = site.write(["1,"])
    for contender, by in _loaders(site, "id INT, v STRING").items():
        table = site.table("text", (1, "old"))
        ended = by(file, table)
        yield Seen(
            fault="an empty field", contender=contender, seen=f"{ended}; v is {site.rows('v', table)[0].v}"
        )


def _killed_executor(site: Site) -> Iterator[Seen]:
    """An executor is killed while it writes."""
    file, table = site.write(_plain()), site.table("text")

    def kill() -> None:
        for executor in site.cluster.executors("127.0.0.2"):
            executor.kill()

    with _once_rows_are_there(site, table, kill):
        ended = site.by_connector(file, table, "id INT, v STRING", options=_SLOW)
    yield Seen(fault="an executor is killed", contender="connector", seen=f"{ended}; {_present(site, table)}")


def _stopped_server(site: Site) -> Iterator[Seen]:
    """The server stops for a while, with the connector's own timeout and with a shorter one."""
    [server] = [psutil.Process(node.pid) for node in status(_FOLDER).nodes if node.pid]

    def pause() -> None:
        server.suspend()
        time.sleep(_STOPPED_S)
        server.resume()

    for what, options in (("", _SLOW), (", read.timeoutMS=5000", {**_SLOW, **_SHORT_TIMEOUT})):
        file, table = site.write(_plain()), site.table("text")
        with _once_rows_are_there(site, table, pause):
            ended = site.by_connector(file, table, "id INT, v STRING", options=options)
        fault = f"the server does not answer for {_STOPPED_S:.0f} s"
        yield Seen(fault=fault, contender=f"connector{what}", seen=f"{ended}; {_present(site, table)}")


def _killed_driver(site: Site) -> Iterator[Seen]:
    """The driver is killed while it writes; the same load is run again."""
    file, table = site.write(_plain()), site.table("text")
    driver = multiprocessing.get_context("spawn").Process(
        target=_drive, args=(site.cluster.master, site.endpoint, file, table)
    )
    driver.start()
    _until(lambda: site.rows("id", table))
    whole = psutil.Process(driver.pid)
    for each in (*whole.children(recursive=True), whole):
        each.kill()
    driver.join()
    time.sleep(_SETTLED_S)
    before, now_us = _present(site, table), time.time() * 1e6
    with open_session(site.cluster.master, site.endpoint) as site.spark:
        ended = site.by_connector(file, table, "id INT, v STRING")
    again = sum(row.at > now_us for row in site.rows("writetime(v) AS at", table))
    seen = f"{before}; run again: {ended}; {again} rows are written by it, {_present(site, table)}"
    yield Seen(fault="the driver is killed", contender="connector", seen=seen)


def _drive(master: str, endpoint: Endpoint, file: Path, table: str) -> None:
    """Load slowly, in a driver of its own."""
    with open_session(master, endpoint) as session:
        save(session, "id INT, v STRING", _KEYSPACE, table, file, options=_SLOW)


def _loaders(site: Site, schema: str) -> Mapping[str, Callable[[Path, str], str]]:
    ignoring = {"spark.cassandra.output.ignoreNulls": "true"}
    return {
        "connector": partial(site.by_connector, schema=schema),
        "connector, ignoreNulls": partial(site.by_connector, schema=schema, options=ignoring),
        "ours": site.by_ours,
    }


def _plain() -> list[str]:
    return [f"{key},value {key}" for key in range(_ROWS)]


def _present(site: Site, table: str) -> str:
    return f"{len(site.rows('id', table)):,} of {_ROWS:,} rows are there"


def _ended(run: Callable[[], None]) -> str:
    began_s = time.monotonic()
    try:
        run()
    except Exception as error:  # noqa: BLE001 - what it is, is what is looked for
        # Of an error of Spark, what its last task said.
        said = re.sub(r"(?s)^.*?executor \d+\): |\n.*", "", str(error))
        return abbreviated(f"fails after {time.monotonic() - began_s:.0f} s: {said}", _MOST_CHARACTERS)
    return f"succeeds after {time.monotonic() - began_s:.0f} s"


@contextlib.contextmanager
def _once_rows_are_there(site: Site, table: str, do: Callable[[], None]) -> Iterator[None]:
    """Do something in a thread once a table has rows, while the block runs."""

    def wait() -> None:
        _until(lambda: site.rows("id", table))
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _until(condition: Callable[[], object]) -> None:
    ends_s = time.monotonic() + _WAITED_S
    while not condition() and time.monotonic() < ends_s:
        time.sleep(_TICK_S)


@contextlib.contextmanager
def _site(folder: Path) -> Iterator[Site]:
    """Start a Cassandra and a Spark; end them when the block ends."""
    endpoint = start(ClusterSpec(folder=_FOLDER, nodes=1))
    try:
        cluster = Cluster(list(endpoint.contact_points), port=endpoint.port, protocol_version=4)
        cql = cluster.connect()
        cql.default_timeout = _WAITED_S
        cql.execute(f"DROP KEYSPACE IF EXISTS {_KEYSPACE}")
        cql.execute(
            f"CREATE KEYSPACE {_KEYSPACE} WITH replication = "
            "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        )
        # All tables now: the connector does not find at once what is created while its session is open.
        for kind, number in itertools.product(("int", "text"), range(_TABLES)):
            cql.execute(f"CREATE TABLE {_KEYSPACE}.{kind}_{number} (id int PRIMARY KEY, v {kind})")
        with spark_cluster(folder) as spark:
            yield Site(endpoint, cql, spark, folder)
        cluster.shutdown()
    finally:
        stop(_FOLDER)


_TICK_S = 0.2
_SETTLED_S = 15.0
_WAITED_S = 300.0
_MOST_CHARACTERS = 160

if __name__ == "__main__":
    main()
