"""The ledger in the cluster: `load_ledger`, beside the markers in the keyspace of the tables.

A marker says what is loaded now, and is gone when that is no longer true. A line of the ledger says what a
run did, and stays. Its key holds the run's id, so a line that is written twice is one line.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from cassandra.cluster import Session
from cassandra.cqlengine import columns
from cassandra.cqlengine.models import Model

from pipeline.cluster.keyspace import bind_model, ensure_table, find_table
from pipeline.cluster.translation import translated_errors
from pipeline.cql.tables import quoted
from pipeline.runs.summary import RunSummary


class LoadLedger(Model):
    """The runs into the tables of a keyspace, each table's newest day first."""

    __table_name__ = "load_ledger"
    table_name = columns.Text(partition_key=True)
    date = columns.Date(primary_key=True, clustering_order="DESC")
    run_id = columns.Text(primary_key=True, clustering_order="DESC")
    task = columns.Text()
    is_verification = columns.Boolean()
    outcome = columns.Text()
    input = columns.Text()
    digest = columns.Text()
    started_at = columns.DateTime()
    seconds = columns.Double()
    rows_read = columns.BigInt()
    rows_sent = columns.BigInt()
    rows_acknowledged = columns.BigInt()
    rows_bad = columns.BigInt()
    rows_verified = columns.BigInt()
    rows_per_s = columns.Double()
    input_bytes = columns.BigInt()
    retries = columns.Map(columns.Text(), columns.BigInt())
    step_seconds = columns.Map(columns.Text(), columns.Double())
    server_version = columns.Text()
    settings = columns.Map(columns.Text(), columns.Text())
    error = columns.Text()


def write_line(session: Session, run: RunSummary, *, manage_schema: bool) -> None:
    """Write the line of a run; create the table if it is absent.

    Raises:
        SchemaError: the table is absent and `manage_schema` is false, or it differs from the model.
        ClusterError: the cluster refuses, or does not answer.
    """
    model = bind_model(LoadLedger, run.keyspace)
    ensure_table(session, model, manage_schema=manage_schema)
    values = {name: getattr(run, name) for name in _SAME_NAMES}
    with translated_errors(f"cannot write the ledger {run.keyspace}.{LoadLedger.__table_name__}"):
        model.create(
            **values,
            table_name=run.table,
            started_at=datetime.fromtimestamp(run.started_at_s, UTC).replace(tzinfo=None),
            **{name: dict(getattr(run, name)) for name in _MAPPINGS},
        )


def read_ledger(session: Session, keyspace: str, tables: Sequence[str], since: date) -> Iterator[RunSummary]:
    """Yield the runs into some tables of a keyspace, all if none is named, for batches of a day or later.

    Raises:
        ClusterError: the cluster cannot be queried.
    """
    model = bind_model(LoadLedger, keyspace)
    if find_table(session, model) is None:
        return
    with translated_errors(f"cannot read the ledger {keyspace}.{LoadLedger.__table_name__}"):
        name = f"{quoted(keyspace)}.{LoadLedger.__table_name__}"
        found = tables or [
            row["table_name"]
            for row in session.execute(f"SELECT DISTINCT table_name FROM {name}")  # noqa: S608 - our own names
        ]
        for table in found:
            for line in model.objects(table_name=table, date__gte=since).limit(None):
                yield _run_of(keyspace, line)


def _run_of(keyspace: str, line: LoadLedger) -> RunSummary:
    values: dict[str, Any] = {name: getattr(line, name) for name in _SAME_NAMES}
    # A column that an empty mapping was written to is null.
    values |= {name: dict(getattr(line, name) or {}) for name in _MAPPINGS}
    values |= {"date": line.date.date(), "started_at_s": line.started_at.replace(tzinfo=UTC).timestamp()}
    return RunSummary(keyspace=keyspace, table=line.table_name, **values)


_MAPPINGS = ("retries", "step_seconds", "settings")
_SAME_NAMES = tuple(
    field.name
    for field in dataclasses.fields(RunSummary)
    if field.name not in {*_MAPPINGS, "keyspace", "table", "started_at_s", "requests"}
)
