"""The engine of a task, as its settings name it."""

import contextlib
import ipaddress
import os

import luigi

from pipeline.engines.processes import Processes
from pipeline.engines.protocol import Engine
from pipeline.load.jobs import Load


def engine_of(task: luigi.Task, load: Load) -> Engine:
    """Return the engine that carries out a load."""
    return Processes(_process_count(task, load))


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
