"""The handlers of the measuring jobs."""

from cassandra.cluster import Session

from pipeline.cluster.busy_polling import BusyPollingConnection
from pipeline.cluster.session import open_session
from pipeline.cql.columns import Row
from pipeline.datasets.dataset import Dataset, find_dataset
from pipeline.errors import RowFileError
from pipeline.measure.article.sweep import sweep
from pipeline.measure.experiment.run import run_experiment
from pipeline.measure.jobs import ClusterFacts, ExperimentResult, LatencySweep, RunExperiment, SweepLatencies
from pipeline.rowfiles.files import read_rows
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.workers.jobs import Progress


def sweep_latencies(job: SweepLatencies, progress: Progress) -> LatencySweep:
    """Time the rows in a loop and through a Pool; raise as `sweep` does."""
    dataset = find_dataset(job.dataset)
    rows = _rows_to_time(job.rows, dataset)
    with open_session(job.cluster, connection_class=BusyPollingConnection) as session:
        return sweep(session, dataset, job, rows, _cluster_facts(session, job), progress)


def run_experiment_job(job: RunExperiment, progress: Progress) -> ExperimentResult:
    """Time the contenders; raise as `run_experiment` does."""
    dataset = find_dataset(job.dataset)
    rows = _rows_to_time(job.rows, dataset)
    with open_session(job.cluster) as session:
        return run_experiment(session, dataset, job, rows, _cluster_facts(session, job), progress)


def _rows_to_time(wanted: RowsToRead, dataset: Dataset) -> list[Row]:
    rows = list(read_rows(wanted, dataset.columns))
    if not rows:
        listed = ", ".join(file.path for file in wanted.files)
        raise RowFileError(f"{listed}: no rows to time; generate or name some")
    return rows


def _cluster_facts(session: Session, job: SweepLatencies | RunExperiment) -> ClusterFacts:
    cluster = session.cluster
    hosts = cluster.metadata.all_hosts()
    return ClusterFacts(
        name=cluster.metadata.cluster_name,
        nodes=len(hosts),
        cassandra=tuple(sorted({host.release_version for host in hosts})),
        partitioner=cluster.metadata.partitioner.rsplit(".")[-1],
        replication=cluster.metadata.keyspaces[job.keyspace.name].replication_strategy.export_for_schema(),
        consistency_level=job.cluster.consistency_level,
        protocol_version=cluster.protocol_version,
        reactor=cluster.connection_class.__name__,
    )
