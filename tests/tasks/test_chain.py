"""The task chain as users run it: the real `luigi` command, the real server, the real files."""

import datetime as dt
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from cassandra.cluster import Session

from tests.harness.users import read_csv, stored, succeed, summary, users, write_csv
from tests.harness.workspace import Workspace, until


def test_bare_command_loads_the_generated_rows(workspace: Workspace, cql: Session) -> None:
    """`luigi --module tasks LoadUsers`, without other arguments, loads every generated row into the table."""
    done = workspace.luigi("LoadUsers")
    assert done.returncode == 0, done.stdout
    [file] = workspace.folder.glob("output/rows/users/*/*.csv")
    lines = file.read_text(encoding="utf-8").splitlines()
    stored = {
        f"{row['user_id']},{row['first_name']},{row['last_name']}"
        for row in cql.execute(f"SELECT * FROM {workspace.keyspace}.user")
    }
    assert len(lines) == 21
    assert stored == set(lines[1:])


def test_range_backfills_the_days_that_are_absent(shared: Workspace, cql: Session) -> None:
    """RangeDaily loads every day from `--start` up to `--stop`; a second run finds nothing to do."""
    today = dt.date.today()  # noqa: DTZ011 - RangeDaily reckons in the machine's days
    days = [today - dt.timedelta(days=back) for back in (3, 2, 1)]
    backfill = ("RangeDaily", "--of", "LoadUsers", "--start", f"{days[0]}", "--stop", f"{today}")
    assert "3 LoadUsers" in summary(succeed(shared, *backfill))
    files = [shared.folder / f"output/rows/users/{day}/20-rows_seed-42_en_US.csv" for day in days]
    assert len(stored(shared, cql)) == 60
    assert stored(shared, cql) == read_csv(*files)
    assert "Did not run any tasks" in succeed(shared, *backfill)


def test_date_and_seed_determine_the_rows(shared: Workspace) -> None:
    """The same date and seed give the same file, byte for byte; another date or seed gives other rows."""
    folder = shared.folder / "output/rows/users"
    succeed(shared, "GenerateUsers", "--date", "2020-02-29", "--seed", "1")
    first = (folder / "2020-02-29/20-rows_seed-1_en_US.csv").rename(shared.folder / "first.csv")
    succeed(shared, "GenerateUsers", "--date", "2020-02-29", "--seed", "1")
    succeed(shared, "GenerateUsers", "--date", "2020-02-29", "--seed", "2")
    succeed(shared, "GenerateUsers", "--date", "2020-03-01", "--seed", "1")
    assert (folder / "2020-02-29/20-rows_seed-1_en_US.csv").read_bytes() == first.read_bytes()
    rows = set(read_csv(first))
    assert len(rows) == 20
    for other in ("2020-02-29/20-rows_seed-2_en_US.csv", "2020-03-01/20-rows_seed-1_en_US.csv"):
        assert rows.isdisjoint(read_csv(folder / other))


def test_parquet_loads_the_rows_of_csv(shared: Workspace, cql: Session) -> None:
    """`--file-format parquet` writes and loads the rows that CSV does."""
    succeed(shared, "GenerateUsers", "--seed", "3")
    [file] = shared.folder.glob("output/rows/users/*/20-rows_seed-3_en_US.csv")
    succeed(shared, "LoadUsers", "--seed", "3", "--file-format", "parquet")
    assert file.with_suffix(".parquet").read_bytes()[:4] == b"PAR1"
    assert stored(shared, cql) == read_csv(file)


def test_two_luigi_workers_run_the_chain(shared: Workspace, cql: Session) -> None:
    """`--workers 2`, for which Luigi forks, runs the whole chain."""
    done = succeed(shared, "VerifyUsers", "--seed", "4", "--workers", "2")
    for ran in ("GenerateUsers", "LoadUsers", "VerifyUsers"):
        assert f"1 {ran}" in summary(done)
    assert len(stored(shared, cql)) == 20


