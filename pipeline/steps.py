"""The steps of the chain, each a job carried out in a worker process and answered by a dict."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cassandra.cluster import Session

from pipeline import jobs
from pipeline.datasets import Dataset, find_dataset
from pipeline.errors import RowFileError, SchemaError
from pipeline.generate import generate_rows
from pipeline.jobs import Progress, Result
from pipeline.keyspace import (
    bind_model,
    drop_table,
    ensure_keyspace,
    ensure_table,
    find_table,
    find_table_id,
    require_same_columns,
    table_name,
)
from pipeline.loader import load_prepared, share_of
from pipeline.marker import LoadMarker, find_markers, write_marker
from pipeline.progress import Counted, reporting
from pipeline.rowfiles import digest, key_positions, read_rows, write_rows
from pipeline.session import open_session, translated_errors
from pipeline.sweep import sweep
from pipeline.timing import Timer
from pipeline.verify import index_keys, verify_rows


def carry_out(job: jobs.Job, progress: Progress) -> Result:
    """Do what `job` asks and return what it says it gives.

    Raises:
        PipelineError: the step failed; each kind says why.
    """
    return _STEPS[type(job)](job, progress)


def _describe(job: jobs.DescribeTable, _: Progress) -> Result:
    dataset = find_dataset(job.dataset)
    model = bind_model(dataset.model, job.keyspace.name)
    with open_session(job.cluster) as session:
        table = find_table(session, model)
        if table is None or find_table(session, bind_model(LoadMarker, job.keyspace.name)) is None:
            return {"table_id": None, "markers": []}
        require_same_columns(model, table)
        return {
            "table_id": find_table_id(session, model),
            "markers": find_markers(session, job.keyspace.name, dataset.table, job.dates),
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
        for wanted in (model, bind_model(LoadMarker, job.keyspace.name)):
            ensure_table(session, wanted, manage_schema=job.keyspace.manage_schema)
    return {}


def _generate(job: jobs.GenerateFile, progress: Progress) -> Result:
    dataset = find_dataset(job.dataset)
    rows = Counted(generate_rows(dataset, job.date, rows=job.rows, seed=job.seed, locale=job.locale))
    with reporting(progress, job.rows, "rows generated", rows):
        return {"rows": write_rows(Path(job.file), dataset.columns, rows)}


def _check(job: jobs.CheckFiles, _: Progress) -> Result:
    files = [Path(file) for file in job.files]
    sha256 = digest(files)
    return {
        "rows": sum(1 for _ in read_rows(files, find_dataset(job.dataset).columns)),
        "input_sha256": sha256,
    }


def _load(job: jobs.LoadFiles, progress: Progress) -> Result:
    dataset = find_dataset(job.dataset)
    model = bind_model(dataset.model, job.keyspace.name)
    key_at = key_positions(dataset.columns)
    every_row = read_rows([Path(file) for file in job.files], dataset.columns)
    rows = Counted(share_of(every_row, key_at, share=job.share, shares=job.shares))
    with open_session(job.cluster) as session:
        _require_table(session, dataset, job.keyspace.name)
        with reporting(progress, job.total_rows, "rows loaded", rows), Timer() as timer:
            loaded = load_prepared(session, model, rows, pool_size=job.pool_size)
    return {"rows": loaded, "elapsed_s": timer.elapsed_s}


def _mark(job: jobs.MarkFinished, _: Progress) -> Result:
    dataset = find_dataset(job.dataset)
    with open_session(job.cluster) as session:
        write_marker(
            job.keyspace.name,
            table=dataset.table,
            day=job.date,
            source=job.source,
            table_id=_require_table(session, dataset, job.keyspace.name),
            input_sha256=job.input_sha256,
            rows=job.rows,
        )
    return {}


def _verify(job: jobs.VerifyFiles, progress: Progress) -> Result:
    dataset = find_dataset(job.dataset)
    model = bind_model(dataset.model, job.keyspace.name)
    files = [Path(file) for file in job.files]
    index = index_keys(dataset.columns, read_rows(files, dataset.columns))
    rows = Counted(read_rows(files, dataset.columns))
    with open_session(job.cluster) as session:
        _require_table(session, dataset, job.keyspace.name)
        with reporting(progress, index.rows, "rows verified", rows):
            found = verify_rows(
                session, model, dataset.columns, index, rows, pool_size=job.pool_size, exact=job.exact
            )
    found.require_equal(f"{table_name(model)} is not what was loaded")
    return {
        "rows": found.rows,
        "distinct_keys": found.distinct_keys,
        "present": found.present,
        "in_table": found.in_table,
    }


def _sweep(job: jobs.SweepLatencies, progress: Progress) -> Result:
    dataset = find_dataset(job.dataset)
    rows = list(read_rows([Path(file) for file in job.files], dataset.columns))
    if not rows:
        raise RowFileError(f"{', '.join(job.files)}: no rows to time; generate or name some")
    with open_session(job.cluster) as session:
        return {**sweep(session, dataset, job, rows, progress), "cluster": _cluster_facts(session, job)}


def _require_table(session: Session, dataset: Dataset, keyspace: str) -> str:
    model = bind_model(dataset.model, keyspace)
    with translated_errors(f"cannot look for table {table_name(model)}"):
        table_id = find_table_id(session, model)
    if table_id is None:
        raise SchemaError(f"table {table_name(model)} is absent; run SetupKeyspace")
    return table_id


def _cluster_facts(session: Session, job: jobs.SweepLatencies) -> Mapping[str, Any]:
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


_STEPS: Mapping[type, Callable[[Any, Progress], Result]] = {
    jobs.DescribeTable: _describe,
    jobs.SetUpTable: _set_up,
    jobs.GenerateFile: _generate,
    jobs.CheckFiles: _check,
    jobs.LoadFiles: _load,
    jobs.MarkFinished: _mark,
    jobs.VerifyFiles: _verify,
    jobs.SweepLatencies: _sweep,
}
