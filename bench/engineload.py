"""A load of a bench by an engine: what the task of Luigi does, from the digest of the file to the marker."""

from datetime import date
from pathlib import Path

from pipeline.embedded import Endpoint
from pipeline.engines.protocol import Engine
from pipeline.load import jobs
from pipeline.load.sharing import send_rows
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.jobs import DescribeFiles, FileToRead
from pipeline.settings import ClusterConfig, KeyspaceConfig, LoadConfig
from pipeline.workers.client import run_job

IN_THE_CLUSTER = LoadConfig(journal="cluster")


def load(
    endpoint: Endpoint,
    keyspace: str,
    table: str,
    folder: Path,
    engine: Engine,
    file: Path,
    *,
    consistency_level: str = "LOCAL_ONE",
    config: LoadConfig = IN_THE_CLUSTER,
) -> None:
    """Carry out a whole load.

    Raises:
        PipelineError: it failed.
    """
    begun = begin(
        *(endpoint, keyspace, table, folder, FileToRead(path=str(file), dialect=Dialect())),
        consistency_level=consistency_level,
        config=config,
    )
    send_rows(begun, engine)
    finish(begun)


def begin(
    endpoint: Endpoint,
    keyspace: str,
    table: str,
    folder: Path,
    file: FileToRead,
    *,
    port: int | None = None,
    consistency_level: str = "LOCAL_ONE",
    config: LoadConfig = IN_THE_CLUSTER,
) -> jobs.BegunLoad:
    """Describe a file and begin its load anew; `port` is where the load reaches the server, if elsewhere."""
    load = jobs.Load(
        cluster=ClusterConfig(
            contact_points=endpoint.contact_points,
            port=port or endpoint.port,
            consistency_level=consistency_level,
        ),
        keyspace=KeyspaceConfig(name=keyspace),
        table=table,
        files=tuple(run_job(DescribeFiles(files=(file,))).files),
        config=config,
        checkpoints=str(folder / "checkpoints"),
        bad_rows=str(folder / "bad"),
    )
    return run_job(jobs.BeginLoad(plan=run_job(jobs.PlanLoad(load=load)), anew=True))


def finish(begun: jobs.BegunLoad) -> int:
    """Settle a load, write its marker, and return how many rows are acknowledged."""
    finished = jobs.FinishLoad(
        plan=begun.plan, journal=begun.journal, date=date.min, source="bench", input_sha256=""
    )
    return run_job(finished).acknowledged
