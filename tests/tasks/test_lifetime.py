"""How processes end: whatever ends a run, it leaves no process, no half file and no scratch table behind."""

import contextlib
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

from pipeline.embedded import Endpoint
from pipeline.proxy.control import proxy
from tests.harness.workspace import Workspace

ROWS = 10_000
SLOWLY = ("--rows-per-s", "2000")


class Run:
    """A `luigi` command under way, in a process group of its own."""

    def __init__(self, workspace: Workspace, log: Path, *words: str) -> None:
        with log.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                workspace.command(*words),
                cwd=workspace.folder,
                env=workspace.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._log = log

    @property
    def output(self) -> str:
        """What it has printed so far, its errors included."""
        return self._log.read_text(encoding="utf-8")

    def wait(self) -> int:
        """Return its exit code once it ends."""
        return self.process.wait(120)

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds; fail where the run ends before."""
        while not condition():
            assert self.process.poll() is None, f"it ended too early:\n{self.output}"
            time.sleep(0.02)

    def children(self) -> list[psutil.Process]:
        """Return every process below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes among them."""
        return [child for child in self.children() if "pipeline.worker" in child.cmdline()]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, cql: Session) -> Iterator[Workspace]:
    """A workspace whose tables are set up, with row files that take seconds to load."""
    workspace = Workspace(tmp_path_factory.mktemp("used"), "t_lifetime_used", endpoint)
    done = workspace.luigi("SetupKeyspace")
    assert done.returncode == 0, done.stdout
    yield workspace
    cql.execute(f"DROP KEYSPACE {workspace.keyspace}")


@pytest.fixture
def begin(used: Workspace, cql: Session, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Return what starts a run on an empty table; a run that goes on is killed when the test ends."""
    cql.execute(f"TRUNCATE {used.keyspace}.user")
    runs: list[Run] = []

    def start(*words: str, workspace: Workspace = used) -> Run:
        runs.append(Run(workspace, tmp_path / f"log{len(runs)}", *words))
        return runs[-1]

    yield start
    for run in runs:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()


def write_users(workspace: Workspace, rows: int = ROWS) -> str:
    """Write a row file of one's own; return its name."""
    file = workspace.folder / f"{uuid.uuid4()}.csv"
    with file.open("w", encoding="utf-8", newline="") as text:
        users = ((uuid.uuid4(), "Ada", f"Lovelace {at}") for at in range(rows))
        csv.writer(text).writerows([("user_id", "first_name", "last_name"), *users])
    return file.name


def has_rows(workspace: Workspace, cql: Session) -> bool:
    """Say whether the users' table holds a row."""
    return cql.execute(f"SELECT user_id FROM {workspace.keyspace}.user LIMIT 1").one() is not None


def count(workspace: Workspace, cql: Session) -> int:
    """Return how many rows the users' table holds."""
    rows: int = cql.execute(f"SELECT count(*) FROM {workspace.keyspace}.user").one()["count"]
    return rows


def scratch_tables(workspace: Workspace, cql: Session) -> set[str]:
    """Return the tables that are neither the users' nor the markers'."""
    query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
    found = cql.execute(query, (workspace.keyspace,))
    return {row["table_name"] for row in found} - {"user", "load_marker"}


def temporary_files(workspace: Workspace) -> list[Path]:
    """Return the temporary files anywhere in the workspace."""
    return [file for file in workspace.folder.rglob(".*") if file.suffix == ".tmp"]


def assert_gone(processes: list[psutil.Process]) -> None:
    """Fail where one of these processes does not end."""
    assert processes
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM], ids=["KILL", "TERM"])
def test_no_worker_outlives_luigi(
    used: Workspace, cql: Session, begin: Callable[..., Run], ended_by: signal.Signals, workers: str
) -> None:
    """Where luigi is ended in the middle of a load, every process below it ends too."""
    run = begin("LoadUsers", "--input", write_users(used), *SLOWLY, "--workers", workers, "--processes", "2")
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
    used: Workspace, cql: Session, begin: Callable[..., Run], step: str, workers: str
) -> None:
    """Ctrl-C says one line, leaves no process, half file or scratch table, and the next run succeeds."""
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


def test_killed_worker_fails_its_task(used: Workspace, cql: Session, begin: Callable[..., Run]) -> None:
    """A worker ended by SIGKILL fails the load with a line that says so, and ends the worker beside it."""
    run = begin("LoadUsers", "--input", write_users(used), *SLOWLY, "--processes", "2")
    run.until(lambda: has_rows(used, cql))
    workers = run.workers()
    workers[0].kill()
    assert run.wait() == 30
    said = f"worker process {workers[0].pid} was ended by signal 9 before it had a result"
    assert said in run.output
    assert "Traceback" not in run.output
    assert_gone(workers)


def test_same_command_does_not_run_twice_at_a_time(
    used: Workspace, cql: Session, begin: Callable[..., Run]
) -> None:
    """The same command beside itself exits 10 at once, and the first one's load is whole."""
    words = ("LoadUsers", "--input", write_users(used), *SLOWLY)
    first = begin(*words)
    first.until(lambda: has_rows(used, cql))
    # However slow this machine is, the first one is still there when the second looks.
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
    workspace: Workspace, cql: Session, begin: Callable[..., Run]
) -> None:
    """Under luigid, the load of a run that was killed is refused as running, then handed on to a rerun."""
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
    """While rows are in flight other greenlets run, whichever way the rows are written."""
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

    way, host, port = sys.argv[1:]
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
        mapping={},
        config=LoadConfig(method=way, pool_size=2),
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
