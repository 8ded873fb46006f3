"""What the contenders share: the command line, the file's rows, the measuring, the line of JSON."""

import argparse
import csv
import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from bench.tables import TABLES, BenchTable

CONSISTENCY_LEVELS = ("ONE", "LOCAL_ONE", "QUORUM", "LOCAL_QUORUM", "ALL")
_PR_SET_CHILD_SUBREAPER = 36
_TAIL_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be loaded, and where to; `rows` is how many of the file."""

    host: str
    port: int
    keyspace: str
    table: BenchTable
    file: Path
    rows: int
    consistency: str

    @property
    def insert(self) -> str:
        """The INSERT of one row, its values as question marks."""
        names = ", ".join(self.table.columns)
        marks = ", ".join("?" * len(self.table.columns))
        return f"INSERT INTO {self.keyspace}.{self.table.name} ({names}) VALUES ({marks})"  # noqa: S608 - our own names

    def read(self) -> Iterator[list[str]]:
        """Yield the rows of the file as the csv module gives them.

        Raises:
            ValueError: the file has not the columns of the table, in their order.
        """
        with self.file.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            if header != list(self.table.columns):
                raise ValueError(f"{self.file}: its header is {header}; write it with python -m bench.run")
            yield from islice(reader, self.rows)

    def options(self) -> list[str]:
        """Return the command line that `task_of` reads this task from."""
        options = {
            "--host": self.host,
            "--port": str(self.port),
            "--keyspace": self.keyspace,
            "--table": self.table.name,
            "--file": str(self.file),
            "--rows": str(self.rows),
            "--consistency": self.consistency,
        }
        return [text for option in options.items() for text in option]


@dataclass(frozen=True, kw_only=True)
class LoadOutcome:
    """What a contender answers.

    `elapsed_s` is from the first look at the file to the last row acknowledged, `startup_s` what went before
    (interpreter, imports, Java, connecting), `process_s` the whole process. `client_cpu_s` is user and system
    time of the whole process and its children, `load_cpu_s` what of it fell into `elapsed_s` where that can
    be told. `max_rss_bytes` is that of the largest of the processes.
    """

    contender: str
    version: str
    rows: int
    elapsed_s: float
    startup_s: float
    process_s: float
    client_cpu_s: float
    load_cpu_s: float | None
    max_rss_bytes: int

    def print(self) -> None:
        """Write it to standard output, one line of JSON."""
        sys.stdout.write(json.dumps(vars(self)) + "\n")


class Stopwatch:
    """Times the load of a contender that is this process: `with Stopwatch() as watch`, then `outcome`."""

    def __enter__(self) -> Self:
        self.startup_s = _process_age_s()
        self._cpu_s = _cpu_s()
        self._started_s = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.elapsed_s = time.perf_counter() - self._started_s
        self.load_cpu_s = _cpu_s() - self._cpu_s

    def outcome(self, contender: str, *, version: str, rows: int) -> LoadOutcome:
        """Return the measurements of this process so far, `rows` of them loaded."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return LoadOutcome(
            contender=contender,
            version=version,
            rows=rows,
            elapsed_s=self.elapsed_s,
            startup_s=self.startup_s,
            process_s=_process_age_s(),
            client_cpu_s=_cpu_s(),
            load_cpu_s=self.load_cpu_s,
            max_rss_bytes=max(_peak_rss_bytes(), children.ru_maxrss * 1024),
        )


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser of what every contender is told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=9042, help="default: %(default)s")
    parser.add_argument("--keyspace", required=True)
    parser.add_argument("--table", choices=TABLES, required=True)
    parser.add_argument("--file", type=Path, required=True, help="a CSV file with a header")
    parser.add_argument("--rows", type=int, required=True, help="the first so many")
    parser.add_argument(
        "--consistency", choices=CONSISTENCY_LEVELS, default="LOCAL_ONE", help="default: %(default)s"
    )
    return parser


def task_of(found: argparse.Namespace) -> Task:
    """Return the task that the parsed command line names."""
    return Task(
        host=found.host,
        port=found.port,
        keyspace=found.keyspace,
        table=TABLES[found.table],
        file=found.file.resolve(),
        rows=found.rows,
        consistency=found.consistency,
    )


def run_tool(
    contender: str,
    command: Sequence[str],
    *,
    version: str,
    rows_of_line: Callable[[str], int | None],
    first: str,
    last: str,
    folder: Path,
) -> LoadOutcome:
    """Run another program to its end and return its measurements, without this process's own.

    Its load begins with the line that has `first` in it and ends with the line that has `last`.

    Raises:
        RuntimeError: it fails, or one of the lines is not there.
    """
    # Orphans of the program come to this process, which can then count their time.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    started_s = time.perf_counter()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    first_s, last_s, rows, said = None, None, None, list[str]()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in child.stdout or ():
            said = [*said[1 - _TAIL_LINES :], line]
            if first_s is None and first in line:
                first_s = time.perf_counter()
            if last in line:
                last_s = time.perf_counter()
            rows = rows_of_line(line) or rows
    process_s = time.perf_counter() - started_s
    with suppress(ChildProcessError):
        while True:
            os.wait()
    # Not by its status alone: cqlsh's is 2 where rows timed out, though it wrote them in the end.
    if first_s is None or last_s is None or rows is None:
        raise RuntimeError(f"{contender} ended with {child.returncode}; its last words:\n{''.join(said)}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return LoadOutcome(
        contender=contender,
        version=version,
        rows=rows,
        elapsed_s=last_s - first_s,
        startup_s=first_s - started_s,
        process_s=process_s,
        client_cpu_s=used.ru_utime + used.ru_stime,
        load_cpu_s=None,
        max_rss_bytes=used.ru_maxrss * 1024,
    )


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _process_age_s() -> float:
    # proc(5): field 22 is the start in clock ticks since boot; field 2, in brackets, may hold anything.
    fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s


def _peak_rss_bytes() -> int:
    # Not ru_maxrss: that of a process begins with what its parent had when it was started.
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
