"""The steps of the chain, each a job carried out in a worker process and answered by a dict."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from cassandra.cluster import Session

from pipeline.cluster.busy_polling import WakefulConnection
from pipeline.cluster.keyspace import (
    bind_model,
    drop_table,
    ensure_keyspace,
    ensure_table,
    find_table_id,
    require_same_columns,
    table_name,
)
from pipeline.cluster.marker import LoadMarker, ensure_marker_table, find_markers
from pipeline.cluster.session import open_session
from pipeline.cluster.table import find_truncated_at
from pipeline.cluster.translation import translated_errors
from pipeline.cql.columns import Row
from pipeline.datasets import Dataset, find_dataset
from pipeline.datasets.generate import write_part
from pipeline.errors import RowFileError, SchemaError
from pipeline.load import steps as loadsteps
from pipeline.measure.article.sweep import sweep
from pipeline.measure.article.timing import Timer
from pipeline.measure.experiment.run import run_experiment
from pipeline.rowfiles.files import read_rows
from pipeline.verify.steps import verify
from pipeline.workers import jobs
from pipeline.workers.jobs import Progress, Result


def carry_out(job: jobs.Job, progress: Progress) -> Result:
    """Do what `job` asks and return what it says it gives.

    Raises:
        PipelineError: the step failed; each kind says why.
    """
    return _STEPS[type(job)](job, progress)


def _describe(job: jobs.DescribeTable, _: Progress) -> Result:
    absent: Result = {"table_id": None, "truncated_at": "", "markers": []}
    name = find_dataset(job.dataset).table if job.dataset else job.table
    keyspace = job.keyspace.name
    with open_session(job.cluster) as session:
        known = session.cluster.metadata.keyspaces.get(keyspace)
        if known is None or not {name, LoadMarker.__table_name__}.issubset(known.tables):
            return absent
        if job.dataset:
            require_same_columns(bind_model(find_dataset(job.dataset).model, keyspace), known.tables[name])
        with translated_errors(f"cannot look for table {keyspace}.{name}"):
            table_id = find_table_id(session, keyspace, name)
        return {
            "table_id": table_id,
            "truncated_at": find_truncated_at(session, table_id) if table_id else "",
            "markers": find_markers(session, keyspace, name, job.dates),
        }


def _set_up(job: jobs.SetUpTable, _: Progress) -> Result:
    model = bind_model(find_dataset(job.dataset).model, job.keyspace.name)
    if job.drop and not job.keyspace.manage_schema:
        raise SchemaError(
            f"--drop of {table_name(model)} refused: manage_schema is false; "
            "leave --drop out, or set it to true"
        )
    with open_session(job.cluster) as session:
        ensure_keyspace(session, job.keyspace, job.cluster.datacentre)
        if job.drop:
            drop_table(model)
        ensure_table(session, model, manage_schema=job.keyspace.manage_schema)
        ensure_marker_table(session, job.keyspace.name, manage_schema=job.keyspace.manage_schema)
    return {}


def _generate(job: jobs.GenerateFile, progress: Progress) -> Result:
    return {"rows": write_part(find_dataset(job.dataset), job, progress)}


def _sweep(job: jobs.SweepLatencies, progress: Progress) -> Result:
    dataset = find_dataset(job.dataset)
    rows = _rows_to_time(job.files, dataset)
    with open_session(job.cluster, connection_class=WakefulConnection) as session:
        return {**sweep(session, dataset, job, rows, progress), "cluster": _cluster_facts(session, job)}


def _run_experiment(job: jobs.RunExperiment, progress: Progress) -> Result:
    dataset = find_dataset(job.dataset)
    rows = _rows_to_time(job.files, dataset)
    with open_session(job.cluster) as session:
        return {
            **run_experiment(session, dataset, job, rows, progress),
            "cluster": _cluster_facts(session, job),
        }


def _measure_round_trip(job: jobs.MeasureRoundTrip, _: Progress) -> Result:
    with open_session(job.cluster) as session, translated_errors("cannot measure the cluster's latency"):
        statement = session.prepare("SELECT key FROM system.local")
        elapsed_s = []
        for _number in range(_ROUND_TRIPS):
            with Timer() as timer:
                session.execute(statement)
            elapsed_s.append(timer.elapsed_s)
    return {"round_trip_s": median(elapsed_s)}


def _rows_to_time(files: Sequence[str], dataset: Dataset) -> list[Row]:
    rows = list(read_rows([Path(file) for file in files], dataset.columns))
    if not rows:
        raise RowFileError(f"{', '.join(files)}: no rows to time; generate or name some")
    return rows


def _cluster_facts(session: Session, job: jobs.TableJob) -> Mapping[str, Any]:
    cluster = session.cluster
    hosts = cluster.metadata.all_hosts()
    return {
        "name": cluster.metadata.cluster_name,
        "nodes": len(hosts),
        "cassandra": sorted({host.release_version for host in hosts}),
        "partitioner": cluster.metadata.partitioner.rsplit(".")[-1],
        "replication": cluster.metadata.keyspaces[job.keyspace.name].replication_strategy.export_for_schema(),
        "consistency_level": job.cluster.consistency_level,
        "protocol_version": cluster.protocol_version,
        "reactor": cluster.connection_class.__name__,
    }


_ROUND_TRIPS = 20
_STEPS: Mapping[type, Callable[[Any, Progress], Result]] = {
    jobs.DescribeTable: _describe,
    jobs.SetUpTable: _set_up,
    jobs.GenerateFile: _generate,
    jobs.CheckRows: loadsteps.check_rows,
    jobs.BeginLoad: loadsteps.begin,
    jobs.LoadShare: loadsteps.load_share,
    jobs.FinishLoad: loadsteps.finish,
    jobs.VerifyFiles: verify,
    jobs.SweepLatencies: _sweep,
    jobs.RunExperiment: _run_experiment,
    jobs.MeasureRoundTrip: _measure_round_trip,
}
