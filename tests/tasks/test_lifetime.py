"""The end of a run: whatever the cause, no process, incomplete file or scratch table is left."""

import csv
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from cassandra.cluster import Session

from faults.running import RunningLoad
from pipeline.embedded import Endpoint
from pipeline.proxy.control import proxy
from tests.harness.workspace import Workspace

ROWS = 10_000
SLOWLY = ("--rows-per-s", "2000")


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, cql: Session) -> Iterator[Workspace]:
    """A workspace whose tables are set up, with row files that take seconds to load."""
    workspace = Workspace(tmp_path_factory.mktemp("used"), "t_lifetime_used", endpoint)
    done = workspace.luigi("SetupKeyspace")
    assert done.returncode == 0, done.stdout
    yield workspace
    cql.execute(f"DROP KEYSPACE {workspace.keyspace}")


@pytest.fixture
def begin(used: Workspace, cql: Session, tmp_path: Path) -> Iterator[Callable[..., RunningLoad]]:
    """Return a function that starts a run on an empty table; the run is killed at the end of the test."""
    cql.execute(f"TRUNCATE {used.keyspace}.user")
    runs: list[RunningLoad] = []

    def start(*words: str, workspace: Workspace = used) -> RunningLoad:
        log = tmp_path / f"log{len(runs)}"
        runs.append(RunningLoad(workspace.command(*words), workspace.folder, log, workspace.environment()))
        return runs[-1]

    yield start
    for run in runs:
        run.kill()


def write_users(workspace: Workspace, rows: int = ROWS) -> str:
    """Write a new row file; return its name."""
    file = workspace.folder / f"{uuid.uuid4()}.csv"
    with file.open("w", encoding="utf-8", newline="") as text:
        users = ((uuid.uuid4(), "Ada", f"Lovelace {at}") for at in range(rows))
        csv.writer(text).writerows([("user_id", "first_name", "last_name"), *users])
    return file.name