def test_failures_reach_the_exit_code(shared: Workspace) -> None:
    """A failed task exits with 30, one that is not scheduled with 35, absent input with 20; each says why."""
    bad = write_csv(shared.folder / "bad.csv", [("not-a-uuid", "Ada", "Lovelace")])
    failing = shared.luigi("LoadUsers", "--input", bad.name)
    assert failing.returncode == 30, failing.stdout
    assert "bad.csv:2: column user_id: 'not-a-uuid' is not a valid uuid" in failing.stdout
    (shared.folder / "rows.txt").touch()
    unscheduled = shared.luigi("LoadUsers", "--input", "rows.txt")
    assert unscheduled.returncode == 35, unscheduled.stdout
    assert "rows.txt has none of the ends" in unscheduled.stdout
    waiting = shared.luigi("LoadUsers", "--input", "absent.csv")
    assert waiting.returncode == 20, waiting.stdout
    assert waiting.stdout.count("RowFiles: no row file at absent.csv; name a .csv or") == 1
    assert "Traceback" not in failing.stdout + unscheduled.stdout + waiting.stdout


def test_progress_reaches_luigis_page(workspace: Workspace, luigid: str) -> None:
    """During a load, luigid's API returns how many of its rows are loaded; then rate and reports."""
    file = write_csv(workspace.folder / "rows.csv", [*users(5000), ("not-a-uuid", "Ada", "Lovelace")])
    with subprocess.Popen(
        workspace.command("LoadUsers", "--input", file.name, "--max-bad-rows", "1"),
        cwd=workspace.folder,
        env=workspace.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        until(lambda: any("rows loaded" in task["status_message"] for task in _loads(luigid, "RUNNING")))
        assert run.wait(120) == 0
    [done] = _loads(luigid, "DONE")
    assert done["progress_percentage"] == 100
    said, *reports = done["status_message"].split("; ")
    assert said.startswith("5000 rows in ")
    assert {Path(report).name for report in reports} == {"load.json", "bad_rows.csv"}
    assert all((workspace.folder / report).is_file() for report in reports)


def test_failed_task_is_tried_again_in_the_same_run(workspace: Workspace, cql: Session) -> None:
    """With `keep_alive`, a load whose cause of failure disappears is retried and succeeds: exit code 0."""
    workspace.configure(worker={"keep_alive": "true"}, scheduler={"retry_delay": 1})
    rows = users(20)
    file = write_csv(workspace.folder / "late.csv", [*rows, ("not-a-uuid", "Ada", "Lovelace")])
    log = workspace.folder / "log"
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            workspace.command("LoadUsers", "--input", file.name),
            cwd=workspace.folder,
            env=workspace.environment(),
            stdout=output,
            stderr=output,
        ) as run,
    ):
        until(lambda: "is not a valid uuid" in log.read_text(encoding="utf-8"))
        mended = write_csv(workspace.folder / "mended", rows)
        mended.replace(file)
        assert run.wait(120) == 0, log.read_text(encoding="utf-8")
    assert stored(workspace, cql) == rows


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_users_own_dataset_goes_through_the_whole_chain(
    workspace: Workspace, cql: Session, file_format: str
) -> None:
    """A user's own table, with its types, is generated, loaded, verified and timed by thin tasks."""
    module = ("--module", "tests.harness.reading_tasks")
    done = succeed(workspace, *module, "TimingReadings", "--file-format", file_format)
    for ran in ("GenerateReadings", "LoadReadings", "VerifyReadings", "TimingReadings"):
        assert f"1 {ran}" in summary(done)
    rows = list(cql.execute(f"SELECT * FROM {workspace.keyspace}.reading"))
    assert len(rows) == 20
    assert [type(value).__name__ for value in rows[0].values()] == [
        "str",
        "datetime",
        "int",
        "Decimal",
        "SortedSet",
    ]
    [report] = workspace.folder.glob("output/reports/*/run.json")
    assert json.loads(report.read_text(encoding="utf-8"))["settings"]["file_format"] == file_format


def _loads(url: str, status: str) -> list[dict[str, Any]]:
    """Return luigid's data on the loads with this status; their message is never None."""
    wanted = json.dumps({"status": status, "upstream_status": ""})
    tasks = requests.get(f"{url}/api/task_list", params={"data": wanted}, timeout=5).json()["response"]
    return [
        {**task, "status_message": task["status_message"] or ""}
        for task in tasks.values()
        if task["name"] == "LoadUsers"
    ]
