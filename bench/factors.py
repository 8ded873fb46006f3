"""What the server's work a row depends on: ready-made frames, with one thing changed at a time.

`python -m bench.factors` takes about 20 minutes and writes `bench/results/factors.csv`, one line per figure.
The rows are in token order in windows of 6 MiB, 49 a batch, over one connection, unless a variant says else.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.contest import Task
from bench.figures import Figure, figure, say, write_lines
from bench.results import RESULTS
from bench.roster import PROJECT
from bench.rows import ensure_file
from bench.server import FILES, Server, open_server, own_cluster, server_cpu_s
from bench.tables import TABLES
from pipeline.embedded import Endpoint

_KEYSPACE = "bench"
_ROWS = 300_000
_WINDOW = ("--window-bytes", str(6 << 20))
_MEMTABLES = {
    "memtable": {
        "configurations": {
            "skiplist": {"class_name": "SkipListMemtable"},
            "trie": {"class_name": "TrieMemtable"},
            "default": {"inherits": "skiplist"},
        }
    }
}


@dataclass(frozen=True)
class _Variant:
    """One way to send the rows of a table."""

    name: str
    options: tuple[str, ...] = _WINDOW
    table: str = "users"
    memtable: str = ""


_VARIANTS = (
    _Variant("token order in windows of 6 MiB, 49 rows a batch, one connection"),
    _Variant("order of the file", ()),
    _Variant("windows of 1 MiB", ("--window-bytes", str(1 << 20))),
    _Variant("windows of 24 MiB: all rows", ("--window-bytes", str(24 << 20))),
    _Variant("1 row a batch", (*_WINDOW, "--rows-a-batch", "1")),
    _Variant("10 rows a batch", (*_WINDOW, "--rows-a-batch", "10")),
    _Variant("100 rows a batch", (*_WINDOW, "--rows-a-batch", "100")),
    _Variant("400 rows a batch", (*_WINDOW, "--rows-a-batch", "400")),
    _Variant("2 connections, alternating batches", (*_WINDOW, "--connections", "2")),
    _Variant("2 connections, neighbouring rows", (*_WINDOW, "--connections", "2", "--neighbouring")),
    _Variant("4 connections, alternating batches", (*_WINDOW, "--connections", "4")),
    _Variant("frames compressed by LZ4", (*_WINDOW, "--lz4")),
    _Variant("trie memtable, order of the file", (), memtable="trie"),
    _Variant("trie memtable, token order", memtable="trie"),
    _Variant("10 rows a partition, order of the key", (), table="visits_10"),
    _Variant("10 rows a partition, token order", table="visits_10"),
    _Variant("1,000 rows a partition, order of the key", (), table="visits_1000"),
    _Variant("1,000 rows a partition, token order", table="visits_1000"),
)


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.factors", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="after the warm-up; default: %(default)s")
    rounds = parser.parse_args().rounds
    cpu: dict[str, list[float]] = {variant.name: [] for variant in _VARIANTS}
    speed: dict[str, list[float]] = {variant.name: [] for variant in _VARIANTS}
    order = random.Random()  # noqa: S311 - an order, nothing secret
    with (
        own_cluster(1, _MEMTABLES) as endpoint,
        open_server(
            endpoint.contact_points[0],
            endpoint.port,
            keyspace=_KEYSPACE,
            replication_factor=1,
            consistency="LOCAL_ONE",
        ) as server,
    ):
        for number in range(rounds + 1):
            for variant in order.sample(_VARIANTS, k=len(_VARIANTS)):
                rows_per_s, us_a_row = _measured(server, endpoint, variant)
                say(f"round {number}: {variant.name}: {rows_per_s:,.0f} rows/s, {us_a_row:.1f} µs a row")
                if number:
                    speed[variant.name].append(rows_per_s)
                    cpu[variant.name].append(us_a_row)
            if number:
                write_lines(RESULTS / "factors.csv", Figure, _figures(cpu, speed))
    for each in _figures(cpu, speed):
        say(each)


def _figures(cpu: dict[str, list[float]], speed: dict[str, list[float]]) -> Iterator[Figure]:
    for name, used in cpu.items():
        yield figure(f"{name}: server CPU", "µs a row", used)
        yield figure(f"{name}: speed", "rows/s", speed[name])


def _measured(server: Server, endpoint: Endpoint, variant: _Variant) -> tuple[float, float]:
    """Send the rows once; return rows/s, and the server's CPU in µs a row.

    Raises:
        RuntimeError: sending failed, or the table lacks rows.
    """
    table = TABLES[variant.table]
    task = Task(
        host=endpoint.contact_points[0],
        port=endpoint.port,
        keyspace=_KEYSPACE,
        table=table,
        file=ensure_file(FILES, table, _ROWS),
        rows=_ROWS,
        consistency="LOCAL_ONE",
    )
    server.renew(table, variant.memtable)
    cpu_s = server_cpu_s(1)
    command = [sys.executable, "-m", "bench.contenders.server_limit", *variant.options, *task.options()]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    cpu_s = server_cpu_s(1) - cpu_s
    if done.returncode:
        raise RuntimeError(f"{variant.name} exited with {done.returncode}:\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if (counted := server.count(table)) != _ROWS:
        raise RuntimeError(f"{variant.name}: {counted:,} rows in the table")
    return _ROWS / answer["elapsed_s"], cpu_s / _ROWS * 1e6


if __name__ == "__main__":
    main()
