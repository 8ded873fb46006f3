"""The engine of one machine: worker processes that end with this one."""

from collections.abc import Sequence
from typing import TypeVar

from pipeline.engines.protocol import Attempts, Engine
from pipeline.workers.client import run_jobs
from pipeline.workers.jobs import Job, Progress

R = TypeVar("R")


class Processes(Engine):
    """Worker processes of this machine.

    They need no deadline: a process that ends without a result is seen at once, and fails the load.
    """

    name = "processes"
    is_elsewhere = False

    def __init__(self, worker_count: int) -> None:
        self.worker_count = worker_count

    def carry_out(self, jobs: Sequence[Job[R]], attempts: Attempts, progress: Progress | None) -> list[R]:
        """Carry out jobs, each in a process, and return their results in order."""
        del attempts
        return run_jobs(jobs, progress, at_once=self.worker_count)
