"""Reading a table's description from the cluster: columns, id, last truncation, last dropped column."""

import datetime as dt
import time
import uuid

from cassandra.cluster import Session
from cassandra.metadata import TableMetadata
from cassandra.policies import HostDistance
from cassandra.pool import Host, HostConnection, NoConnectionsAvailable

from pipeline.cluster.keyspace import find_table_id
from pipeline.cluster.system import has_system_column, read_system
from pipeline.cluster.translation import is_transient, translated_errors
from pipeline.cql.columns import Column
from pipeline.cql.tables import Table
from pipeline.errors import SchemaError, suggestion


def find_table_of(session: Session, keyspace: str, name: str) -> Table:
    """Return the description of a table, read from the cluster.

    Raises:
        SchemaError: there is no such table, it is a view, or it has counters.
        SettingError: row files cannot contain values of a column's type.
        ClusterError: the cluster cannot be queried.
    """
    found = _metadata(session, keyspace, name)
    with translated_errors(f"cannot look for table {keyspace}.{name}"):
        table_id = str(find_table_id(session, keyspace, name))
    key = {column.name for column in found.primary_key}
    keyspace_metadata = session.cluster.metadata.keyspaces[keyspace]
    user_types = {
        kind.name: dict(zip(kind.field_names, kind.field_types, strict=True))
        for kind in keyspace_metadata.user_types.values()
    }
    columns = [
        Column(column.name, column.cql_type, column.name in key, user_types)
        for column in found.columns.values()
    ]
    for column in columns:
        if column.is_counter:
            raise SchemaError(
                f"table {keyspace}.{name}: column {column.name} is a counter; counters can only be added to, "
                "so a load that is repeated would count twice; load another table"
            )
    return Table(
        keyspace=keyspace,
        name=name,
        id=table_id,
        truncated_at=find_truncated_at(session, table_id),
        column_dropped_at=_column_dropped_at(session, keyspace, name),
        columns=tuple(columns),
        partition_key=tuple(column.name for column in found.partition_key),
        clustering_key=tuple(column.name for column in found.clustering_key),
        default_ttl_s=found.options.get("default_time_to_live", 0),
        static=tuple(column.name for column in found.columns.values() if column.is_static),
        sees_truncation=_truncations(session) is not None,
    )


def require_same_table(session: Session, table: Table) -> None:
    """Check that the table is still the one that was described.

    Raises:
        SchemaError: it was dropped, or dropped and created again.
        ClusterError: the cluster cannot be queried.
    """
    with translated_errors(f"cannot look for table {table}"):
        found = find_table_id(session, table.keyspace, table.name)
    if found != table.id:
        raise SchemaError(
            f"table {table} was dropped while it was being loaded, and rows were lost; "
            "run the load again: it starts from the beginning"
        )


def has_cdc(session: Session, table: Table) -> bool:
    """Return whether change data capture (`cdc`) of the table is on now.

    Raises:
        ClusterError: the cluster cannot be queried.
    """
    with translated_errors(f"cannot look for table {table}"):
        rows = read_system(
            session,
            "SELECT * FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s",
            (table.keyspace, table.name),
        )
    return any(row.get("cdc") for row in rows)


def _metadata(session: Session, keyspace: str, name: str) -> TableMetadata:
    keyspaces = session.cluster.metadata.keyspaces
    if keyspace not in keyspaces:
        raise SchemaError(f"keyspace {keyspace!r} is absent; {suggestion(keyspace, list(keyspaces))}")
    found = keyspaces[keyspace]
    if name in found.views:
        base = found.views[name].base_table_name
        raise SchemaError(f"{keyspace}.{name} is a materialised view; load its table, {base}")
    if name not in found.tables:
        raise SchemaError(
            f"table {keyspace}.{name} is absent; {suggestion(name, list(found.tables))}; "
            "create it, or run SetupKeyspace for a dataset's"
        )
    return found.tables[name]


def find_truncated_at(session: Session, table_id: str) -> str:
    """Return when the table was last truncated, as in `Table`: the newest record of the nodes that answer.

    Raises:
        ClusterError: no node answers, or one refuses the query.
    """
    answers, last_error = [], None
    with translated_errors("cannot read when the table was last truncated"):
        for pool in pools_of_all(session):
            try:
                answers.append(_truncated_at(session, pool.host, uuid.UUID(table_id)))
            except Exception as error:
                if not is_transient(error):
                    raise
                last_error = error
        if not answers:
            raise last_error or NoConnectionsAvailable("no node is up")
    return max(answers)


def pools_of_all(session: Session) -> tuple[HostConnection, ...]:
    """Return the connections to all nodes that are up; wait a little for those that are being opened.

    A session begins with its first connection. Nodes note a truncation at different times, so a load whose
    end asks a node that its beginning did not ask may find a later time.
    """
    distance = session.cluster.profile_manager.distance
    until_s = time.monotonic() + _POOLS_MAX_S
    while True:
        pools = tuple(session.get_pools())
        open_to = {pool.host for pool in pools}
        waited_for = [
            host
            for host in session.cluster.metadata.all_hosts()
            if host.is_up and host not in open_to and distance(host) != HostDistance.IGNORED
        ]
        if not waited_for or time.monotonic() > until_s:
            return pools
        time.sleep(_POLL_S)


def _truncations(session: Session) -> str | None:
    """Return the system table that has the time of each table's last truncation; None if there is none."""
    if has_system_column(session, _TRUNCATED, "truncated_at"):
        return _TRUNCATED
    return _LOCAL if has_system_column(session, _LOCAL, "truncated_at") else None


def _truncated_at(session: Session, host: Host, table_id: uuid.UUID) -> str:
    """Return what a node knows of a table's last truncation, as in `Table`.

    Cassandra has a map in `system.local`; a record of it has 20 bytes: a position in the commit log, and
    milliseconds since 1970. ScyllaDB has a table `system.truncated`, with a row for each of a node's shards.
    """
    kind = _truncations(session)
    if kind == _TRUNCATED:
        query = f"SELECT truncated_at FROM {_TRUNCATED} WHERE table_uuid = %s"  # noqa: S608 - our own name
        rows = read_system(session, query, (table_id,), host=host)
        return max((_hex(row["truncated_at"]) for row in rows if row["truncated_at"]), default="")
    if kind == _LOCAL:
        [row] = read_system(session, f"SELECT truncated_at FROM {_LOCAL}", host=host)  # noqa: S608 - as above
        return bytes((row["truncated_at"] or {}).get(table_id, b"")[-8:]).hex()
    return ""


def _column_dropped_at(session: Session, keyspace: str, name: str) -> str:
    """Return when a column was last dropped: its values are lost, even if it was added again."""
    if not has_system_column(session, "system_schema.dropped_columns", "dropped_time"):
        return ""
    with translated_errors("cannot read system_schema.dropped_columns"):
        found = read_system(
            session,
            "SELECT dropped_time FROM system_schema.dropped_columns "
            "WHERE keyspace_name = %s AND table_name = %s",
            (keyspace, name),
        )
        times = [row["dropped_time"] for row in found]
    return max(map(_hex, times), default="")


def _hex(moment: dt.datetime) -> str:
    """Return a time as in `Table`: milliseconds since 1970, in hexadecimal."""
    return round(moment.replace(tzinfo=dt.UTC).timestamp() * 1000).to_bytes(8).hex()


_LOCAL, _TRUNCATED = "system.local", "system.truncated"
_POLL_S = 0.02
_POOLS_MAX_S = 2.0
