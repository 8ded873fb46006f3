"""The marker: one row in the cluster that records a finished load, with its table and its input.

The same table records the write timestamps that loads with `--timestamp-us` have given to lists that are not
frozen: if list elements are written twice with the same timestamp, the list contains them twice.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime

from cassandra.cluster import Session
from cassandra.cqlengine import columns, management
from cassandra.cqlengine.models import Model

from pipeline.cluster.agreement import schema_change
from pipeline.cluster.jobs import Marker
from pipeline.cluster.keyspace import bind_model, ensure_table, find_table, table_name
from pipeline.cluster.translation import translated_errors
from pipeline.cql.tables import Table
from pipeline.errors import SchemaError, SettingError


class LoadMarker(Model):
    """One finished load: the table's id reveals a re-created table, the digest an edited input.

    `truncated_at` is the value of `Table.truncated_at` when the load finished.
    """

    __table_name__ = "load_marker"
    table_name = columns.Text(partition_key=True)
    date = columns.Date(primary_key=True)
    source = columns.Text(primary_key=True)
    table_id = columns.UUID()
    truncated_at = columns.Text()
    input_sha256 = columns.Text()
    rows = columns.BigInt()
    finished_at = columns.DateTime()


def ensure_marker_table(session: Session, keyspace: str, *, manage_schema: bool) -> None:
    """Create the marker table if it is absent, and add the columns that an earlier version did not have.

    Raises:
        SchemaError: `manage_schema` is false, and it is absent or of an earlier version.
        ClusterError: the cluster refuses, or does not answer.
    """
    model = bind_model(LoadMarker, keyspace)
    found = find_table(session, model)
    if found is not None and "truncated_at" not in found.columns:
        alter = f"ALTER TABLE {model.column_family_name()} ADD truncated_at text"
        if not manage_schema:
            raise SchemaError(
                f"table {table_name(model)} has no column truncated_at and manage_schema is false; "
                f"have it added: {alter}"
            )
        with schema_change(session, f"cannot add a column to table {table_name(model)}"):
            management.sync_table(model)
    ensure_table(session, model, manage_schema=manage_schema)


def reserve_list_timestamps(table: Table, first_us: int, count: int) -> None:
    """Record that a load writes `count` timestamps, from `first_us` on, to a table with unfrozen lists.

    Call this before the first row is sent. A repeated load with other timestamps replaces a list; one with
    the same timestamps adds its elements a second time.

    Raises:
        SettingError: a load has written some of these timestamps already, since the table was created and
            last truncated.
        ClusterError: the cluster cannot be queried, or the write failed.
    """
    model = bind_model(LoadMarker, table.keyspace)
    with translated_errors(f"cannot read the timestamps in {table.keyspace}.load_marker"):
        for used in model.objects(table_name=table.name, date=_LIST_TIMESTAMPS).limit(None):
            first, end = int(used.source), int(used.source) + used.rows
            is_obsolete = str(used.table_id) != table.id or used.truncated_at < table.truncated_at
            if not is_obsolete and first < first_us + count and first_us < end:
                raise SettingError(
                    f"timestamp_us is {first_us}, and a load has written {first} to {end - 1} into {table} "
                    "already; a list contains elements twice if they are written twice with one timestamp; "
                    f"leave --timestamp-us out, or name one from {end} on"
                )
    with translated_errors(f"cannot write the timestamps in {table.keyspace}.load_marker"):
        model.create(
            table_name=table.name,
            date=_LIST_TIMESTAMPS,
            source=str(first_us),
            table_id=uuid.UUID(table.id),
            truncated_at=table.truncated_at,
            rows=count,
        )


def find_markers(session: Session, keyspace: str, table: str, dates: Sequence[date]) -> list[Marker]:
    """Return the markers of `table` on `dates`, in one query.

    The list is empty if the marker table is of an earlier version, which did not store truncations: then
    nothing shows that the rows are still there.

    Raises:
        ClusterError: the query failed.
    """
    model = bind_model(LoadMarker, keyspace)
    found_table = find_table(session, model)
    if not dates or found_table is None or "truncated_at" not in found_table.columns:
        return []
    with translated_errors(f"cannot read the markers in {keyspace}.load_marker"):
        found = list(model.objects(table_name=table, date__in=list(dates)).limit(None))
    return [
        Marker(
            date=marker.date.date(),
            source=marker.source,
            table_id=str(marker.table_id),
            truncated_at=marker.truncated_at,
            input_sha256=marker.input_sha256,
            rows=marker.rows,
            finished_at_s=marker.finished_at.replace(tzinfo=UTC).timestamp(),
        )
        for marker in found
    ]


def void_marker(table: Table, *, day: date, source: str, input_sha256: str) -> None:
    """Remove the marker of an input whose content has changed. Call this before its first row is sent.

    Raises:
        ClusterError: the cluster cannot be queried, or refuses.
    """
    model = bind_model(LoadMarker, table.keyspace)
    with translated_errors(f"cannot remove a marker of {table}"):
        for marker in model.objects(table_name=table.name, date=day, source=source):
            if marker.input_sha256 != input_sha256:
                marker.delete()


def write_marker(keyspace: str, *, table: str, day: date, source: str, **values: object) -> None:
    """Write the marker of a finished load; `values` are its other columns.

    Raises:
        ClusterError: the write failed.
    """
    table_id = uuid.UUID(str(values.pop("table_id")))
    with translated_errors(f"cannot write the marker of {keyspace}.{table}"):
        bind_model(LoadMarker, keyspace).create(
            table_name=table,
            date=day,
            source=source,
            table_id=table_id,
            finished_at=datetime.now(UTC),
            **values,
        )


_LIST_TIMESTAMPS = date(1, 1, 1)
"""The date in those rows of the marker table that record timestamps: no load has this date."""
