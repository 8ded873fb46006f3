"""The handlers of the jobs on the cluster and its tables."""

import time
from statistics import median

from cassandra import ConsistencyLevel

from pipeline.cluster.jobs import (
    CreateTable,
    DescribeTable,
    MeasureRoundTrip,
    RoundTrip,
    SetUpTable,
    TableDescription,
)
from pipeline.cluster.keyspace import (
    bind_model,
    create_table,
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
from pipeline.datasets.dataset import find_dataset, named_table
from pipeline.errors import SchemaError
from pipeline.workers.jobs import Progress


def describe_table(job: DescribeTable, _: Progress) -> TableDescription:
    """Return the table's id, its last truncation and its markers, as the cluster has them.

    Raises:
        SchemaError: the table's columns differ from its dataset's model.
        ClusterError: the cluster cannot be queried.
    """
    name = named_table(job.dataset, job.table)
    keyspace = job.keyspace.name
    with open_session(job.cluster) as session:
        known = session.cluster.metadata.keyspaces.get(keyspace)
        if known is None or not {name, LoadMarker.__table_name__}.issubset(known.tables):
            return TableDescription()
        if job.dataset:
            require_same_columns(bind_model(find_dataset(job.dataset).model, keyspace), known.tables[name])
        with translated_errors(f"cannot look for table {keyspace}.{name}"):
            table_id = find_table_id(session, keyspace, name)
        return TableDescription(
            table_id=table_id,
            truncated_at=find_truncated_at(session, table_id) if table_id else "",
            markers=tuple(find_markers(session, keyspace, name, job.dates)),
        )


def set_up_table(job: SetUpTable, _: Progress) -> None:
    """Create the keyspace, the dataset's table and the marker table if they are absent.

    Raises:
        SchemaError: a table differs from its model, or a change is needed and `manage_schema` is false.
        ClusterError: the cluster refuses, or does not answer.
    """
    model = bind_model(find_dataset(job.dataset).model, job.keyspace.name)
    if job.drop and not job.keyspace.manage_schema:
        raise SchemaError(
            f"--drop of {table_name(model)} refused: manage_schema is false; "
            "leave --drop out, or set it to true"
        )
    with open_session(job.cluster) as session:
        ensure_keyspace(session, job.keyspace, job.cluster.datacentre)
        if job.drop:
            drop_table(session, model)
        ensure_table(session, model, manage_schema=job.keyspace.manage_schema)
        ensure_marker_table(session, job.keyspace.name, manage_schema=job.keyspace.manage_schema)


def create_named_table(job: CreateTable, _: Progress) -> None:
    """Create the keyspace and the table if they are absent; raise as `create_table` does."""
    with open_session(job.cluster) as session:
        ensure_keyspace(session, job.keyspace, job.cluster.datacentre)
        create_table(session, job.keyspace, job.table, job.statement)


def measure_round_trip(job: MeasureRoundTrip, _: Progress) -> RoundTrip:
    """Send the smallest request 20 times, and return the median of its round trips.

    Raises:
        ClusterError: the cluster does not answer.
    """
    with open_session(job.cluster) as session, translated_errors("cannot measure the cluster's latency"):
        statement = session.prepare("SELECT key FROM system.local")
        statement.consistency_level = ConsistencyLevel.ONE
        elapsed_s = []
        for _number in range(_ROUND_TRIPS):
            sent_at_s = time.perf_counter()
            session.execute(statement)
            elapsed_s.append(time.perf_counter() - sent_at_s)
    return RoundTrip(round_trip_s=median(elapsed_s))


_ROUND_TRIPS = 20
