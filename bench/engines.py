"""What engines, the cluster's journal and objects cost, and how far more workers take a slow link.

`python -m bench.engines` takes about half an hour and writes `engines.csv` beside the other results. The CPU
is that of processes: the driver's; the workers', which send the rows, and which Dask's have to start for each
load; Dask's own ones, which use some whether they have jobs or not; the server's.
"""

import argparse
import contextlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil

from bench.engineload import IN_THE_CLUSTER, begin, finish
from bench.figures import Figure, figure, say, write_lines
from bench.results import RESULTS
from bench.rows import ensure_file
from bench.server import FILES, Server, open_server, own_cluster, server_cpu_s
from bench.tables import TABLES
from pipeline.embedded import Endpoint
from pipeline.engines.dask import open_dask
from pipeline.engines.processes import Processes
from pipeline.engines.protocol import Engine
from pipeline.load.sharing import send_rows
from pipeline.proxy.control import proxy
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.jobs import FileToRead
from pipeline.settings import DaskConfig, LoadConfig
from tests.harness.daskcluster import DaskCluster, dask_cluster
from tests.harness.stores import running_store

_KEYSPACE = "bench"
_USERS = TABLES["users"]
_ROUNDS = 3
_ROUND_TRIP_S = 0.05
_IN_FLIGHT_EACH = 16
_SLOW_ROWS_EACH = 400_000
_WORKERS = (1, 2, 4, 8)
_ONE = "one process"
_DASK = "Dask, 2 workers"


@dataclass(frozen=True)
class Sample:
    """One load: rows per second, of which those of sending, and the CPU of a row in µs."""

    rows_per_s: float
    sending_rows_per_s: float
    driver_us: float
    workers_us: float
    dask_us: float
    server_us: float


@dataclass(frozen=True)
class Contender:
    """How a load is carried out, where its file is, and what processes do it besides this one's workers."""

    engine: Callable[[], contextlib.AbstractContextManager[Engine]]
    file: FileToRead
    config: LoadConfig = IN_THE_CLUSTER
    port: int | None = None
    dask: DaskCluster | None = None


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="default: %(default)s")
    asked = parser.parse_args()
    FILES.mkdir(parents=True, exist_ok=True)
    figures = list[Figure]()
    with tempfile.TemporaryDirectory(dir=FILES) as name, own_cluster(1) as endpoint:
        [host] = endpoint.contact_points
        with open_server(
            host, endpoint.port, keyspace=_KEYSPACE, replication_factor=1, consistency="LOCAL_ONE"
        ) as server:
            server.create(_USERS)
            load = partial(_sample, endpoint, server, Path(name))
            for part in (_cost(load, Path(name), asked.rows), _slow_link(load, endpoint, Path(name))):
                for each in part:
                    figures.append(each)
                    say(each)
    write_lines(RESULTS / "engines.csv", Figure, figures)


def _cost(load: Callable[[Contender], Sample], folder: Path, rows: int) -> Iterator[Figure]:
    """Yield what a row costs in four ways, in turn, after a round that warms up."""
    path = ensure_file(FILES, _USERS, rows)
    file = _local(path)
    samples = defaultdict[str, list[Sample]](list)
    with running_store() as store, _dask(folder, threads=1) as dask:
        store.put("users.csv", path)
        object_ = FileToRead(path=store.uri("users.csv"), dialect=Dialect(), objects=store.config)
        contenders = {
            _ONE: Contender(_process, file),
            "one process, journal in a file": Contender(_process, file, LoadConfig()),
            "one process, from S3": Contender(_process, object_),
            _DASK: Contender(_opens(dask), file, dask=dask),
        }
        for number in range(_ROUNDS + 1):
            for name, contender in contenders.items():
                sample = load(contender)
                if number:
                    samples[name].append(sample)
    for name, of_name in samples.items():
        yield figure(f"{name}: {rows:,} users", "rows/s", [each.rows_per_s for each in of_name])
        yield figure(f"{name}: the driver's CPU", "µs a row", [each.driver_us for each in of_name])
        yield figure(f"{name}: the workers' CPU", "µs a row", [each.workers_us for each in of_name])
        if name == _DASK:
            yield figure(f"{name}: Dask's own CPU", "µs a row", [each.dask_us for each in of_name])
        yield figure(f"{name}: the server's CPU", "µs a row", [each.server_us for each in of_name])
    for name, of_name in samples.items():
        pairs = list(zip(of_name, samples[_ONE], strict=True))
        beside = f"{name}, beside one process"
        yield figure(f"{beside}: rows/s", "times", [a.rows_per_s / b.rows_per_s for a, b in pairs])
        yield figure(f"{beside}: the workers' CPU", "times", [a.workers_us / b.workers_us for a, b in pairs])
        yield figure(f"{beside}: the server's CPU", "times", [a.server_us / b.server_us for a, b in pairs])


