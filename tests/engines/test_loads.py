"""The same load by each engine leaves the same table, the same bad rows and the same counts."""

import dataclasses
import threading
import uuid
from pathlib import Path

import pytest

from pipeline.engines.dask import open_dask
from pipeline.engines.processes import Processes
from pipeline.errors import BadRowsError, RowFileError, UnreachableError, VerificationError
from pipeline.load.jobs import Load, LoadShard
from pipeline.load.sharing import dry_run
from pipeline.proxy.control import Proxy, proxy
from pipeline.rowfiles.badrows import BAD_ROWS
from pipeline.settings import DaskConfig
from pipeline.verify.asking import verified
from pipeline.workers.client import end_waiting
from pipeline.workers.codec import job_to_json
from tests.harness.daskcluster import DaskCluster, dask_cluster
from tests.harness.loads import Loads, planned
from tests.harness.same import COLUMNS, READ, TABLE, load_by, write_files
from tests.harness.stores import Store
from tests.harness.workspace import until


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the files of every load here."""
    return write_files(tmp_path_factory.mktemp("rows"))


def test_dask_loads_what_processes_load(loads: Loads, files: list[Path], dask: DaskCluster) -> None:
    """The rows, their timestamps, the bad rows and the counts are those of one process."""
    by_process = load_by(loads, files, None)
    assert by_process[2] == (READ, READ - 2, READ - 2, 2)
    with open_dask(DaskConfig(scheduler=dask.address)) as engine:
        assert load_by(loads, files, engine) == by_process


def test_dask_loads_objects_as_processes_do(
    loads: Loads, files: list[Path], store: Store, tmp_path: Path
) -> None:
    """Objects of S3, a streamed text as a whole and Parquet in its splits, leave the same as by a process."""
    objects = [store.put(file.name, file) for file in files]
    by_process = load_by(loads, objects, None)
    assert by_process[2] == (READ, READ - 2, READ - 2, 2)
    # Of its own: these workers have the credentials of the store in their environment.
    with dask_cluster(tmp_path) as dask, open_dask(DaskConfig(scheduler=dask.address)) as engine:
        assert load_by(loads, objects, engine) == by_process


def test_dask_checks_and_verifies_what_processes_do(
    loads: Loads, files: list[Path], dask: DaskCluster
) -> None:
    """A dry run and a verification count the same as by a process; a difference is found there too."""
    table = loads.create("checked", COLUMNS)
    load = loads.job(table, files, journal="cluster", max_bad_rows="2", timestamp_us=1_700_000_000_000_000)
    loads.run(load)
    plan = planned(load)
    with open_dask(DaskConfig(scheduler=dask.address)) as engine:
        assert dry_run(plan, engine) == dry_run(plan, Processes(2)) == dry_run(plan, Processes(1))
        assert verified(plan, engine, exact=True) == verified(plan, Processes(1), exact=True)
        loads.execute(f"DELETE FROM {loads.keyspace}.{table} WHERE id = 5")
        with pytest.raises(
            VerificationError, match=r"worker tcp://127\.0\.0\.\d:\d+: .*is not what was loaded"
        ):
            verified(plan, engine, exact=True)


def test_a_killed_worker_loses_no_row(loads: Loads, tmp_path: Path) -> None:
    """If a worker of Dask is killed while it sends, another one sends what is left; lists are not doubled."""
    table = loads.create("killed", COLUMNS)
    files = write_files(tmp_path / "rows")
    load = loads.job(
        table, files, journal="cluster", max_bad_rows="2", rows_per_s=400, retry_budget_s=1, batch_rows=5
    )
    with dask_cluster(tmp_path) as dask, open_dask(DaskConfig(scheduler=dask.address)) as engine:
        first, *_ = dask.workers.values()

        def kill() -> None:
            until(lambda: loads.rows(table, "id"))
            first.kill()

        thread = threading.Thread(target=kill)
        thread.start()
        counts = loads.run(load, engine=engine)
        thread.join()
    assert counts.acknowledged == READ - 2
    assert {row["id"]: row["items"] for row in loads.rows(table)} == TABLE


def through(load: Load, between: Proxy) -> Load:
    """Return a load that reaches its cluster through a proxy."""
    cluster = dataclasses.replace(load.cluster, contact_points=("127.0.0.1",), port=between.port)
    return dataclasses.replace(load, cluster=cluster)


def test_a_worker_that_is_cut_off_loses_no_row(loads: Loads, tmp_path: Path, dask: DaskCluster) -> None:
    """If a worker does not reach the cluster any more, another sends what is left; lists are not doubled."""
    table = loads.create("cut", COLUMNS)
    load = loads.job(
        table,
        write_files(tmp_path / "rows"),
        journal="cluster",
        max_bad_rows="2",
        rows_per_s=400,
        retry_budget_s=8,
        batch_rows=5,
    )
    [node] = load.cluster.contact_points
    with (
        proxy([(node, load.cluster.port)]) as between,
        open_dask(DaskConfig(scheduler=dask.address)) as engine,
    ):
        load = through(load, between)
        first, *_ = dask.workers.values()

        def cut_off() -> None:
            until(lambda: loads.rows(table, "id"))
            between.set(fault="reset", below=first.pid)

        thread = threading.Thread(target=cut_off)
        thread.start()
        counts = loads.run(load, engine=engine)
        thread.join()
    assert counts.acknowledged == READ - 2
    assert {row["id"]: row["items"] for row in loads.rows(table)} == TABLE


def test_a_cluster_that_no_worker_reaches_is_an_error(
    loads: Loads, files: list[Path], dask: DaskCluster
) -> None:
    """If a second worker does not reach the cluster either, the load ends, and says what one of them saw."""
    # Of lists, the driver would ask the cluster first, and not reach it either.
    table = loads.create("gone", COLUMNS.replace("list<int>", "frozen<list<int>>"))
    load = loads.job(table, files, journal="cluster", retry_budget_s=1)
    [node] = load.cluster.contact_points
    with (
        proxy([(node, load.cluster.port)]) as between,
        open_dask(DaskConfig(scheduler=dask.address)) as engine,
    ):
        load = through(load, between)
        begun = loads.begin(load)
        between.set(fault="refuse")
        with pytest.raises(UnreachableError, match=r"worker tcp://127\.0\.0\.\d:\d+: cannot connect"):
            loads.send(load, begun.journal, engine=engine)


def test_too_many_bad_rows_are_written_where_the_load_runs(
    loads: Loads, files: list[Path], dask: DaskCluster
) -> None:
    """If a worker finds too many bad rows, the error names it, and the rows are written by the driver."""
    table = loads.create("bad", COLUMNS)
    load = loads.job(table, files, journal="cluster")
    load = dataclasses.replace(load, bad_rows=str(loads.folder / uuid.uuid4().hex))
    with (
        open_dask(DaskConfig(scheduler=dask.address)) as engine,
        pytest.raises(BadRowsError, match=r"worker tcp://127\.0\.0\.\d:\d+: \d bad row.* says what"),
    ):
        loads.run(load, engine=engine)
    assert "is not a valid int" in (Path(load.bad_rows) / BAD_ROWS).read_text(encoding="utf-8")


def test_a_file_that_a_worker_does_not_see(
    loads: Loads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that one worker does not see is an error that names the worker and says what to do."""
    monkeypatch.chdir(tmp_path)
    end_waiting()  # they are in another folder
    Path("rows.csv").write_text("id,v\n1,a\n", encoding="utf-8")
    table = loads.create("unseen", "id int PRIMARY KEY, v text")
    # A path that means something else in each process that has another folder.
    load = loads.job(table, [Path("/proc/self/cwd/rows.csv")], journal="cluster")
    (tmp_path / "elsewhere").mkdir()
    with (
        dask_cluster(tmp_path, hosts=["127.0.0.2"]) as dask,
        open_dask(DaskConfig(scheduler=dask.address)) as engine,
        pytest.raises(RowFileError, match=r"worker tcp://127\.0\.0\.2:\d+: cannot read .*rows\.csv: .*share"),
    ):
        loads.run(load, engine=engine)
    assert not loads.rows(table)


def test_no_secret_leaves_the_driver(
    loads: Loads, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is neither in what is sent to workers nor in what Dask writes."""
    monkeypatch.setenv("CASSANDRA_PASSWORD", "hush-hush-in-a-variable")
    secret = tmp_path / "secret"
    secret.write_text("hush-hush-in-a-file\n", encoding="utf-8")
    load = loads.job(loads.create("secret", COLUMNS), files, journal="cluster", max_bad_rows="2")
    load = dataclasses.replace(
        load, cluster=dataclasses.replace(load.cluster, user="cassandra", password_file=str(secret))
    )
    begun = loads.begin(load)
    assert "hush-hush" not in job_to_json(LoadShard(plan=begun.plan, journal=begun.journal))
    with dask_cluster(tmp_path) as dask, open_dask(DaskConfig(scheduler=dask.address)) as engine:
        loads.send(load, begun.journal, engine=engine)
        assert "hush-hush" not in dask.logs()
