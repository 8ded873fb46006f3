"""Jobs are values: a worker knows them by class, and they are equal on both sides of a process boundary."""

import datetime as dt
import json
from pathlib import Path

import pytest

from pipeline.cluster.jobs import DescribeTable, Marker, SetUpTable, TableDescription
from pipeline.cql.columns import Column
from pipeline.cql.tables import Table
from pipeline.load.jobs import BeginLoad, BegunLoad, FinishLoad, Load, LoadedShard, LoadPlan, LoadShard
from pipeline.measure.article.timing import LatencyTimings
from pipeline.measure.jobs import ClusterFacts, LatencySweep, SweepLatencies
from pipeline.rowfiles.fields import TTL, Field
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.splits import FileContent, SourceFile, Split
from pipeline.settings import ClusterConfig, ColumnsConfig, KeyspaceConfig, LoadConfig
from pipeline.workers.codec import job_from_json, job_to_json, result_from_json_values, to_json_values
from pipeline.workers.jobs import Job
from tests.harness.interpreter import imported, printed
from tests.harness.workspace import PROJECT

CLUSTER = ClusterConfig(contact_points=("127.0.0.1",))
KEYSPACE = KeyspaceConfig(name="SalesDB")
COLUMN = Column("Odd Name", "frozen<address>", is_key=True, user_types={"address": {"street": "text"}})
SPLIT = Split(number=0, first_place=2, place_count=2, position=(5, 12, 2))
FILE = SourceFile(
    path="a.csv",
    content=FileContent(sha256="0" * 64, header=("id", "a, b"), splits=(SPLIT,)),
    version=(1, 2, 3, 4, 5),
)
PLAN = LoadPlan(
    load=Load(
        cluster=CLUSTER,
        keyspace=KEYSPACE,
        table="t",
        files=(FILE,),
        columns=ColumnsConfig(mapping=(("a, b", "Odd Name"),), constants=(("c", "{file}"),)),
        config=LoadConfig(ttl_s=0),
        checkpoints="checkpoints",
        bad_rows="bad",
    ),
    table=Table(
        keyspace="SalesDB",
        name="t",
        id="id",
        truncated_at="",
        column_dropped_at="",
        columns=(COLUMN,),
        partition_key=("Odd Name",),
        clustering_key=(),
        static=(),
    ),
    fields=(Field(COLUMN, "a, b"),),
    using=(Field(TTL, "expires"),),
    timestamp_us=1_700_000_000_000_000,
)
FACTS = ClusterFacts(
    name="c",
    nodes=1,
    cassandra=("5.0.9",),
    partitioner="p",
    replication="r",
    consistency_level="ONE",
    protocol_version=4,
    reactor="x",
)
CELL = LatencyTimings(latency_s=0.1, rows=2, pool_size=1, sync_repeats_s=(1.0,), async_repeats_s=(0.5, 0.6))
DAY = dt.date(2026, 11, 25)


@pytest.mark.parametrize(
    ("job", "result"),
    [
        (SetUpTable(cluster=CLUSTER, keyspace=KEYSPACE, dataset="d", drop=True), None),
        (
            DescribeTable(cluster=CLUSTER, keyspace=KEYSPACE, table="t", dates=(DAY,)),
            TableDescription(
                table_id="id",
                markers=(
                    Marker(
                        date=DAY,
                        source="s",
                        table_id="id",
                        truncated_at=None,
                        input_sha256="0",
                        rows=1,
                        finished_at_s=1.5,
                    ),
                ),
            ),
        ),
        (BeginLoad(plan=PLAN, anew=True, day=DAY), BegunLoad(plan=PLAN, journal="j", rows=1, left=((0, 0),))),
        (
            LoadShard(plan=PLAN, journal="j", splits=((0, 1), (2, 0))),
            LoadedShard(
                rows=1,
                elapsed_s=0.1,
                retries={"Timeout": 1},
                warned=0,
                warning="",
                limits={"127.0.0.1": 20},
            ),
        ),
        (
            SweepLatencies(
                cluster=CLUSTER,
                keyspace=KEYSPACE,
                rows=RowsToRead(files=(FILE,)),
                pool_size=1,
                latencies_s=(0.1,),
                sync_repeats=1,
                async_repeats=2,
                run="r",
            ),
            LatencySweep(
                cells=(CELL,), single_row_sync_s=0.1, single_row_async_s=0.2, scratch_table="t", cluster=FACTS
            ),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_job_and_its_result_are_the_same_on_the_other_side(job: Job[object], result: object) -> None:
    """A job and its result are equal before and after JSON, whatever they contain."""
    assert job_from_json(job_to_json(job)) == job
    assert result_from_json_values(job, json.loads(json.dumps(to_json_values(result)))) == result


def test_the_worker_knows_every_job() -> None:
    """The worker can import the jobs of every folder."""
    declared = [
        ".".join(file.relative_to(PROJECT).with_suffix("").parts)
        for file in (PROJECT / "pipeline").rglob("jobs.py")
        if file.parent.name != "workers"
    ]
    say = "print(*sorted(kind.__qualname__ for kind in known_jobs()))"
    know = "from pipeline.workers.codec import known_jobs"
    by_worker = printed(f"import pipeline.worker\n{know}\n{say}")
    by_all = printed("\n".join([f"import {module}" for module in declared] + [know, say]))
    assert by_worker == by_all
    assert FinishLoad.__qualname__ in by_all


@pytest.mark.parametrize("folder", ["cluster", "datasets", "rowfiles", "load", "verify", "measure"])
def test_to_ask_for_a_job_takes_nothing_slow(folder: str) -> None:
    """A folder's jobs import neither gevent, the driver, Arrow nor NumPy: Luigi's process imports them."""
    modules = imported(f"import pipeline.{folder}.jobs")
    assert modules.isdisjoint({"gevent", "cassandra", "pyarrow", "numpy"})
    assert Path(PROJECT, "pipeline", folder, "handlers.py").is_file() or folder == "datasets"