def _slow_link(load: Callable[[Contender], Sample], endpoint: Endpoint, folder: Path) -> Iterator[Figure]:
    """Yield the speed of more and more workers, each with as many requests in flight over a slow link."""
    [host] = endpoint.contact_points
    files = {count: _local(ensure_file(FILES, _USERS, count * _SLOW_ROWS_EACH)) for count in _WORKERS}
    speeds = defaultdict[int, list[float]](list)
    limits = list[float]()
    with (
        proxy([(host, endpoint.port)], round_trip_s=_ROUND_TRIP_S) as slow,
        _dask(folder, threads=max(_WORKERS) // 2) as dask,
    ):
        for _ in range(_ROUNDS):
            limits.append(load(Contender(_process, files[max(_WORKERS)])).sending_rows_per_s)
            for count, file in files.items():
                config = replace(IN_THE_CLUSTER, pool_size=count * _IN_FLIGHT_EACH)
                sample = load(Contender(_opens(dask, count), file, config, slow.port, dask))
                speeds[count].append(sample.sending_rows_per_s)
    yield figure("no slow link, one process", "rows/s", limits)
    for count, of_count in speeds.items():
        yield figure(f"slow link, {count} workers", "rows/s", of_count)
        linear = [many / (count * one) for many, one in zip(of_count, speeds[1], strict=True)]
        yield figure(f"slow link, {count} workers beside {count} times one", "times", linear)
    most = [many / limit for many, limit in zip(speeds[max(_WORKERS)], limits, strict=True)]
    yield figure(f"slow link, {max(_WORKERS)} workers beside no slow link", "times", most)


def _sample(endpoint: Endpoint, server: Server, folder: Path, contender: Contender) -> Sample:
    """Load into the empty table; return the speed and the CPU, from the file to the marker.

    Raises:
        RuntimeError: not all rows are acknowledged.
    """
    server.empty(_USERS)
    dask = contender.dask

    def used_s() -> tuple[float, float, float, float]:
        workers = [*_own_workers(), *(dask.children() if dask else ())]
        others = dask.processes() if dask else []
        return time.process_time(), _cpu_s(workers), _cpu_s(others), server_cpu_s(1)

    with contender.engine() as engine:
        before_s, began_s = used_s(), time.perf_counter()
        begun = begin(
            *(endpoint, _KEYSPACE, _USERS.name, folder, contender.file),
            port=contender.port,
            config=contender.config,
        )
        sent = send_rows(begun, engine)
        rows = finish(begun)
        elapsed_s, after_s = time.perf_counter() - began_s, used_s()
    counted = server.count(_USERS)
    if counted != rows:
        raise RuntimeError(f"{rows:,} rows were acknowledged, and {counted:,} are there")
    row_us = (1e6 * (after - before) / rows for before, after in zip(before_s, after_s, strict=True))
    return Sample(rows / elapsed_s, rows / sent.elapsed_s, *row_us)


def _local(path: Path) -> FileToRead:
    return FileToRead(path=str(path), dialect=Dialect())


def _process() -> contextlib.AbstractContextManager[Engine]:
    return contextlib.nullcontext(Processes(1))


def _opens(dask: DaskCluster, workers: int = 2) -> Callable[[], contextlib.AbstractContextManager[Engine]]:
    """Return what connects to a Dask, for so many of its workers."""

    @contextlib.contextmanager
    def connected() -> Iterator[Engine]:
        with open_dask(DaskConfig(scheduler=dask.address)) as engine:
            engine.worker_count = workers
            yield engine

    return connected


def _own_workers() -> list[psutil.Process]:
    """Return the worker processes of this one."""
    return [child for child in psutil.Process().children() if "pipeline.worker" in child.cmdline()]


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    """Return the user and system time of processes."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


@contextlib.contextmanager
def _dask(folder: Path, threads: int) -> Iterator[DaskCluster]:
    """Run a scheduler and two workers of so many threads."""
    own = folder / f"dask-{threads}"
    own.mkdir()
    with dask_cluster(own, threads=threads) as dask:
        yield dask


if __name__ == "__main__":
    main()
