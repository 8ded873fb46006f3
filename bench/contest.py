"""Code that the contenders share: the command line, reading the file, the measurements, the line of JSON."""

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
    """The file to load and its destination; `rows` is the number of rows from the beginning of the file."""

    host: str
    port: int
    keyspace: str
    table: BenchTable
    file: Path
    rows: int
    consistency: str

    @property
    def insert(self) -> str:
        """The INSERT of one row, with a bind marker for each value."""
        names = ", ".join(self.table.columns)
        marks = ", ".join("?" * len(self.table.columns))
        return f"INSERT INTO {self.keyspace}.{self.table.name} ({names}) VALUES ({marks})"  # noqa: S608 - our own names

    def read(self) -> Iterator[list[str]]:
        """Yield the rows of the file as lists of text.

        Raises:
            ValueError: the header is not the table's columns in their order.
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
    """The measurements of a contender.

    `elapsed_s` is the time from the first read of the file to the last acknowledgement, `startup_s` the time
    before (interpreter, imports, Java, connecting), `process_s` the time of the whole process.
    `client_cpu_s` is the user and system time of the whole process and its children, `load_cpu_s` its part
    within `elapsed_s`, None if that is unknown. `max_rss_bytes` is the maximum over the processes.
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
    """Measures a load in this process: load within `with Stopwatch() as watch`, then call `outcome`."""

    def __enter__(self) -> Self:
        self.startup_s = _process_age_s()
        self._cpu_s = _cpu_s()
        self._started_s = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.elapsed_s = time.perf_counter() - self._started_s
        self.load_cpu_s = _cpu_s() - self._cpu_s

    def outcome(self, contender: str, *, version: str, rows: int) -> LoadOutcome:
        """Return the measurements of this process, which has loaded `rows` rows."""
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
    """Return a parser of the arguments that all contenders have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=9042, help="default: %(default)s")
    parser.add_argument("--keyspace", required=True)
    parser.add_argument("--table", choices=TABLES, required=True)
    parser.add_argument("--file", type=Path, required=True, help="a CSV file with a header")
    parser.add_argument("--rows", type=int, required=True, help="number of rows, from the first")
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
    """Run another program to its end and return its measurements, without those of this process.

    Its load begins with the first line of output that contains `first`, and ends with the last line that
    contains `last`. `rows_of_line` returns the number of loaded rows that a line states, else None.

    Raises:
        RuntimeError: the output lacks one of the lines, or the number of rows.
    """
    # Orphans of the program become children of this process, which then counts their CPU time.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    started_s = time.perf_counter()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    first_s, last_s, rows, tail = None, None, None, list[str]()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in child.stdout or ():
            tail = [*tail[1 - _TAIL_LINES :], line]
            if first_s is None and first in line:
                first_s = time.perf_counter()
            if last in line:
                last_s = time.perf_counter()
            rows = rows_of_line(line) or rows
    process_s = time.perf_counter() - started_s
    with suppress(ChildProcessError):
        while True:
            os.wait()
    # The exit status is not checked: cqlsh exits with 2 if rows timed out, also if it wrote them later.
    if first_s is None or last_s is None or rows is None:
        raise RuntimeError(f"{contender} exited with {child.returncode}; its last output:\n{''.join(tail)}")
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
    # proc(5): field 22 is the start in clock ticks since boot; field 2, in brackets, can hold any text.
    fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s


def _peak_rss_bytes() -> int:
    # Not ru_maxrss: a child process starts with the value of its parent.
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
