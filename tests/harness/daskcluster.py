"""A scheduler of Dask and its workers, as processes on addresses of this machine."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from tests.harness.workspace import PROJECT, runs, until

HOSTS = ("127.0.0.1", "127.0.0.2")


class DaskCluster:
    """A scheduler, and a worker with so many threads on each of the hosts."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._folder = folder
        self._threads = str(threads)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._scheduler = self._start("scheduler", "scheduler", "--host", HOSTS[0], "--port", "0")
        self.address = self._said("scheduler", r"Scheduler at: +(tcp://\S+)")

    def start_worker(
        self, host: str, *, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a worker at an address, and wait until it is known to the scheduler."""
        words = ("worker", self.address, "--host", host, "--nthreads", self._threads, "--no-nanny")
        self.workers[host] = self._start(host, *words, cwd=cwd, environment=environment)
        self._said(host, r"(Registered to)")

    def restart_scheduler(self, away_s: float) -> None:
        """Kill the scheduler, and start one at its address after so many seconds; its workers end."""
        self._scheduler.kill()
        self._scheduler.wait()
        time.sleep(away_s)
        port = self.address.rpartition(":")[2]
        self._scheduler = self._start("scheduler", "scheduler", "--host", HOSTS[0], "--port", port)
        self._said("scheduler", r"(Scheduler at)")

    def children(self) -> list[psutil.Process]:
        """Return the processes that carry out jobs of the workers, or wait for one."""
        found = [each for worker in self.workers.values() for each in psutil.Process(worker.pid).children()]
        return [each for each in found if runs(each.pid)]

    def processes(self) -> list[psutil.Process]:
        """Return the scheduler and the workers."""
        return [psutil.Process(each.pid) for each in (self._scheduler, *self.workers.values())]

    def logs(self) -> str:
        """Return all that the scheduler and the workers have said."""
        return "".join(log.read_text(encoding="utf-8") for log in self._folder.glob("*.log"))

    def end(self) -> None:
        """End all processes; those that are stopped too."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _start(
        self,
        name: str,
        *words: str,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).with_name("dask")), *words, "--no-dashboard"]
        folder = cwd or self._folder / name
        folder.mkdir(exist_ok=True)
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(PROJECT), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def _said(self, name: str, pattern: str) -> str:
        log = self._folder / f"{name}.log"
        until(lambda: re.search(pattern, log.read_text(encoding="utf-8")))
        found = re.search(pattern, log.read_text(encoding="utf-8"))
        assert found
        return found[1]


@contextlib.contextmanager
def dask_cluster(folder: Path, hosts: Sequence[str] = HOSTS, *, threads: int = 1) -> Iterator[DaskCluster]:
    """Start a scheduler and workers; end them when the block ends."""
    cluster = DaskCluster(folder, threads)
    try:
        for host in hosts:
            cluster.start_worker(host)
        yield cluster
    finally:
        cluster.end()
