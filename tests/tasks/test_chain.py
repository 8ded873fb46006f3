"""The chain as its users run it: the real `luigi` command, the real server, the real files."""

import csv
import datetime as dt
import json
import subprocess
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from tests.harness.workspace import Workspace, until

Rows = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, cql: Session) -> Iterator[Workspace]:
    """A workspace whose tables are set up, for the tests that change nothing in its settings."""
    workspace = Workspace(tmp_path_factory.mktemp("used"), "t_chain_used", endpoint)
    succeed(workspace, "SetupKeyspace")
    yield workspace
    cql.execute(f"DROP KEYSPACE {workspace.keyspace}")


@pytest.fixture
def shared(used: Workspace, cql: Session) -> Workspace:
    """The same workspace, its table empty."""
    succeed_if_absent(used, cql)
    cql.execute(f"TRUNCATE {used.keyspace}.user")
    return used


def succeed(workspace: Workspace, *words: str) -> str:
    """Run a command that must succeed; return its output."""
    done = workspace.luigi(*words)
    assert done.returncode == 0, done.stdout
    return done.stdout


def succeed_if_absent(workspace: Workspace, cql: Session) -> None:
    """Set the table up again where a test that failed has left it dropped."""
    if table_id(workspace, cql) is None:
        succeed(workspace, "SetupKeyspace")


def table_id(workspace: Workspace, cql: Session) -> uuid.UUID | None:
    """Return the id of the users' table, None where there is no such table."""
    query = "SELECT id FROM system_schema.tables WHERE keyspace_name = %s AND table_name = 'user'"
    found = cql.execute(query, (workspace.keyspace,)).one()
    return found["id"] if found else None


def stored(workspace: Workspace, cql: Session) -> Rows:
    """Return what the users' table holds, sorted."""
    found = cql.execute(f"SELECT user_id, first_name, last_name FROM {workspace.keyspace}.user")
    return sorted((str(row["user_id"]), row["first_name"], row["last_name"]) for row in found)


def users(count: int, first_name: str = "Ada") -> Rows:
    """Return that many users, sorted, their last names numbered."""
    return sorted((str(uuid.uuid4()), first_name, f"Lovelace {at}") for at in range(count))


