"""Loads by a standalone Spark with two workers: the same rows as by processes, also if executors are lost."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.engines.remote import RemoteEngine
from pipeline.engines.spark import open_spark
from pipeline.errors import RowFileError, SettingError
from pipeline.settings import SparkConfig
from tests.harness.loads import Loads
from tests.harness.same import COLUMNS, READ, TABLE, load_by, write_files
from tests.harness.sparkcluster import CONF, SparkCluster, page, spark_cluster
from tests.harness.stores import CREDENTIALS, Store
from tests.harness.workspace import until

# py4j leaves the closing of its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    """Return a master with two workers."""
    with spark_cluster(tmp_path_factory.mktemp("spark")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the files of every load here."""
    return write_files(tmp_path_factory.mktemp("rows"))


@pytest.fixture
def engine(spark: SparkCluster) -> Iterator[RemoteEngine]:
    """Return an application on the cluster."""
    with open_spark(SparkConfig(master=spark.master, conf=CONF)) as engine:
        yield engine


def test_spark_loads_what_processes_load(
    loads: Loads,
    files: list[Path],
    engine: RemoteEngine,
    spark: SparkCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rows, their timestamps, the bad rows and the counts are those of one process; no secret is told."""
    monkeypatch.setenv("CASSANDRA_PASSWORD", "hush-hush")
    assert engine.worker_count == 2
    assert load_by(loads, files, engine) == load_by(loads, files, None)
    assert "hush-hush" not in spark.logs()
    assert "hush-hush" not in page()


def test_a_killed_executor_loses_no_row(
    loads: Loads, files: list[Path], engine: RemoteEngine, spark: SparkCluster
) -> None:
    """If an executor is killed while it sends, what is left is sent by another; lists are not doubled."""
    table = loads.create("killed", COLUMNS)
    load = loads.job(table, files, journal="cluster", max_bad_rows="2", rows_per_s=100, retry_budget_s=1)

    def kill() -> None:
        until(lambda: loads.rows(table, "id"))
        for executor in spark.executors("127.0.0.2"):
            executor.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    counts = loads.run(load, engine=engine)
    thread.join()
    assert counts.acknowledged == READ - 2
    assert {row["id"]: row["items"] for row in loads.rows(table)} == TABLE


def test_a_stopped_executor_loses_no_row(
    loads: Loads,
    files: list[Path],
    engine: RemoteEngine,
    spark: SparkCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After its deadline, another sends what a stopped executor had; continued later, it writes nothing."""
    monkeypatch.setattr("pipeline.engines.remote._MARGIN_S", 0)
    monkeypatch.setattr("pipeline.load.sharing._STARTED_S", 20)
    table = loads.create("stopped", COLUMNS)
    load = loads.job(
        table, files, journal="cluster", max_bad_rows="2", rows_per_s=100, retry_budget_s=1, batch_rows=5
    )
    stopped: list[psutil.Process] = []
    senders: list[psutil.Process] = []

    def stop() -> None:
        until(lambda: loads.rows(table, "id") and spark.senders("127.0.0.2"))
        for each in spark.tree("127.0.0.2"):
            each.suspend()
            stopped.append(each)
        senders.extend(spark.senders("127.0.0.2"))

    thread = threading.Thread(target=stop)
    thread.start()
    counts = loads.run(load, engine=engine)
    thread.join()
    assert senders
    for each in reversed(stopped):
        # Spark ends an executor that says nothing for two minutes.
        with contextlib.suppress(psutil.NoSuchProcess):
            each.resume()
    _, alive = psutil.wait_procs(senders, timeout=60)
    assert not alive
    assert counts.acknowledged == READ - 2
    assert {row["id"]: row["items"] for row in loads.rows(table)} == TABLE


def test_spark_loads_objects_as_processes_do(
    loads: Loads, files: list[Path], store: Store, spark: SparkCluster
) -> None:
    """Objects of S3 leave the same as by a process; executors have credentials in their environment."""
    objects = [store.put(file.name, file) for file in files]
    by_process = load_by(loads, objects, None)
    credentials = ((f"spark.executorEnv.{name}", value) for name, value in CREDENTIALS.items())
    with open_spark(SparkConfig(master=spark.master, conf=(*CONF, *credentials))) as engine:
        assert load_by(loads, objects, engine) == by_process


def test_an_error_names_its_worker(loads: Loads, engine: RemoteEngine, tmp_path: Path) -> None:
    """A path that executors do not see is an error that names one of them and says what to do."""
    file = tmp_path / "rows.csv"
    file.write_text("id,v\n1,a\n", encoding="utf-8")
    load = loads.job(loads.create("unseen", "id int PRIMARY KEY, v text"), [file], journal="cluster")
    begun = loads.begin(load)
    file.unlink()
    with pytest.raises(RowFileError, match=r"worker .*, process \d+: cannot read .*rows\.csv: .*share"):
        loads.send(load, begun.journal, engine=engine)


def test_a_master_must_be_named() -> None:
    """An empty master is an error that says what to set."""
    with pytest.raises(SettingError, match=r"master in \[spark\] is empty"), open_spark(SparkConfig()):
        pass
