"""A table as the cluster describes it: its columns, its id, and how a row is written to it."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from cassandra.cluster import Session
from cassandra.metadata import TableMetadata, protect_name
from cassandra.pool import NoConnectionsAvailable

from pipeline.cluster.keyspace import find_table_id
from pipeline.cluster.translation import is_transient, translated_errors
from pipeline.cql.columns import Column
from pipeline.errors import SchemaError, suggestion


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a cluster.

    `id` tells one making of it from another. `truncated_at` and `column_dropped_at` are when the servers say
    that it was last truncated, and that a column of it was last dropped: milliseconds since 1970 as 16 hex
    digits, which sort by time, or empty where that never happened.
    """

    keyspace: str
    name: str
    id: str
    truncated_at: str
    column_dropped_at: str
    columns: Sequence[Column]
    partition_key: Sequence[str]
    clustering_key: Sequence[str]
    static: Sequence[str]

    def __str__(self) -> str:
        return f"{self.keyspace}.{self.name}"

    @property
    def emptied_at(self) -> str:
        """When values that had been loaded were last taken out of it as a whole."""
        return max(self.truncated_at, self.column_dropped_at)

    def insert(self, names: Sequence[str], *, ttl_s: int | None = None) -> str:
        """Return the INSERT of these columns, with a marker for each value.

        `ttl_s` None leaves the time to live to the table; 0 is none, whatever the table's default.
        """
        columns = ", ".join(map(protect_name, names))
        markers = ", ".join("?" * len(names))
        using = "" if ttl_s is None else f" USING TTL {ttl_s}"
        return f"INSERT INTO {self.quoted} ({columns}) VALUES ({markers}){using}"  # noqa: S608 - names are quoted

    @property
    def quoted(self) -> str:
        """`keyspace.table`, as CQL wants it."""
        return f"{protect_name(self.keyspace)}.{protect_name(self.name)}"

    def same_cells(self, names: Sequence[str]) -> Sequence[str]:
        """Return by which columns rows with these write the same cells: the key, or less if one is static."""
        return self.partition_key if set(self.static).intersection(names) else self.key

    @property
    def key(self) -> Sequence[str]:
        """The columns of the primary key, in its order."""
        return [*self.partition_key, *self.clustering_key]

    def has_lists(self, names: Sequence[str]) -> bool:
        """Tell whether one of these columns is a list that is not frozen: sent twice, it is there twice."""
        return any(column.name in names and column.type_name.startswith("list<") for column in self.columns)


def find_table_of(session: Session, keyspace: str, name: str) -> Table:
    """Return what the cluster says of a table.

    Raises:
        SchemaError: there is no such table, it is a view, or it has counters.
        SettingError: a column's type is none that row files can carry.
        ClusterError: the cluster cannot be asked.
    """
    found = _metadata(session, keyspace, name)
    with translated_errors(f"cannot look for table {keyspace}.{name}"):
        table_id = str(find_table_id(session, keyspace, name))
    key = {column.name for column in found.primary_key}
    kept = session.cluster.metadata.keyspaces[keyspace]
    user_types = {
        kind.name: dict(zip(kind.field_names, kind.field_types, strict=True))
        for kind in kept.user_types.values()
    }
    columns = [
        Column(column.name, column.cql_type, column.name in key, user_types)
        for column in found.columns.values()
    ]
    for column in columns:
        if column.type_name == "counter":
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
        columns=columns,
        partition_key=[column.name for column in found.partition_key],
        clustering_key=[column.name for column in found.clustering_key],
        static=[column.name for column in found.columns.values() if column.is_static],
    )


def require_same_table(session: Session, table: Table) -> None:
    """Return if the table is still the one that was described.

    Raises:
        SchemaError: it was dropped, or dropped and created anew.
        ClusterError: the cluster cannot be asked.
    """
    with translated_errors(f"cannot look for table {table}"):
        found = find_table_id(session, table.keyspace, table.name)
    if found != table.id:
        raise SchemaError(
            f"table {table} was dropped while it was being loaded, and rows went with it; "
            "run the load again: it begins anew"
        )


def has_cdc(session: Session, table: Table) -> bool:
    """Return whether the table's changes are kept for consumers, as the cluster has it now.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    with translated_errors(f"cannot look for table {table}"):
        row = session.execute(
            "SELECT * FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s",
            (table.keyspace, table.name),
        ).one()
    return bool(row and row.get("cdc"))


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
    """Return when the table was last truncated, the newest that a node which answers knows of, as in `Table`.

    A node's record is the table's id and 20 bytes: a place in the commit log, and milliseconds since 1970.

    Raises:
        ClusterError: no node answers.
    """
    answers, away = [], None
    with translated_errors("cannot read system.local"):
        for pool in tuple(session.get_pools()):
            try:
                answers.append(session.execute("SELECT truncated_at FROM system.local", host=pool.host).one())
            except Exception as error:
                if not is_transient(error):
                    raise
                away = error
        if not answers:
            raise away or NoConnectionsAvailable("no node is up")
    records = [(answer["truncated_at"] or {}).get(uuid.UUID(table_id), b"") for answer in answers]
    return max((record[-8:].hex() for record in records), default="")


def _column_dropped_at(session: Session, keyspace: str, name: str) -> str:
    """Return when a column was last dropped: what it held is gone, even where it was added again."""
    with translated_errors("cannot read system_schema.dropped_columns"):
        found = session.execute(
            "SELECT dropped_time FROM system_schema.dropped_columns "
            "WHERE keyspace_name = %s AND table_name = %s",
            (keyspace, name),
        )
        times = [row["dropped_time"] for row in found]
    return max((_milliseconds(time).to_bytes(8).hex() for time in times), default="")


def _milliseconds(time: dt.datetime) -> int:
    return round(time.replace(tzinfo=dt.UTC).timestamp() * 1000)
