"""The timing report: its numbers follow their definitions, and the users' table stays unchanged."""

import csv
import json
import os
import platform
import statistics
import struct
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.measure.article.timing import LatencyTimings, Timer
from tests.harness.workspace import Workspace

COLUMNS = [
    "latency_s",
    "sync_s",
    "async_s",
    "speedup",
    "rows",
    "pool_size",
    "floor_s",
    "efficiency",
    "sync_rows_per_s",
    "async_rows_per_s",
    "sync_n",
    "sync_min_s",
    "sync_max_s",
    "async_n",
    "async_min_s",
    "async_max_s",
]


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, cql: Session
) -> Iterator[tuple[Workspace, list[dict[str, Any]]]]:
    """A workspace with a report, and the table's rows and write times before the report."""
    workspace = Workspace(tmp_path_factory.mktemp("measured"), "t_report", endpoint)
    workspace.configure(timing={"latencies_s": "0, 0.001, 0.002", "sync_repeats": 3, "async_repeats": 4})
    loaded = workspace.luigi("LoadUsers")
    assert loaded.returncode == 0, loaded.stdout
    rows = contents(workspace, cql)
    done = workspace.luigi("TimingReport", "--pool-size", "5")
    assert done.returncode == 0, done.stdout
    yield workspace, rows
    cql.execute(f"DROP KEYSPACE {workspace.keyspace}")


def contents(workspace: Workspace, cql: Session) -> list[dict[str, Any]]:
    """Return the users' rows with the time of each write, sorted."""
    query = f"SELECT user_id, first_name, last_name, writetime(last_name) FROM {workspace.keyspace}.user"
    return sorted(cql.execute(query), key=lambda row: str(row["user_id"]))


def folder_of(workspace: Workspace) -> Path:
    """Return the day's report."""
    [folder] = workspace.folder.glob("output/reports/*")
    return folder


def run_of(workspace: Workspace) -> dict[str, Any]:
    """Return the day's run.json."""
    run: dict[str, Any] = json.loads((folder_of(workspace) / "run.json").read_text(encoding="utf-8"))
    return run


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the contents of the report's files."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_every_number_follows_its_definition(measured: tuple[Workspace, object]) -> None:
    """timings.csv has the documented columns, and each number follows from the repeats in run.json."""
    workspace, _ = measured
    repeats = run_of(workspace)["repeats"]
    with (folder_of(workspace) / "timings.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == COLUMNS
    assert len(lines) == len(repeats) == 3
    for line, cell, latency_s, sync_n in zip(lines, repeats, (0, 0.001, 0.002), (3, 1, 1), strict=True):
        syncs, asyncs = cell["sync_repeats_s"], cell["async_repeats_s"]
        sync_s, async_s = statistics.median(syncs), statistics.median(asyncs)
        floor_s = 20 * latency_s / 5
        assert (len(syncs), len(asyncs)) == (sync_n, 4)
        assert [float(text) for text in line] == pytest.approx(
            [
                latency_s,
                sync_s,
                async_s,
                sync_s / async_s,
                20,
                5,
                floor_s,
                floor_s / async_s,
                20 / sync_s,
                20 / async_s,
                sync_n,
                min(syncs),
                max(syncs),
                4,
                min(asyncs),
                max(asyncs),
            ],
            rel=1e-5,
        )


def test_the_injected_latency_is_slept(measured: tuple[Workspace, object]) -> None:
    """No repeat is faster than its latency allows: rows x latency in a loop, the floor in a pool."""
    workspace, _ = measured
    for cell in run_of(workspace)["repeats"]:
        assert min(cell["sync_repeats_s"]) > 20 * cell["latency_s"]
        assert min(cell["async_repeats_s"]) > 20 * cell["latency_s"] / 5


def test_the_plot_is_a_picture(measured: tuple[Workspace, object]) -> None:
    """timings.png is a PNG of 1200 x 750 pixels with something drawn on it."""
    workspace, _ = measured
    image = (folder_of(workspace) / "timings.png").read_bytes()
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", image[16:24]) == (1200, 750)
    assert image[-8:-4] == b"IEND"
    assert len(image) > 20_000


def test_run_json_says_what_was_measured_on_what(measured: tuple[Workspace, object], cql: Session) -> None:
    """run.json holds the settings, the seed, versions, machine, cluster and commit."""
    workspace, _ = measured
    run = run_of(workspace)
    settings = {name: run["settings"][name] for name in ("rows", "seed", "pool_size", "latencies_s")}
    assert settings == {"rows": "20", "seed": "42", "pool_size": "5", "latencies_s": "0,0.001,0.002"}
    for package in ("cassandra-driver", "gevent", "luigi", "Faker"):
        assert run["versions"][package] == version(package)
    assert run["python"] == platform.python_version()
    assert run["cores"] == os.cpu_count()
    assert run["cpu"]
    assert run["memory_bytes"] > 0
    assert "commit" in run
    server = cql.execute("SELECT release_version, partitioner FROM system.local").one()
    assert run["cluster"]["cassandra"] == [server["release_version"]]
    assert server["partitioner"].endswith(run["cluster"]["partitioner"])
    assert run["cluster"]["nodes"] == 1
    assert run["cluster"]["protocol_version"] == 4
    assert run["single_row_sync_s"] > 0
    assert run["single_row_async_s"] > 0


def test_the_users_table_is_untouched(measured: tuple[Workspace, list[dict[str, Any]]], cql: Session) -> None:
    """A report leaves the users' rows unchanged, and no scratch table behind."""
    workspace, before = measured
    assert len(before) == 20
    assert contents(workspace, cql) == before
    query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
    tables = {row["table_name"] for row in cql.execute(query, (workspace.keyspace,))}
    assert tables == {"user", "load_marker", "load_ledger"}


def test_a_report_is_never_overwritten(measured: tuple[Workspace, object]) -> None:
    """The same settings show the day's report; others are refused; --run-id writes another report."""
    workspace, _ = measured
    folder = folder_of(workspace)
    before = files_of(folder)
    again = workspace.luigi("TimingReport", "--pool-size", "5")
    assert again.returncode == 0, again.stdout
    assert "Did not run any tasks" in again.stdout
    assert "timings.csv" in again.stdout
    refused = workspace.luigi("TimingReport", "--pool-size", "7")
    assert refused.returncode == 35, refused.stdout
    assert "holds a report with other settings (pool_size); name a --run-id" in refused.stdout
    beside = workspace.luigi("TimingReport", "--pool-size", "7", "--latencies-s", "0", "--run-id", "second")
    assert beside.returncode == 0, beside.stdout
    assert files_of(folder) == before
    assert set(files_of(folder / "second")) == {"run.json", "timings.png", "timings.csv"}


def test_a_cell_derives_its_numbers_from_its_repeats() -> None:
    """Medians, Little's law, speed-up and efficiency agree with numbers calculated by hand."""
    cell = LatencyTimings(
        latency_s=0.1, rows=1000, pool_size=50, sync_repeats_s=(9, 120, 100), async_repeats_s=(2, 3, 5, 8)
    )
    assert (cell.sync_s, cell.async_s) == (100, 4)
    assert cell.floor_s == pytest.approx(2)
    assert cell.speedup == pytest.approx(25)
    assert cell.efficiency == pytest.approx(0.5)


def test_a_timer_measures_its_block_even_one_that_fails() -> None:
    """A timer measures the seconds of its block, also if the block raises an exception."""
    with Timer() as outer, pytest.raises(KeyError), Timer() as inner:
        raise KeyError
    assert 0 < inner.elapsed_s < outer.elapsed_s
