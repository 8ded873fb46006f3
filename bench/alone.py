"""The cost of this project alone: generation, the memory of a load, the time of the whole task chain.

`python -m bench.alone` takes about 8 minutes and writes `bench/results/alone.csv`, one line per figure.
"""

import csv
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from faker import Faker

from bench.contest import Task
from bench.figures import Figure, figure, say, write_lines
from bench.results import RESULTS
from bench.roster import OURS, PROJECT, ROSTER
from bench.server import FILES, open_server, own_cluster
from bench.tables import TABLES
from pipeline.datasets.dataset import find_dataset
from pipeline.datasets.generate import write_part
from pipeline.datasets.jobs import GenerateFile
from pipeline.embedded import Endpoint

_KEYSPACE = "bench"
_ROUNDS = 5
_GENERATED_ROWS = 1_000_000
_LOOP_ROWS = 20_000
_LOADED_ROWS = (1_000_000, 10_000_000)
_CHAIN_ROWS = 1000
_DAY = date(2024, 3, 1)


def main() -> None:
    """Measure, print and write the figures."""
    logging.basicConfig(level=logging.WARNING)
    figures = []
    with tempfile.TemporaryDirectory(dir=_made(FILES)) as name:
        for part in (_generation(Path(name)), _of_the_server(Path(name))):
            for each in part:
                figures.append(each)
                say(each)
    write_lines(RESULTS / "alone.csv", Figure, figures)


def _generation(folder: Path) -> Iterator[Figure]:
    bulk, loop, ratios = [], [], []
    for _ in range(_ROUNDS):
        bulk.append(_GENERATED_ROWS / _generate(folder / "bulk.csv", _GENERATED_ROWS))
        loop.append(_LOOP_ROWS / _generate_row_by_row(folder / "loop.csv"))
        ratios.append(bulk[-1] / loop[-1])
    yield figure(f"generate {_GENERATED_ROWS:,} users to CSV, one process", "rows/s", bulk)
    yield figure(f"Faker row by row, {_LOOP_ROWS:,} users to CSV", "rows/s", loop)
    yield figure("generation beside the loop", "times as fast", ratios)


def _of_the_server(folder: Path) -> Iterator[Figure]:
    with own_cluster(1) as endpoint:
        yield from _memory(endpoint, folder)
        yield from _chain(endpoint, folder)


def _memory(endpoint: Endpoint, folder: Path) -> Iterator[Figure]:
    """Yield the memory and speed of loads of 1 and 10 million rows, after a load that warms up the server."""
    [host] = endpoint.contact_points
    with open_server(
        host, endpoint.port, keyspace=_KEYSPACE, replication_factor=1, consistency="LOCAL_ONE"
    ) as server:
        users = TABLES["users"]
        server.create(users)
        for number, rows in enumerate((_LOADED_ROWS[0], *_LOADED_ROWS)):
            file = folder / f"users-{rows}.csv"
            if not file.exists():
                _generate(file, rows)
            task = Task(
                host=host,
                port=endpoint.port,
                keyspace=_KEYSPACE,
                table=users,
                file=file,
                rows=rows,
                consistency="LOCAL_ONE",
            )
            server.empty(users)
            answer = json.loads(ROSTER[OURS].run(task.options()))
            if (counted := server.count(users)) != rows:
                raise RuntimeError(f"{counted:,} rows in the table, {rows:,} in {file}")
            if number:
                yield figure(
                    f"load {rows:,} users, largest resident memory", "MiB", [answer["max_rss_bytes"] / 2**20]
                )
                yield figure(f"load {rows:,} users", "rows/s", [rows / answer["elapsed_s"]])


def _chain(endpoint: Endpoint, folder: Path) -> Iterator[Figure]:
    """Yield the time of the whole command (set up, generate, load, verify); each run has its own date."""
    config = (PROJECT / "luigi.cfg").read_text(encoding="utf-8")
    config = config.replace("contact_points =", f"contact_points = {endpoint.contact_points[0]}")
    config = config.replace("port = 9042", f"port = {endpoint.port}")
    (folder / "luigi.cfg").write_text(config, encoding="utf-8")
    luigi = str(Path(sys.executable).with_name("luigi"))
    elapsed_s = []
    for number in range(_ROUNDS + 1):
        day = f"{_DAY + timedelta(days=number)}"
        started_s = time.perf_counter()
        subprocess.run(
            [luigi, "--module", "tasks", "VerifyUsers", "--date", day, "--rows", str(_CHAIN_ROWS)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            check=True,
            capture_output=True,
        )
        elapsed_s.append(time.perf_counter() - started_s)
    yield figure(f"luigi VerifyUsers --rows {_CHAIN_ROWS:,}, the whole command", "s", elapsed_s[1:])


def _generate(file: Path, rows: int) -> float:
    """Write users to `file` in this process; return the time in seconds."""
    started_s = time.perf_counter()
    write_part(
        find_dataset("pipeline.datasets.users"),
        GenerateFile(
            dataset="pipeline.datasets.users",
            date=_DAY,
            rows=rows,
            seed=42,
            locale="en_US",
            file_format="csv",
            file=str(file),
        ),
        lambda *_: None,
    )
    return time.perf_counter() - started_s


def _generate_row_by_row(file: Path) -> float:
    fake = Faker("en_US", use_weighting=True)
    fake.seed_instance(42)
    started_s = time.perf_counter()
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        for _ in range(_LOOP_ROWS):
            writer.writerow((fake.uuid4(), fake.first_name(), fake.last_name()))
    return time.perf_counter() - started_s


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
