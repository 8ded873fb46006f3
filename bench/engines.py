"""What an engine costs beside one process of this machine, and how far more workers take a slow link.

`python -m bench.engines` takes about 15 minutes and writes `engines.csv` beside the other results.
The CPU is that of processes with all their children: the driver's own, the workers', the server's.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil

from bench.figures import Figure, figure, say, write_lines
from bench.results import RESULTS
from bench.rows import ensure_file
from bench.server import FILES, Server, open_server, own_cluster, server_cpu_s
from bench.tables import TABLES
from pipeline.embedded import Endpoint
from pipeline.engines.dask import open_dask
from pipeline.engines.processes import Processes
from pipeline.engines.protocol import Engine
from pipeline.errors import WorkerError
from pipeline.load import jobs
from pipeline.load.sharing import send_rows
from pipeline.proxy.control import proxy
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.jobs import DescribeFiles, FileToRead
from pipeline.rowfiles.splits import SourceFile
from pipeline.settings import ClusterConfig, DaskConfig, KeyspaceConfig, LoadConfig
from pipeline.workers.client import run_job

_KEYSPACE = "bench"
_USERS = TABLES["users"]
_ROWS = 1_000_000
_ROUNDS = 3
_ROUND_TRIP_S = 0.05
_IN_FLIGHT_EACH = 8
_SLOW_ROWS_EACH = 100_000
_WORKERS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Sample:
    """One load: rows per second, and the CPU of a row in µs."""

    rows_per_s: float
    driver_us: float
    workers_us: float
    server_us: float


@dataclass(frozen=True)
class Dask:
    """A running Dask: the address of its scheduler, and its workers."""

    scheduler: str
    workers: Sequence[psutil.Process]


def main() -> None:
    """Measure, print and write the figures."""
    FILES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FILES) as name, own_cluster(1) as endpoint:
        figures = []
        for part in (_cost(endpoint, Path(name)), _slow_link(endpoint, Path(name))):
            for each in part:
                figures.append(each)
                say(each)
    write_lines(RESULTS / "engines.csv", Figure, figures)


def _cost(endpoint: Endpoint, folder: Path) -> Iterator[Figure]:
    """Yield what a row costs by one process and by Dask's workers, in turn, after a load that warms up."""
    load = _load(endpoint, _described(folder, _ROWS), folder)
    samples = defaultdict[str, list[Sample]](list)
    with _server(endpoint) as server, _dask(folder, 2) as dask:
        for number in range(_ROUNDS + 1):
            one = _sample(server, load, Processes(1), _own_workers)
            with open_dask(DaskConfig(scheduler=dask.scheduler)) as engine:
                other = _sample(server, load, engine, lambda: dask.workers)
            if number:
                samples["one process"].append(one)
                samples["Dask, 2 workers"].append(other)
    for name, of_name in samples.items():
        yield figure(f"{name}: {_ROWS:,} users", "rows/s", [each.rows_per_s for each in of_name])
        yield figure(f"{name}: the driver's CPU", "µs a row", [each.driver_us for each in of_name])
        yield figure(f"{name}: the workers' CPU", "µs a row", [each.workers_us for each in of_name])
        yield figure(f"{name}: the server's CPU", "µs a row", [each.server_us for each in of_name])
    pairs = zip(*samples.values(), strict=True)
    ratios = [other.workers_us / one.workers_us for one, other in pairs]
    yield figure("the workers' CPU, Dask beside one process", "times", ratios)


def _slow_link(endpoint: Endpoint, folder: Path) -> Iterator[Figure]:
    """Yield the speed of more and more workers, each with as many requests in flight over a slow link."""
    [host] = endpoint.contact_points
    speeds = defaultdict[int, list[float]](list)
    with (
        _server(endpoint) as server,
        proxy([(host, endpoint.port)], round_trip_s=_ROUND_TRIP_S) as slow,
        _dask(folder, max(_WORKERS)) as dask,
    ):
        for _ in range(_ROUNDS):
            for count in _WORKERS:
                file = _described(folder, count * _SLOW_ROWS_EACH)
                load = _load(endpoint, file, folder, port=slow.port, pool_size=count * _IN_FLIGHT_EACH)
                with open_dask(DaskConfig(scheduler=dask.scheduler)) as engine:
                    engine.worker_count = count
                    sample = _sample(server, load, engine, lambda: dask.workers)
                speeds[count].append(sample.rows_per_s)
    for count, of_count in speeds.items():
        yield figure(f"slow link, {count} workers", "rows/s", of_count)
        ratios = [many / (count * one) for many, one in zip(of_count, speeds[1], strict=True)]
        yield figure(f"slow link, {count} workers beside {count} times one", "times", ratios)


