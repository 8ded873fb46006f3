"""What the Spark Cassandra Connector and this project's engine do about faults that are caused here.

`python -m bench.connectorfaults` runs in .venv-spark and writes `connector-faults.csv` beside the other
results: a fault, who loaded, and what was seen. Both load by the same application of Spark.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil
from cassandra import ConsistencyLevel
from cassandra.policies import FallthroughRetryPolicy
from cassandra.query import SimpleStatement

from bench.faultsite import KEYSPACE, Seen, Site, once_rows_are_there, servers_of, site_of, until
from bench.figures import say, write_lines
from bench.results import RESULTS
from bench.server import FILES
from bench.sparksession import open_session, save
from pipeline.embedded import Endpoint, status
from pipeline.settings import LoadConfig

_ROWS = 5_000
_SLOW = {"spark.cassandra.output.throughputMBPerSec": "0.02"}
_STOPPED_S = 40.0
_SHORT_TIMEOUT = {"spark.cassandra.read.timeoutMS": "5000"}


def main() -> None:
    """Cause each fault, print and write what was seen."""
    FILES.mkdir(parents=True, exist_ok=True)
    seen = []
    with tempfile.TemporaryDirectory(dir=FILES) as name:
        for each in _every(Path(name)):
            say(each)
            seen.append(each)
            write_lines(RESULTS / "connector-faults.csv", Seen, seen)


def _every(folder: Path) -> Iterator[Seen]:
    (folder / "one").mkdir()
    with site_of(folder / "one") as site:
        yield from _in_one_session(site)
        yield from _killed_driver(site)
    (folder / "two").mkdir()
    with site_of(folder / "two", nodes=2) as site:
        yield from _write_timeouts(site)


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

    with once_rows_are_there(site, table, kill):
        ended = site.by_connector(file, table, "id INT, v STRING", options=_SLOW)
    yield Seen(fault="an executor is killed", contender="connector", seen=f"{ended}; {_present(site, table)}")


def _stopped_server(site: Site) -> Iterator[Seen]:
    """The server stops for a while, with the connector's own timeout and with a shorter one."""
    [server] = [psutil.Process(node.pid) for node in status(servers_of(1)).nodes if node.pid]

    def pause() -> None:
        server.suspend()
        time.sleep(_STOPPED_S)
        server.resume()

    for what, options in (("", _SLOW), (", read.timeoutMS=5000", {**_SLOW, **_SHORT_TIMEOUT})):
        file, table = site.write(_plain()), site.table("text")
        with once_rows_are_there(site, table, pause):
            ended = site.by_connector(file, table, "id INT, v STRING", options=options)
        fault = f"the server does not answer for {_STOPPED_S:.0f} s"
        yield Seen(fault=fault, contender=f"connector{what}", seen=f"{ended}; {_present(site, table)}")


def _write_timeouts(site: Site) -> Iterator[Seen]:
    """One of two replicas stops for a while; loads want both, so the other one answers with a timeout."""
    _, replica = [psutil.Process(node.pid) for node in status(servers_of(2)).nodes if node.pid]
    everywhere = {"spark.cassandra.output.consistency.level": "ALL"}
    paced = LoadConfig(journal="cluster", rows_per_s=_PACED_ROWS_PER_S)
    loaders: Mapping[str, Callable[[Path, str], str]] = {
        "connector": partial(site.by_connector, schema="id INT, v STRING", options={**_SLOW, **everywhere}),
        "ours": partial(site.by_ours, consistency_level="ALL", config=paced),
    }
    with open_session(site.cluster.master, site.endpoint) as site.spark:
        for contender, by in loaders.items():
            file, table = site.write(_plain()), site.table("text")
            told: list[str] = []

            def pause(table: str = table, told: list[str] = told) -> None:
                replica.suspend()
                began_s = time.monotonic()
                told.append(_answer_to_a_write(site, table))
                time.sleep(max(0.0, _TIMING_OUT_S - (time.monotonic() - began_s)))
                replica.resume()

            with once_rows_are_there(site, table, pause):
                ended = by(file, table)
            fault = f"one of two replicas stops for {_TIMING_OUT_S:.0f} s, a write to both gets: {told}"
            yield Seen(fault=fault, contender=contender, seen=f"{ended}; {_present(site, table)}")


def _answer_to_a_write(site: Site, table: str) -> str:
    """Return what the driver says of a write that wants all replicas and is not tried again."""
    write = SimpleStatement(
        f"INSERT INTO {KEYSPACE}.{table} (id, v) VALUES (0, 'value 0')",  # noqa: S608 - our own names
        consistency_level=ConsistencyLevel.ALL,
        retry_policy=FallthroughRetryPolicy(),
    )
    [coordinator, *_] = site.endpoint.contact_points
    host = site.cql.cluster.metadata.get_host(coordinator, site.endpoint.port)
    try:
        site.cql.execute(write, host=host)
    except Exception as error:  # noqa: BLE001 - what it is, is what is looked for
        return type(error).__name__
    return "an answer"


def _killed_driver(site: Site) -> Iterator[Seen]:
    """The driver is killed while it writes; the same load is run again."""
    file, table = site.write(_plain()), site.table("text")
    driver = multiprocessing.get_context("spawn").Process(
        target=_drive, args=(site.cluster.master, site.endpoint, file, table)
    )
    driver.start()
    until(lambda: site.rows("id", table))
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
        save(session, "id INT, v STRING", KEYSPACE, table, file, options=_SLOW)


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


if __name__ == "__main__":
    main()

_SETTLED_S = 15.0
_PACED_ROWS_PER_S = 500
_TIMING_OUT_S = 8.0
"""Shorter than the server takes to see that a node is down, and longer than its write timeout of 2 s."""

if __name__ == "__main__":
    main()