def write_csv(file: Path, rows: Iterable[tuple[str, str, str]]) -> Path:
    """Write users to a row file of one's own."""
    file.parent.mkdir(exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([("user_id", "first_name", "last_name"), *rows])
    return file


def read_csv(*files: Path) -> Rows:
    """Return the users in generated files, sorted."""
    rows: Rows = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as text:
            rows += [(row["user_id"], row["first_name"], row["last_name"]) for row in csv.DictReader(text)]
    return sorted(rows)


def test_bare_command_loads_the_generated_rows(workspace: Workspace, cql: Session) -> None:
    """`luigi --module tasks LoadUsers`, with no other flag, puts every generated row into the table."""
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


def test_load_is_done_once_for_a_table_and_an_input(shared: Workspace, cql: Session) -> None:
    """A finished load is not repeated until its table is dropped or made anew, its input edited, or asked."""
    file = write_csv(shared.folder / "once.csv", users(30))
    load = ("LoadUsers", "--input", file.name)
    assert "1 ran successfully" in succeed(shared, *load)
    again = succeed(shared, *load)
    assert "1 complete ones were encountered" in again
    assert "Did not run any tasks" in again

    cql.execute(f"DROP TABLE {shared.keyspace}.user")
    assert "1 LoadUsers" in _ran(succeed(shared, *load))
    assert stored(shared, cql) == read_csv(file)

    cql.cluster.refresh_table_metadata(shared.keyspace, "user")
    definition = cql.cluster.metadata.keyspaces[shared.keyspace].tables["user"].as_cql_query()
    cql.execute(f"DROP TABLE {shared.keyspace}.user")
    cql.execute(definition)
    assert "1 LoadUsers" in _ran(succeed(shared, *load))
    assert stored(shared, cql) == read_csv(file)

    cql.execute(f"TRUNCATE {shared.keyspace}.user")
    write_csv(file, users(31, "Grace"))
    assert "1 LoadUsers" in _ran(succeed(shared, *load))
    assert stored(shared, cql) == read_csv(file)

    cql.execute(f"TRUNCATE {shared.keyspace}.user")
    assert "1 LoadUsers" in _ran(succeed(shared, *load, "--reload"))
    assert stored(shared, cql) == read_csv(file)


def test_range_backfills_the_days_that_are_absent(shared: Workspace, cql: Session) -> None:
    """RangeDaily loads every day from `--start` up to `--stop`, each beside the others; then none is left."""
    today = dt.date.today()  # noqa: DTZ011 - RangeDaily reckons in the machine's days
    days = [today - dt.timedelta(days=back) for back in (3, 2, 1)]
    backfill = ("RangeDaily", "--of", "LoadUsers", "--start", f"{days[0]}", "--stop", f"{today}")
    assert "3 LoadUsers" in _ran(succeed(shared, *backfill))
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


@pytest.mark.parametrize("pattern", ["{}/one.csv", "{}", "{}/*e.csv"], ids=["file", "folder", "glob"])
def test_input_is_a_file_a_folder_or_a_glob(
    shared: Workspace, cql: Session, pattern: str, request: pytest.FixtureRequest
) -> None:
    """`--input` loads the user's own files, and no others, whichever way it names them."""
    folder = shared.folder / f"own {request.node.callspec.id}"
    rows = {name: users(10, name) for name in ("one", "three", "two")}
    for name, some in rows.items():
        write_csv(folder / f"{name}.csv", some)
    (folder / "notes.txt").write_text("not rows", encoding="utf-8")
    wanted = {"file": ["one"], "folder": ["one", "three", "two"], "glob": ["one", "three"]}
    succeed(shared, "LoadUsers", "--input", pattern.format(folder))
    names = wanted[request.node.callspec.id]
    assert stored(shared, cql) == sorted(row for name in names for row in rows[name])


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_later_of_two_rows_with_one_key_wins(shared: Workspace, cql: Session, processes: str) -> None:
    """Every row is loaded, by one process or two, and of rows with one key the last in the file stays."""
    rows = users(100)
    repeated = [(key, f"{first} {time}", last) for time in range(5) for key, first, last in rows]
    file = write_csv(shared.folder / f"repeated{processes}.csv", repeated)
    succeed(shared, "LoadUsers", "--input", file.name, "--processes", processes)
    assert stored(shared, cql) == [(key, f"{first} 4", last) for key, first, last in rows]


def test_two_luigi_workers_run_the_chain(shared: Workspace, cql: Session) -> None:
    """`--workers 2`, for which Luigi forks, runs the chain to its end."""
    done = succeed(shared, "VerifyUsers", "--seed", "4", "--workers", "2")
    for ran in ("GenerateUsers", "LoadUsers", "VerifyUsers"):
        assert f"1 {ran}" in _ran(done)
    assert len(stored(shared, cql)) == 20


def test_verify_names_the_rows_that_changed_behind_its_back(shared: Workspace, cql: Session) -> None:
    """VerifyUsers fails, and names the keys, where a row was changed or deleted after the load."""
    changed, deleted, *rest = users(20)
    file = write_csv(shared.folder / "changed.csv", [changed, deleted, *rest])
    succeed(shared, "LoadUsers", "--input", file.name)
    table = f"{shared.keyspace}.user"
    cql.execute(f"UPDATE {table} SET last_name = 'Byron' WHERE user_id = {changed[0]}")
    cql.execute(f"DELETE FROM {table} WHERE user_id = {deleted[0]}")
    done = shared.luigi("VerifyUsers", "--input", file.name)
    assert done.returncode == 30, done.stdout
    assert "2 of 20 rows differ" in done.stdout
    assert f"user_id='{changed[0]}': last_name is 'Byron', the file has '{changed[2]}'" in done.stdout
    assert f"user_id='{deleted[0]}': absent" in done.stdout


def test_exact_verification_finds_a_row_that_no_file_has(shared: Workspace, cql: Session) -> None:
    """A row that was added behind its back fails VerifyUsers with `--exact`, and only then."""
    file = write_csv(shared.folder / "exact.csv", users(20))
    added = uuid.uuid4()
    cql.execute(f"INSERT INTO {shared.keyspace}.user (user_id, last_name) VALUES ({added}, 'Nobody')")
    succeed(shared, "VerifyUsers", "--input", file.name)
    done = shared.luigi("VerifyUsers", "--input", file.name, "--exact")
    assert done.returncode == 30, done.stdout
    assert f"user_id='{added}': in the table, in no file" in done.stdout


def test_drop_makes_the_table_anew(shared: Workspace, cql: Session) -> None:
    """`SetupKeyspace --drop` drops the table with its rows and creates it again."""
    cql.execute(f"INSERT INTO {shared.keyspace}.user (user_id, last_name) VALUES (uuid(), 'Old')")
    before = table_id(shared, cql)
    succeed(shared, "SetupKeyspace", "--drop")
    assert table_id(shared, cql) not in {None, before}
    assert stored(shared, cql) == []


def test_failures_reach_the_exit_code(shared: Workspace) -> None:
    """A task that fails exits 30, one that cannot be scheduled 35; each says why without a traceback."""
    bad = write_csv(shared.folder / "bad.csv", [("not-a-uuid", "Ada", "Lovelace")])
    failing = shared.luigi("LoadUsers", "--input", bad.name)
    assert failing.returncode == 30, failing.stdout
    assert "bad.csv:2: column user_id: 'not-a-uuid' is not a valid uuid" in failing.stdout
    unscheduled = shared.luigi("LoadUsers", "--input", "absent.csv")
    assert unscheduled.returncode == 35, unscheduled.stdout
    assert "no row file at absent.csv" in unscheduled.stdout
    assert "Traceback" not in failing.stdout + unscheduled.stdout


def test_load_says_how_many_rows_it_wrote_and_how_fast(shared: Workspace) -> None:
    """One line of a load's log states its rows and its rows a second."""
    file = write_csv(shared.folder / "said.csv", users(20))
    said = succeed(shared, "LoadUsers", "--input", file.name)
    [line] = [line for line in said.splitlines() if "rows/s" in line]
    assert line.startswith("INFO: LoadUsers: 20 rows in ")


def test_progress_reaches_luigis_page(workspace: Workspace, luigid: str) -> None:
    """While a load runs, luigid's API tells how many of its rows are loaded; at the end, how fast it was."""
    file = write_csv(workspace.folder / "rows.csv", users(5000))
    with subprocess.Popen(
        workspace.command("LoadUsers", "--input", file.name),
        cwd=workspace.folder,
        env=workspace.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        until(lambda: any("rows loaded" in task["status_message"] for task in _loads(luigid, "RUNNING")))
        assert run.wait(120) == 0
    [done] = _loads(luigid, "DONE")
    assert done["progress_percentage"] == 100
    assert done["status_message"].startswith("5000 rows in ")


def test_failed_task_is_tried_again_in_the_same_run(workspace: Workspace, cql: Session) -> None:
    """With `keep_alive`, a load whose cause of failure goes away is tried again and succeeds: exit 0."""
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
    """A table of a user's own, with its types, is generated, loaded, verified and timed by thin tasks."""
    module = ("--module", "tests.harness.reading_tasks")
    done = succeed(workspace, *module, "TimingReadings", "--file-format", file_format)
    for ran in ("GenerateReadings", "LoadReadings", "VerifyReadings", "TimingReadings"):
        assert f"1 {ran}" in _ran(done)
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


def _ran(output: str) -> str:
    """Return the part of Luigi's summary that lists what ran, each family after how many."""
    _, _, summary = output.partition("ran successfully:")
    return summary.partition("\n\n")[0]


def _loads(url: str, status: str) -> list[dict[str, Any]]:
    """Return what luigid says of the loads that have this status, their message never None."""
    wanted = json.dumps({"status": status, "upstream_status": ""})
    tasks = requests.get(f"{url}/api/task_list", params={"data": wanted}, timeout=5).json()["response"]
    return [
        {**task, "status_message": task["status_message"] or ""}
        for task in tasks.values()
        if task["name"] == "LoadUsers"
    ]
