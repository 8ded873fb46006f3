"""A table as a value: its columns, its identity, and the INSERT of a row."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.cql.columns import Column


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a cluster.

    `id` changes when the table is dropped and created again. `truncated_at` and `column_dropped_at` are when
    it was last truncated, and when a column of it was last dropped, by the servers' clocks: milliseconds
    since 1970 as 16 hex digits, which sort by time, or empty if that never happened. `default_ttl_s` is the
    time to live, in seconds, of rows that are written without one; 0 is none. `sees_truncation` is false if
    the servers do not note truncations.
    """

    keyspace: str
    name: str
    id: str
    truncated_at: str
    column_dropped_at: str
    columns: tuple[Column, ...]
    partition_key: tuple[str, ...]
    clustering_key: tuple[str, ...]
    static: tuple[str, ...]
    default_ttl_s: int = 0
    sees_truncation: bool = True

    def __str__(self) -> str:
        return f"{self.keyspace}.{self.name}"

    @property
    def emptied_at(self) -> str:
        """When loaded values were last removed as a whole, by a truncation or a dropped column."""
        return max(self.truncated_at, self.column_dropped_at)

    def insert(self, names: Sequence[str], *, ttl_s: int | None = None, using: Sequence[str] = ()) -> str:
        """Return the INSERT of these columns, with a marker for each value, and behind them for each `using`.

        `ttl_s` None leaves the time to live to the table; 0 is none, whatever the table's default. `using`
        may be `TTL` and `TIMESTAMP`.
        """
        columns = ", ".join(map(quoted, names))
        markers = ", ".join("?" * len(names))
        parts = [f"TTL {ttl_s}"] if ttl_s is not None else []
        parts += [f"{name} ?" for name in using]
        end = f" USING {' AND '.join(parts)}" if parts else ""
        return f"INSERT INTO {self.quoted} ({columns}) VALUES ({markers}){end}"  # noqa: S608 - names are quoted

    @property
    def quoted(self) -> str:
        """`keyspace.table`, quoted for CQL."""
        return f"{quoted(self.keyspace)}.{quoted(self.name)}"

    def same_cells(self, names: Sequence[str]) -> Sequence[str]:
        """Return by which columns rows with these write the same cells: the key, or less if one is static."""
        return self.partition_key if set(self.static).intersection(names) else self.key

    @property
    def key(self) -> Sequence[str]:
        """The columns of the primary key, in its order."""
        return [*self.partition_key, *self.clustering_key]

    def expires(self, ttl_s: int | None) -> bool:
        """Tell whether rows written with this time to live expire: None leaves it to the table, 0 is none."""
        return bool(self.default_ttl_s if ttl_s is None else ttl_s)

    def has_lists(self, names: Sequence[str]) -> bool:
        """Return whether a column is a list that is not frozen: its elements could be stored twice."""
        return any(column.name in names and column.cql_type.is_multicell_list for column in self.columns)


def quoted(name: str) -> str:
    """Return a name in double quotes, for CQL."""
    return '"' + name.replace('"', '""') + '"'
