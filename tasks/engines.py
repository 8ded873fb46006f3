"""The engine of a task, as its settings name it."""

import contextlib
import ipaddress
import os
from collections.abc import Iterator

import luigi

from pipeline.engines.opening import open_engine
from pipeline.engines.protocol import Engine
from pipeline.errors import SettingError
from pipeline.load.jobs import Load
from pipeline.settings import DaskConfig, SparkConfig
from tasks.settings import build


@contextlib.contextmanager
def engine_of(task: luigi.Task, load: Load) -> Iterator[Engine]:
    """Connect to the engine that carries out a load or a look at one, and leave it when the block ends.

    Raises:
        SettingError: a setting that it needs is missing, or its package is not installed.
        WorkerError: it cannot be reached, or has no workers.
    """
    if task.engine != "processes" and load.config.journal != "cluster":
        raise SettingError(
            f"engine is {task.engine!r} and journal is {load.config.journal!r}; other machines "
            "need journal = cluster in [load]"
        )
    with open_engine(
        task.engine,
        processes=_process_count(task, load),
        dask=build(DaskConfig),
        spark=build(SparkConfig),
    ) as engine:
        yield engine


def _process_count(task: luigi.Task, load: Load) -> int:
    """Return the number of loading processes.

    If `processes` is 0: one where the server is on this machine, else one for every 500,000 rows, at most
    one a core.
    """
    if task.processes:
        return int(task.processes)
    hosts = load.cluster.contact_points
    if hosts and all(map(_is_loopback, hosts)):
        return 1
    return max(
        1,
        min(
            len(os.sched_getaffinity(0)),
            sum(file.estimated_places for file in load.files) // _ROWS_A_PROCESS,
        ),
    )


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


_ROWS_A_PROCESS = 500_000
