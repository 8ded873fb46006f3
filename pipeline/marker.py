"""The marker: one row in the cluster that says a load is finished, for which table and of which input."""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime

from cassandra.cluster import Session
from cassandra.cqlengine import columns
from cassandra.cqlengine.models import Model

from pipeline.driver_errors import translated_errors
from pipeline.jobs import Result
from pipeline.keyspace import bind_model, find_table


class LoadMarker(Model):
    """One finished load: the table's id tells a re-created table, the digest an edited input."""

    __table_name__ = "load_marker"
    table_name = columns.Text(partition_key=True)
    date = columns.Date(primary_key=True)
    source = columns.Text(primary_key=True)
    table_id = columns.UUID()
    input_sha256 = columns.Text()
    rows = columns.BigInt()
    finished_at = columns.DateTime()


def find_markers(session: Session, keyspace: str, table: str, dates: Sequence[date]) -> list[Result]:
    """Return the markers of `table` on `dates`, in one query.

    Raises:
        ClusterError: the query failed.
    """
    model = bind_model(LoadMarker, keyspace)
    if not dates or find_table(session, model) is None:
        return []
    with translated_errors(f"cannot read the markers in {keyspace}.load_marker"):
        found = list(model.objects(table_name=table, date__in=list(dates)).limit(None))
    return [
        {
            "date": marker.date.date().isoformat(),
            "source": marker.source,
            "table_id": str(marker.table_id),
            "input_sha256": marker.input_sha256,
            "rows": marker.rows,
            "finished_at_s": marker.finished_at.replace(tzinfo=UTC).timestamp(),
        }
        for marker in found
    ]


def write_marker(keyspace: str, *, table: str, day: date, source: str, **said: object) -> None:
    """Write the marker of a finished load; `said` is its other columns.

    Raises:
        ClusterError: the write failed.
    """
    table_id = uuid.UUID(str(said.pop("table_id")))
    with translated_errors(f"cannot write the marker of {keyspace}.{table}"):
        bind_model(LoadMarker, keyspace).create(
            table_name=table,
            date=day,
            source=source,
            table_id=table_id,
            finished_at=datetime.now(UTC),
            **said,
        )
