"""Tables of every type, filled by the server from literals, and read as the bytes that it keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cassandra.cluster import Session
from cassandra.protocol import ProtocolHandler, ResultMessage, read_int

from pipeline.embedded import Endpoint
from tests.exports.values import EDGES, NESTED, SCALARS, USER_TYPES, VECTORS, column_of
from tests.harness.sessions import connected

Values = Mapping[str, Sequence[str]]
"""The literals of each type."""

Changed = Mapping[tuple[str, str | None], tuple[str | None, str]]
"""What is loaded instead of a literal of a type, and why; None is null."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """What a tool's own format loses of the values, each with its reason.

    `refused` are the values that are not loaded, because the tool leaves out their row or writes what is no
    such value. `no_values` and `no_types` are those that it does not know.
    """

    changed: Changed = field(default_factory=dict)
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)
    no_values: Mapping[tuple[str, str], str] = field(default_factory=dict)
    no_types: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> Values:
        """Return the values that a tool writes, and that are loaded."""
        found: dict[str, list[str]] = {}
        for part in (SCALARS, NESTED, VECTORS, EDGES):
            for name, values in part.items():
                lost = {*self.refused, *self.no_values}
                kept = [value for value in values if (name, value) not in lost]
                if kept and name not in self.no_types:
                    found.setdefault(name, []).extend(kept)
        return found


class Keyspace:
    """A keyspace with the user types, for tables of some types."""

    def __init__(self, name: str, cql: Session, endpoint: Endpoint) -> None:
        self.name = name
        self._cql = cql
        self._endpoint = endpoint
        cql.execute(f"DROP KEYSPACE IF EXISTS {name}")
        replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        cql.execute(f"CREATE KEYSPACE {name} WITH replication = {replication}")
        for each in USER_TYPES:
            cql.execute(f"CREATE TYPE {name}.{each}")

    def drop(self) -> None:
        """Drop it."""
        self._cql.execute(f"DROP KEYSPACE {self.name}")

    def create(self, table: str, types: Sequence[str]) -> str:
        """Create a table with a column of each type; return its name."""
        columns = ", ".join(f"{column_of(name)} {name}" for name in types)
        self._cql.execute(f"CREATE TABLE {self.name}.{table} (id int PRIMARY KEY, {columns})")
        return f"{self.name}.{table}"

    def fill(self, table: str, values: Values, losses: Losses | None = None) -> int:
        """Write the n-th literal of each type into row n; return how many rows there are.

        With `losses` the values are those that are loaded.
        """
        changed = losses.changed if losses else {}
        count = max(map(len, values.values()))
        for row in range(count):
            literals = {name: each[row] if row < len(each) else None for name, each in values.items()}
            self.write(
                table,
                row,
                {
                    name: changed[name, literal][0] if (name, literal) in changed else literal
                    for name, literal in literals.items()
                },
            )
        return count

    def create_refused(self, losses: Losses) -> tuple[str, list[str]]:
        """Create a table with a value that is refused in each row from 1 on; return its name and types."""
        types = [*dict.fromkeys(name for name, _ in losses.refused)]
        table = self.create("source", types)
        for row in range(-20, 1):
            # cqlsh leaves out others too, of the same range of tokens.
            self.write("source", row, {})
        for row, (name, literal) in enumerate(losses.refused, start=1):
            self.write("source", row, {name: literal})
        return table, types

    def write(self, table: str, row: int, literals: Mapping[str, str | None]) -> None:
        """Write a row: a literal, or None, of some types."""
        cells = {column_of(name): literal for name, literal in literals.items() if literal is not None}
        self._cql.execute(
            f"INSERT INTO {self.name}.{table} ({', '.join(['id', *cells])}) "
            f"VALUES ({', '.join([str(row), *cells.values()])})"
        )

    def cells(self, table: str) -> dict[tuple[int, str], bytes | None]:
        """Return the bytes of each cell as the server sends them, by id and column."""
        with connected(self._endpoint) as session:
            session.client_protocol_handler = _RawHandler
            session.default_fetch_size = None
            return {
                (int.from_bytes(row["id"], signed=True), name): value
                for row in session.execute(f"SELECT * FROM {self.name}.{table}")
                for name, value in row.items()
            }


class _RawResult(ResultMessage):
    """A result whose cells stay bytes."""

    def recv_results_rows(self, f: Any, protocol_version: int, user_type_map: Any, *others: Any) -> None:  # noqa: ANN401 - the driver's own
        del protocol_version, others
        self.recv_results_metadata(f, user_type_map)
        self.column_names = [column[2] for column in self.column_metadata]
        self.column_types = [column[3] for column in self.column_metadata]
        self.parsed_rows = [self.recv_row(f, len(self.column_names)) for _ in range(read_int(f))]


class _RawHandler(ProtocolHandler):
    message_types_by_opcode = {  # noqa: RUF012 - as the driver has it
        **ProtocolHandler.message_types_by_opcode,
        ResultMessage.opcode: _RawResult,
    }
