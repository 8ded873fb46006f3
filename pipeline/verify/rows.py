"""Rows of files and of tables as tuples of cells, those of the key first."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cassandra.cqltypes import BytesType
from cassandra.protocol import ProtocolHandler, ResultMessage

from pipeline.cql.columns import Column
from pipeline.cql.tables import Table, quoted
from pipeline.cql.tokens import murmur3_tokens
from pipeline.cql.types import PROTOCOL_VERSION
from pipeline.verify.cells import Cells, Form, Hashes, hashes, pack_int, shown_cell

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """Columns of a table that are read together; the first `key_size` columns are the key."""

    table: Table
    columns: Sequence[Column]
    key_size: int

    @cached_property
    def forms(self) -> Sequence[Form]:
        """The form of each column's cells."""
        return [Form(column) for column in self.columns]

    @cached_property
    def is_plain(self) -> bool:
        """Whether the server returns all cells in canonical form."""
        return not any(form.varies or form.null for form in self.forms)

    @property
    def takes_many_keys(self) -> bool:
        """Whether one request can read several keys: an IN list is possible for a key of one column."""
        return self.key_size == 1

    def select(self, condition: str) -> str:
        """Return the SELECT of the rows of which a condition is true; of all rows if it is empty."""
        # The key of static cells is only the partition key, and each row of a partition has them.
        distinct = "" if self.key_size == len(self.table.key) else "DISTINCT "
        names = ", ".join(quoted(column.name) for column in self.columns)
        where = f" WHERE {condition}" if condition else ""
        return f"SELECT {distinct}{names} FROM {self.table.quoted}{where}"  # noqa: S608 - quoted

    @property
    def by_key(self) -> str:
        """The condition that selects a key, or the keys of a list."""
        if self.takes_many_keys:
            return f"{quoted(self.columns[0].name)} IN ?"
        return self._by_one_key

    def select_written_at(self, column: Column) -> str:
        """Return the SELECT of a cell's write timestamp, as `written_at`, of the row with a key."""
        written_at = f"WRITETIME({quoted(column.name)}) AS written_at"
        return f"SELECT {written_at} FROM {self.table.quoted} WHERE {self._by_one_key} LIMIT 1"  # noqa: S608 - quoted

    @property
    def _by_one_key(self) -> str:
        names = [quoted(column.name) for column in self.columns[: self.key_size]]
        return " AND ".join(f"{name} = ?" for name in names)

    @property
    def by_token(self) -> str:
        """The condition that selects a range of tokens: first bound exclusive, second inclusive."""
        token = f"token({', '.join(map(quoted, self.table.partition_key))})"
        return f"{token} > ? AND {token} <= ?"

    def keys(self, rows: Sequence[Cells]) -> list[Cells]:
        """Return the key of each row."""
        return [row[: self.key_size] for row in rows]

    def key_hashes(self, rows: Sequence[Cells]) -> Hashes:
        """Return the hash of each row's key."""
        return hashes(list(map(itemgetter(*range(self.key_size)), rows)))

    def key_text(self, row: Cells) -> str:
        """Name a row by its key."""
        pairs = zip(self.columns[: self.key_size], row[: self.key_size], strict=True)
        return ", ".join(f"{column.name}={shown_cell(column, cell)}" for column, cell in pairs)


def views_of(table: Table, columns: Sequence[Column]) -> list[View]:
    """Return the views of these columns: rows, then partitions if the table has static columns."""
    by_name = {column.name: column for column in columns}
    static = [name for name in by_name if name in table.static]
    others = [name for name in by_name if name not in {*static, *table.key}]
    views = [(table.key, others), *([(table.partition_key, static)] if static else [])]
    return [View(table, [by_name[name] for name in (*key, *names)], len(key)) for key, names in views]


class FileRows:
    """Rows of a file as the table has them; in `cells`, a cell that the file does not set is None."""

    def __init__(self, view: View, columns: Sequence[pa.BinaryArray]) -> None:
        self._view = view
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, at: int) -> Cells:
        return self._rows[at]

    def cells(self, at: int) -> Cells:
        """Return a row's cells, None for a cell that the file does not set."""
        return tuple(column[at].as_py() for column in self._columns)

    def take(self, positions: Integers) -> "FileRows":
        """Return some of the rows."""
        return FileRows(self._view, [column.take(pa.array(positions)) for column in self._columns])

    @property
    def size_bytes(self) -> int:
        """How many bytes the rows are."""
        return sum(column.nbytes for column in self._columns)

    @property
    def key_hashes(self) -> Hashes:
        """The hash of each row's key."""
        return self._hashes[0]

    @property
    def hashes(self) -> Hashes:
        """The hash of each row."""
        return self._hashes[1]

    @cached_property
    def _hashes(self) -> tuple[Hashes, Hashes]:
        # Piece by piece, because rows as tuples take several times the memory of columns.
        starts = range(0, max(1, len(self)), _PIECE_ROWS)
        pieces = (self._tuples(slice(start, start + _PIECE_ROWS)) for start in starts)
        keys, rows = zip(*((self._view.key_hashes(piece), hashes(piece)) for piece in pieces), strict=True)
        return np.concatenate(keys), np.concatenate(rows)

    @cached_property
    def tokens(self) -> Integers:
        """The token of each row's partition."""
        by_name = {column.name: at for at, column in enumerate(self._view.columns)}
        return murmur3_tokens([self._columns[by_name[name]] for name in self._view.table.partition_key])

    @cached_property
    def _rows(self) -> list[Cells]:
        return self._tuples(slice(None))

    def _tuples(self, positions: slice) -> list[Cells]:
        filled = [
            column[positions] if form.null is None else column[positions].fill_null(form.null)
            for form, column in zip(self._view.forms, self._columns, strict=True)
        ]
        return list(zip(*(column.to_numpy(zero_copy_only=False).tolist() for column in filled), strict=True))


@dataclass(frozen=True)
class Page:
    """One page of rows from the server, and the paging state for the next page, empty after the last one."""

    rows: Sequence[Cells]
    next_page: bytes


def read_page(body: bytes, view: View) -> Page:
    """Return the page in the body of an answer without metadata (native protocol 4, section 4.2.5.2)."""
    metadata = [("", "", column.name, BytesType) for column in view.columns]
    result = _RESULT.recv_body(BytesIO(body), PROTOCOL_VERSION, {}, metadata, None)
    rows: list[Cells] = result.parsed_rows
    if not view.is_plain:
        rows = [tuple(form.of_cell(cell) for form, cell in zip(view.forms, row, strict=True)) for row in rows]
    state: bytes | None = result.paging_state
    return Page(rows, pack_int(len(state)) + state if state else b"")


_PIECE_ROWS = 4096
_RESULT = ProtocolHandler.message_types_by_opcode[ResultMessage.opcode]
"""The driver's compiled parser where it is installed, else its parser in Python."""
