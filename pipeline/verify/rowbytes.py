"""Rows of files and of tables as bytes: the cells of the key, then the others, each after its length.

This is the form of the server's answers (native protocol 4, section 4.2.5.2). `pipeline.verify.cells`
describes the cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.columns import Column
from pipeline.cql.encoding import join_rows
from pipeline.cql.tables import Table, quoted
from pipeline.cql.tokens import murmur3_tokens
from pipeline.verify.cells import (
    INT,
    INT_BYTES,
    Cells,
    Form,
    Hashes,
    frame,
    hashes,
    read_int,
    shown_cell,
    split,
)

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

    def key_text(self, row: bytes) -> str:
        """Name a row by its key."""
        pairs = zip(self.columns[: self.key_size], split(row, self.key_size), strict=True)
        return ", ".join(f"{column.name}={shown_cell(column, cell)}" for column, cell in pairs)


def views_of(table: Table, columns: Sequence[Column]) -> list[View]:
    """Return the views of these columns: rows, then partitions if the table has static columns."""
    by_name = {column.name: column for column in columns}
    static = [name for name in by_name if name in table.static]
    others = [name for name in by_name if name not in {*static, *table.key}]
    views = [(table.key, others), *([(table.partition_key, static)] if static else [])]
    return [View(table, [by_name[name] for name in (*key, *names)], len(key)) for key, names in views]


class FileRows:
    """Rows of a file; in `cells`, unlike in the bytes, an unset cell differs from an empty one."""

    def __init__(self, view: View, columns: Sequence[pa.BinaryArray]) -> None:
        self._view = view
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, at: int) -> bytes:
        start, _, end = self._edges[at]
        return self._content[start:end]

    def key(self, at: int) -> bytes:
        """Return the cells of a row's key."""
        start, key_end, _ = self._edges[at]
        return self._content[start:key_end]

    def cells(self, at: int) -> Cells:
        """Return a row's cells, None for a cell that the file does not set."""
        return [column[at].as_py() for column in self._columns]

    def take(self, positions: Integers) -> "FileRows":
        """Return some of the rows."""
        return FileRows(self._view, [column.take(pa.array(positions)) for column in self._columns])

    @property
    def size_bytes(self) -> int:
        """How many bytes the rows are."""
        return len(self._content)

    @cached_property
    def key_hashes(self) -> Hashes:
        """The hash of each row's key."""
        content = self._content
        return hashes([content[start:key_end] for start, key_end, _ in self._edges])

    @cached_property
    def hashes(self) -> Hashes:
        """The hash of each row."""
        content = self._content
        return hashes([content[start:end] for start, _, end in self._edges])

    @cached_property
    def tokens(self) -> Integers:
        """The token of each row's partition."""
        by_name = {column.name: at for at, column in enumerate(self._view.columns)}
        return murmur3_tokens([self._columns[by_name[name]] for name in self._view.table.partition_key])

    @cached_property
    def _joined(self) -> tuple[bytes, list[tuple[int, int, int]]]:
        """All rows joined, with the offsets where each row begins, where its key ends, and where it ends."""
        filled = [
            column if form.null is None else column.fill_null(form.null)
            for form, column in zip(self._view.forms, self._columns, strict=True)
        ]
        data, offsets = join_rows(filled, nulls="write")
        starts = offsets[:-1].astype(np.int64) + _COUNT_BYTES
        key_ends = starts.copy()
        for column in filled[: self._view.key_size]:
            key_ends += INT_BYTES + pc.binary_length(column).to_numpy()
        edges = zip(starts.tolist(), key_ends.tolist(), offsets[1:].tolist(), strict=True)
        return data.to_pybytes(), list(edges)

    @property
    def _content(self) -> bytes:
        return self._joined[0]

    @property
    def _edges(self) -> list[tuple[int, int, int]]:
        return self._joined[1]


@dataclass(frozen=True)
class Page:
    """One page of rows from the server: the rows, their keys, and the paging state for the next page."""

    keys: Sequence[bytes]
    rows: Sequence[bytes]
    next_page: bytes


def read_page(body: bytes, view: View) -> Page:
    """Return the page in the body of an answer without metadata (native protocol 4, section 4.2.5.2)."""
    at = _PAGING_AT
    if read_int(body, _FLAGS_AT) & _HAS_MORE_PAGES:
        at += INT_BYTES + read_int(body, at)
    next_page = body[_PAGING_AT:at]
    count = read_int(body, at)
    at += INT_BYTES
    keys, rows = [], []
    key_cells, other_cells = range(view.key_size), range(len(view.columns) - view.key_size)
    unpack = INT.unpack_from
    for _ in range(count):
        start = at
        for _ in key_cells:
            [size_bytes] = unpack(body, at)
            at += INT_BYTES + size_bytes if size_bytes > 0 else INT_BYTES
        keys.append(body[start:at])
        for _ in other_cells:
            [size_bytes] = unpack(body, at)
            at += INT_BYTES + size_bytes if size_bytes > 0 else INT_BYTES
        rows.append(body[start:at])
    return Page(keys, rows, next_page) if view.is_plain else _in_form(view, rows, next_page)


def _in_form(view: View, rows: Sequence[bytes], next_page: bytes) -> Page:
    found = [
        [form.of_cell(cell) for form, cell in zip(view.forms, split(row, len(view.forms)), strict=True)]
        for row in rows
    ]
    keys = [frame(cells[: view.key_size]) for cells in found]
    return Page(keys, [frame(cells) for cells in found], next_page)


_COUNT_BYTES = 2
_FLAGS_AT, _PAGING_AT = 4, 12
_HAS_MORE_PAGES = 0x02