def _sample(
    server: Server, load: jobs.Load, engine: Engine, workers: Callable[[], Sequence[psutil.Process]]
) -> Sample:
    """Load into the empty table; return the speed and the CPU of what lies between begin and finish."""
    server.empty(_USERS)
    begun = run_job(jobs.BeginLoad(plan=run_job(jobs.PlanLoad(load=load)), anew=True))

    def used_s() -> tuple[float, float, float]:
        return time.process_time(), _cpu_s(workers()), server_cpu_s(1)

    before_s = used_s()
    sent = send_rows(begun, engine)
    after_s = used_s()
    finish = jobs.FinishLoad(
        plan=begun.plan, journal=begun.journal, date=date.min, source="bench", input_sha256=""
    )
    rows = run_job(finish).acknowledged
    if rows != sum(file.places for file in load.files):
        raise RuntimeError(f"{rows:,} rows were acknowledged, which are not all")
    row_us = (1e6 * (after - before) / rows for before, after in zip(before_s, after_s, strict=True))
    return Sample(rows / sent.elapsed_s, *row_us)


def _own_workers() -> list[psutil.Process]:
    """Return the worker processes of this one."""
    return [child for child in psutil.Process().children() if "pipeline.worker" in child.cmdline()]


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    """Return the user and system time of processes and of their children, also of ended ones."""
    total = 0.0
    for process in processes:
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def _load(
    endpoint: Endpoint,
    file: SourceFile,
    folder: Path,
    *,
    port: int | None = None,
    pool_size: int = LoadConfig().pool_size,
) -> jobs.Load:
    return jobs.Load(
        cluster=ClusterConfig(
            contact_points=endpoint.contact_points,
            port=port or endpoint.port,
            consistency_level="LOCAL_ONE",
        ),
        keyspace=KeyspaceConfig(name=_KEYSPACE),
        table=_USERS.name,
        files=(file,),
        config=LoadConfig(journal="cluster", pool_size=pool_size),
        checkpoints=str(folder / "checkpoints"),
        bad_rows=str(folder / "bad"),
    )


def _described(folder: Path, rows: int) -> SourceFile:
    """Return a file of so many users, generated once."""
    path = ensure_file(folder, _USERS, rows)
    [file] = run_job(DescribeFiles(files=(FileToRead(path=str(path), dialect=Dialect()),))).files
    return file


@contextlib.contextmanager
def _server(endpoint: Endpoint) -> Iterator[Server]:
    """Yield the server with an empty table of users."""
    [host] = endpoint.contact_points
    with open_server(
        host, endpoint.port, keyspace=_KEYSPACE, replication_factor=1, consistency="LOCAL_ONE"
    ) as server:
        server.create(_USERS)
        yield server


@contextlib.contextmanager
def _dask(folder: Path, workers: int) -> Iterator[Dask]:
    """Run a scheduler and so many workers of one thread."""
    said = folder / f"scheduler-{workers}.json"
    program = str(Path(sys.executable).with_name("dask"))
    with contextlib.ExitStack() as stack:

        def start(*words: str) -> subprocess.Popen[bytes]:
            command = [program, *words, "--scheduler-file", str(said), "--no-dashboard"]
            process = stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            stack.callback(process.kill)
            return process

        start("scheduler", "--host", "127.0.0.1", "--port", "0")
        started = [start("worker", "--nthreads", "1", "--no-nanny") for _ in range(workers)]
        deadline_s = time.monotonic() + _START_S
        while not said.exists() and time.monotonic() < deadline_s:
            time.sleep(0.1)
        address = json.loads(said.read_text(encoding="utf-8"))["address"]
        while _worker_count(address) < workers and time.monotonic() < deadline_s:
            time.sleep(0.1)
        yield Dask(address, [psutil.Process(process.pid) for process in started])


def _worker_count(address: str) -> int:
    try:
        with open_dask(DaskConfig(scheduler=address)) as engine:
            return engine.worker_count
    except WorkerError:
        return 0


_START_S = 60.0

if __name__ == "__main__":
    main()
