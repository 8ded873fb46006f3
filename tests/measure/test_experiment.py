import csv
import re
from pathlib import Path

import pytest

from pipeline.measure.reporting.measurements import read_measurements
from tests.harness.workspace import Workspace

ROWS = ("--rows", "20")


def measurements(report: Path) -> list[dict[str, str]]:
    """Return the lines of a report's measurements.csv."""
    with (report / "measurements.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_contender_writes_every_row(workspace: Workspace) -> None:
    """Each contender, in a process of its own, writes all rows and reports its reactor.

    The measurement itself checks that the table then holds exactly the file's rows. Pool sizes are swept
    if the latency is the network's, and the page names the best one.
    """
    workspace.configure(experiment={"pool_sizes": "1, 4"})
    done = workspace.luigi(
        "ContenderReport",
        *ROWS,
        "--latencies-s",
        "0.001",
        "--time-budget",
        "10 minutes",
        "--precision",
        "100",
    )
    assert done.returncode == 0, done.stdout
    [page] = workspace.folder.glob("output/reports/*/contenders/report.html")
    lines = measurements(page.parent)
    reactors = {(line["contender"], line["reactor"], line["patched"]) for line in lines}
    assert {line["rows"] for line in lines} == {"20"}
    assert ("create, Pool", "BusyPollingConnection", "true") in reactors
    assert ("create, loop, unpatched", "LibevConnection", "false") in reactors
    assert ("asyncio", "AsyncioConnection", "false") in reactors
    kinds = {(line["contender"], line["latency_kind"]) for line in lines}
    assert {("create, loop", "sleep"), ("create, loop", "network"), ("batch", "network")} <= kinds
    assert len(kinds) == 15
    sizes = {
        (line["latency_kind"], line["in_flight"]) for line in lines if line["contender"] == "create, Pool"
    }
    assert sizes == {("sleep", "100"), ("network", "100"), ("network", "1"), ("network", "4")}
    assert "To write with <code>create</code> at a latency of 0.001 s" in page.read_text(encoding="utf-8")


def test_recommendations_are_found_and_taken(workspace: Workspace) -> None:
    """A sweep writes recommendations that `--pool-size auto` uses; without any, auto is refused by name."""
    load = ("LoadUsers", *ROWS, "--method", "prepared", "--pool-size", "auto")
    refused = workspace.luigi(*load)
    assert refused.returncode == 30
    assert "cannot read output/pool_size.toml" in refused.stdout
    workspace.configure(experiment={"pool_sizes": "1, 4"})
    sweep = ("RecommendPoolSize", *ROWS, "--latencies-s", "0.001", "--precision", "100")
    done = workspace.luigi(*sweep, "--time-budget", "10 minutes")
    assert done.returncode == 0, done.stdout
    taken = workspace.luigi(*load, "--reload")
    assert taken.returncode == 0, taken.stdout
    assert re.search(
        r"pool size [14] by output/pool_size\.toml: a round trip to the cluster takes", taken.stdout
    )


def test_budget_for_less_than_a_round_is_refused(workspace: Workspace) -> None:
    """If the budget is too short for a round, the run ends at once and says how long a round takes."""
    done = workspace.luigi("RecommendPoolSize", *ROWS, "--latencies-s", "0.001", "--time-budget", "3 seconds")
    assert done.returncode == 30
    assert re.search(r"time_budget_s is 3; one round of 14 cells takes about \d+ s", done.stdout)
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("times_as_long", "code"), [(1.0, 0), (1.5, 30), (0.5, 0)])
def test_a_slower_report_fails(workspace: Workspace, times_as_long: float, code: int) -> None:
    """CompareReports fails only if the new report is slower."""
    header = (
        "contender,latency_kind,latency_s,in_flight,repeat,reactor,patched,rows,requests,elapsed_s,rows_per_s,"
        "p50_s,p99_s,p999_s,client_cpu_us_per_row,server_cpu_us_per_row,began_at"
    )
    for folder, factor in (("base", 1.0), ("new", times_as_long)):
        lines = [
            f'"create, Pool",sleep,0.01,100,{repeat},R,true,1000,1000,{elapsed_s * factor},1,1,1,1,100,,'
            f"2026-11-01T00:00:0{repeat}.000000Z"
            for repeat, elapsed_s in enumerate((0.30, 0.31, 0.29, 0.30, 0.305), start=1)
        ]
        (workspace.folder / folder).mkdir()
        file = workspace.folder / folder / "measurements.csv"
        file.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
        assert len(read_measurements(file)) == 5
    done = workspace.luigi("CompareReports", "--base", "base", "--new", "new")
    assert done.returncode == code, done.stdout
    assert ("new is slower than base in 1 of 1 cells, 1.50 times as slow" in done.stdout) == bool(code)