def write_two(workspace: Workspace) -> str:
    """Write two row files, which two processes can share; return the glob that means them."""
    names = [Path(write_users(workspace, ROWS // 2)) for _ in range(2)]
    pair = f"{uuid.uuid4()}"
    for number, name in enumerate(names):
        (workspace.folder / name).rename(workspace.folder / f"{pair}-{number}.csv")
    return f"{pair}-*.csv"


def has_rows(workspace: Workspace, cql: Session) -> bool:
    """Tell whether the users' table holds a row."""
    return cql.execute(f"SELECT user_id FROM {workspace.keyspace}.user LIMIT 1").one() is not None


def count(workspace: Workspace, cql: Session) -> int:
    """Return how many rows the users' table holds."""
    rows: int = cql.execute(f"SELECT count(*) FROM {workspace.keyspace}.user").one()["count"]
    return rows


def scratch_tables(workspace: Workspace, cql: Session) -> set[str]:
    """Return the tables that are neither the users' nor beside them for good."""
    query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
    found = cql.execute(query, (workspace.keyspace,))
    return {row["table_name"] for row in found} - {"user", "load_marker", "load_ledger"}


def temporary_files(workspace: Workspace) -> list[Path]:
    """Return all temporary files in the workspace."""
    return [file for file in workspace.folder.rglob(".*") if file.suffix == ".tmp"]


def assert_gone(processes: list[psutil.Process]) -> None:
    """Fail if one of these processes does not end."""
    assert processes
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM], ids=["KILL", "TERM"])
def test_no_worker_outlives_luigi(
    used: Workspace, cql: Session, begin: Callable[..., RunningLoad], ended_by: signal.Signals, workers: str
) -> None:
    """If luigi is ended during a load, all its descendants end too."""
    two = write_two(used)
    run = begin("LoadUsers", "--input", two, *SLOWLY, "--workers", workers, "--processes", "2")
    run.until(lambda: has_rows(used, cql))
    children = run.children()
    assert len(run.workers()) >= 2
    run.process.send_signal(ended_by)
    assert run.wait() == -ended_by
    assert_gone(children)
    assert count(used, cql) < ROWS


@pytest.mark.parametrize(
    ("step", "workers"), [("generation", "1"), ("load", "1"), ("load", "2"), ("timing", "1")]
)
def test_interrupt_leaves_nothing_behind(
    used: Workspace, cql: Session, begin: Callable[..., RunningLoad], step: str, workers: str
) -> None:
    """Ctrl-C prints one line, leaves no process, incomplete file or scratch table; the next run succeeds."""
    words, is_under_way = {
        "generation": (
            ["GenerateUsers", "--rows", "2000000"],
            lambda: temporary_files(used),
        ),
        "load": (["LoadUsers", "--input", write_users(used, 3000), *SLOWLY], lambda: has_rows(used, cql)),
        "timing": (
            ["TimingReport", "--latencies-s", "0.1", "--rows", "10"],
            lambda: scratch_tables(used, cql),
        ),
    }[step]
    run = begin(*words, "--workers", workers)
    run.until(is_under_way)
    children = run.children()
    os.killpg(run.process.pid, signal.SIGINT)
    assert run.wait() != 0
    assert run.output.count("interrupted: nothing is half-written; run the command again") == 1
    assert "Traceback" not in run.output
    assert_gone(children)
    assert temporary_files(used) == []
    assert scratch_tables(used, cql) == set()
    again = used.luigi(*words, "--workers", workers)
    assert again.returncode == 0, again.stdout
    assert "This progress looks :)" in again.stdout


def test_killed_worker_fails_its_task(
    used: Workspace, cql: Session, begin: Callable[..., RunningLoad]
) -> None:
    """A worker that is killed fails the load with a line about it, and the other worker ends too."""
    run = begin("LoadUsers", "--input", write_two(used), *SLOWLY, "--processes", "2")
    run.until(lambda: has_rows(used, cql))
    workers = run.workers()
    workers[0].kill()
    assert run.wait() == 30
    message = f"worker process {workers[0].pid} was ended by signal 9 before it had a result"
    assert message in run.output
    assert "Traceback" not in run.output
    assert_gone(workers)


def test_same_command_does_not_run_twice_at_a_time(
    used: Workspace, cql: Session, begin: Callable[..., RunningLoad]
) -> None:
    """If the same command is started twice, the second exits with 10 at once; the first load is complete."""
    words = ("LoadUsers", "--input", write_users(used), *SLOWLY)
    first = begin(*words)
    first.until(lambda: has_rows(used, cql))
    # On a slow machine the first one could end before the second checks.
    first.process.send_signal(signal.SIGSTOP)
    try:
        second = used.luigi(*words)
    finally:
        first.process.send_signal(signal.SIGCONT)
    assert second.returncode == 10, second.stdout
    assert "already running" in second.stdout
    assert first.wait() == 0, first.output
    assert count(used, cql) == ROWS


@pytest.mark.usefixtures("luigid")
def test_killed_runs_work_is_handed_on_by_luigid(
    workspace: Workspace, cql: Session, begin: Callable[..., RunningLoad]
) -> None:
    """Under luigid, the load of a killed run counts as running for a while, then a rerun gets it."""
    words = ("LoadUsers", "--input", write_users(workspace, 3000), *SLOWLY)
    assert workspace.luigi("SetupKeyspace").returncode == 0
    killed = begin(*words, workspace=workspace)
    killed.until(lambda: has_rows(workspace, cql))
    killed.process.kill()
    killed.wait()
    codes = [workspace.luigi(*words).returncode]
    deadline_s = time.monotonic() + 50
    while codes[-1] != 0:
        assert time.monotonic() < deadline_s, codes
        codes.append(workspace.luigi(*words).returncode)
    assert set(codes) <= {0, 10, 25}
    assert count(workspace, cql) == 3000


@pytest.mark.parametrize("method", ["batch", "prepared", "create"])
def test_nothing_blocks_the_loop(used: Workspace, begin: object, method: str) -> None:
    """While rows are in flight, other greenlets run, with every method."""
    del begin
    with proxy([(used.endpoint.contact_points[0], used.endpoint.port)], round_trip_s=0.05) as between:
        ticks = subprocess.run(
            [sys.executable, "-c", _TICKER, method, *map(str, between.addresses[0])],
            input=f"{used.keyspace}\n{used.folder / write_users(used, 100)}",
            env=used.environment(CQLENG_ALLOW_SCHEMA_MANAGEMENT="1"),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=120,
            cwd=used.folder,
        ).stdout
    assert int(ticks) > 10


_TICKER = textwrap.dedent("""
    from gevent import monkey

    monkey.patch_all()

    import sys
    import time
    from pathlib import Path

    import gevent

    from pipeline.load import handlers, jobs
    from pipeline.settings import ClusterConfig, KeyspaceConfig, LoadConfig
    from pipeline.rowfiles.sources import describe_file

    method, host, port = sys.argv[1:]
    keyspace, file = sys.stdin.read().split("\\n")
    ticks_s = []

    def tick():
        while True:
            ticks_s.append(time.monotonic())
            gevent.sleep(0.001)

    def quiet(*_):
        pass

    load = jobs.Load(
        cluster=ClusterConfig(contact_points=(host,), port=int(port)),
        keyspace=KeyspaceConfig(name=keyspace),
        dataset="pipeline.datasets.users",
        files=(describe_file(Path(file)),),
        config=LoadConfig(method=method, pool_size=2),
        checkpoints="checkpoints",
        bad_rows="bad",
    )
    plan = handlers.plan_load(jobs.PlanLoad(load=load), quiet)
    begun = handlers.begin(jobs.BeginLoad(plan=plan, anew=False), quiet)
    ticker = gevent.spawn(tick)
    loaded = handlers.load_shard(jobs.LoadShard(plan=begun.plan, journal=begun.journal), quiet)
    assert loaded.rows == 100
    print(sum(tick_s > ticks_s[-1] - loaded.elapsed_s for tick_s in ticks_s))
""")
