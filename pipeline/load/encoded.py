"""A split's rows as bytes, in the order of sending, and its bad rows.

Rows are sent by occurrence: first the first row of each primary key, then the second, and so on. Each
occurrence has a later write timestamp than the one before it. So the last row of the file wins each cell,
whichever request arrives first. Within an occurrence, rows with the same replicas are together, in the order
of their tokens, because that is the order of the server's memtable: docs/decisions/0017-token-order.md.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cassandra.pool import Host

from pipeline.cql.arrowvalues import any_text_of, normalised
from pipeline.cql.bytearrays import are_distinct
from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column, join_rows
from pipeline.cql.tables import Table
from pipeline.cql.tokens import by_token, murmur3_tokens
from pipeline.cql.types.cqltype import NestedType
from pipeline.errors import abbreviated
from pipeline.load.jobs import LoadPlan
from pipeline.load.using import encode_using
from pipeline.requests.frames import REQUEST_MAX_BYTES, EncodedRows
from pipeline.requests.replicas import Replicas
from pipeline.rowfiles.badrows import NO_KEY_TEXT, NO_KEY_VALUE, BadRow
from pipeline.rowfiles.fields import TTL, Field
from pipeline.rowfiles.forms import rewritten
from pipeline.rowfiles.splitrows import SplitRows

Integers = npt.NDArray[np.int64]
Fault = tuple[int, int | None, str]
"""What is wrong with a row: its position in the split, the field's number (None: the row), and the reason."""


@dataclass(frozen=True, kw_only=True)
class RowRange:
    """Rows `start` to `stop` in the order of sending: all on the same replicas, all with different keys."""

    start: int
    stop: int
    occurrence: int
    replicas: tuple[Host, ...]


@dataclass(frozen=True, kw_only=True)
class EncodedSplit:
    """The good rows of a split in the order of sending, row i from `positions[i]`; and its bad ones."""

    rows: EncodedRows
    positions: Integers
    row_ranges: Sequence[RowRange]
    bad: Sequence[BadRow]

    @property
    def row_count(self) -> int:
        """How many rows were read, good and bad."""
        return len(self.positions) + len({row.place for row in self.bad})


@dataclass(frozen=True)
class InsertPlan:
    """How rows become INSERTs: table, fields, what null means, the bytes before each row, expiry.

    `using` are the fields with the time to live and the write timestamp of each row.
    """

    table: Table
    fields: Sequence[Field]
    nulls: str
    prefix: bytes
    expires: bool
    using: Sequence[Field] = ()

    @classmethod
    def of(cls, plan: LoadPlan, prefix: bytes = b"") -> Self:
        """Return the insert plan of a load plan."""
        config = plan.load.config
        expires = plan.table.expires(config.ttl_s) or TTL in (field.column for field in plan.using)
        return cls(
            plan.table, plan.fields, nulls=config.nulls, prefix=prefix, expires=expires, using=plan.using
        )

    @property
    def read(self) -> Sequence[Field]:
        """What is read of a file for each row."""
        return [*self.fields, *self.using]


def encode_split(split_rows: SplitRows, shape: InsertPlan, replicas: Replicas) -> EncodedSplit:
    """Return the rows of a split as bytes, and what is wrong with the bad rows."""
    values, lengths, faults = encode_fields(split_rows, shape)
    order, occurrences, sets = _order(shape, values, sorted({at for at, _, _ in faults}), replicas)
    # One by one, so that each unordered column is freed before the next one is ordered.
    for number in range(len(values)):
        values[number] = values[number].take(order)
        lengths[number] = lengths[number][order]
    count = len(shape.fields)
    data, offsets = join_rows(values[:count], nulls=shape.nulls, prefix=shape.prefix, using=values[count:])
    return EncodedSplit(
        rows=EncodedRows(memoryview(data), offsets.data, _sizes_on_server(shape, values, lengths)),
        positions=order,
        row_ranges=_row_ranges(occurrences, sets, len(order), replicas),
        bad=sorted([*split_rows.bad, *faulty_rows(split_rows, shape, faults)], key=lambda row: row.place),
    )


def encode_fields(
    split_rows: SplitRows, shape: InsertPlan
) -> tuple[list[pa.BinaryArray], list[Integers], list[Fault]]:
    """Return a split's values as bytes and their lengths, both by field, and the faults of rows.

    The fields are those of `shape.read`.
    """
    pairs = [
        (encode_using if field in shape.using else _encode_field)(field, values)
        for field, values in zip(shape.read, split_rows.columns, strict=True)
    ]
    values = [array for array, _ in pairs]
    lengths = [pc.binary_length(array).fill_null(0).to_numpy().astype(np.int64) for array in values]
    faults: list[Fault] = [
        (at, number, reason) for number, (_, wrong) in enumerate(pairs) for at, reason in wrong.items()
    ]
    faults += _key_faults(shape, pairs, lengths, empty_is_null=split_rows.empty_is_null)
    row_bytes = sum(lengths)
    for at in np.flatnonzero(row_bytes > REQUEST_MAX_BYTES):
        faults.append((int(at), None, f"{row_bytes[at]} bytes of values; {REQUEST_MAX_BYTES} are the most"))
    return values, lengths, faults


def _encode_field(field: Field, values: pa.Array) -> tuple[pa.BinaryArray, Mapping[int, str]]:
    """Return a field's values as bytes, and what is wrong with which of them."""
    texts, wrong = rewritten(field.column, values, field.values)
    encoded, more = encode_column(field.column, texts)
    return encoded, {**wrong, **more}


def _key_faults(
    shape: InsertPlan,
    pairs: Sequence[tuple[pa.BinaryArray, Mapping[int, str]]],
    lengths: Sequence[Integers],
    *,
    empty_is_null: bool,
) -> list[Fault]:
    """Return the faults in keys that the server would refuse, beside wrong values."""
    faults: list[Fault] = []
    keys = {"partition key": shape.table.partition_key, "clustering key": shape.table.clustering_key}
    for what, names in keys.items():
        is_composite = what == "partition key" and len(names) > 1
        key_bytes = np.zeros(len(pairs[0][0]), dtype=np.int64)
        for number, field in enumerate(shape.fields):
            if field.column.name not in names:
                continue
            values, wrong = pairs[number]
            absent = values.is_null().to_numpy(zero_copy_only=False)
            reason = NO_KEY_VALUE
            if what == "partition key" and not is_composite:
                absent |= lengths[number] == 0
            elif empty_is_null and field.column.cql_type.is_text:
                reason = NO_KEY_TEXT
            faults += [(at, number, reason) for at in np.flatnonzero(absent).tolist() if at not in wrong]
            key_bytes += lengths[number] + 3 * is_composite
        for at in np.flatnonzero(key_bytes > _KEY_MAX_BYTES).tolist():
            faults.append((at, None, f"a {what} of {key_bytes[at]} bytes; {_KEY_MAX_BYTES} are the most"))
    return faults


def _order(
    shape: InsertPlan, values: Sequence[pa.BinaryArray], bad: Sequence[int], replicas: Replicas
) -> tuple[Integers, Integers | None, Integers | None]:
    """Return the good rows' positions in the order of sending, with each row's occurrence and replica set.

    The order is by occurrence, then by replica set, then by token. None means a single occurrence or set.
    """
    good = np.delete(np.arange(len(values[0])), bad) if bad else None
    by_name = {field.column.name: values[number] for number, field in enumerate(shape.fields)}
    if good is not None:
        by_name = {name: array.take(good) for name, array in by_name.items()}
    occurrences = _occurrences([by_name[name] for name in shape.table.same_cells([*by_name])])
    tokens = murmur3_tokens([by_name[name] for name in shape.table.partition_key])
    sets = replicas.set_numbers(tokens) if len(replicas.sets) > 1 else None
    order = by_token(tokens)
    for numbers in (sets, occurrences):
        if numbers is not None:
            order = order[np.argsort(numbers[order], kind="stable")]
    occurrences, sets = (None if each is None else each[order] for each in (occurrences, sets))
    return (order if good is None else good[order]), occurrences, sets


def _occurrences(key: Sequence[pa.BinaryArray]) -> Integers | None:
    """Return for each row how many rows before it have its key; None if all keys differ."""
    joined = pc.binary_join_element_wise(*key, b"\0") if len(key) > 1 else key[0]
    if are_distinct(joined):
        return None
    codes = joined.dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ranks = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    occurrences = np.empty(len(codes), dtype=np.int64)
    occurrences[order] = ranks
    return occurrences


def _row_ranges(
    occurrences: Integers | None, sets: Integers | None, count: int, replicas: Replicas
) -> list[RowRange]:
    zeros = np.zeros(count, dtype=np.int64)
    occurrence_of, set_of = (zeros if each is None else each for each in (occurrences, sets))
    changes = (occurrence_of[1:] != occurrence_of[:-1]) | (set_of[1:] != set_of[:-1])
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), count]
    return [
        RowRange(
            start=start,
            stop=stop,
            occurrence=int(occurrence_of[start]),
            replicas=replicas.sets[set_of[start]],
        )
        for start, stop in itertools.pairwise(edges)
        if start < stop
    ]


def _sizes_on_server(
    shape: InsertPlan, values: Sequence[pa.BinaryArray], lengths: Sequence[Integers]
) -> Integers:
    """Return the bytes that the server's batch threshold counts for each row, or more.

    Measured on Cassandra 5.0.9: 50 a row, 12 more if it expires; the clustering key; for each cell, also a
    deleted one, 20 and its value; for a collection or user type that is not frozen 12, and for each element
    20, its bytes and, in a list, a key of 16.
    """
    sizes = np.full(len(values[0]), 50 + 12 * shape.expires, dtype=np.int64)
    for field, array, length in zip(shape.fields, values, lengths, strict=False):
        if field.column.name in shape.table.partition_key:
            continue
        if field.column.is_key:
            sizes += length
            continue
        counts = _element_counts(field.column, array)
        base = 20 if counts is None else 12 + 32 * counts
        absent = 20 if shape.nulls == "write" else 0
        sizes += np.where(array.is_valid().to_numpy(zero_copy_only=False), base + length, absent)
    return sizes


def _element_counts(column: Column, array: pa.BinaryArray) -> Integers | None:
    """Return how many elements each value of a column has; None if elements have no cells of their own."""
    kind = column.cql_type
    if not isinstance(kind, NestedType) or not kind.is_multicell:
        return None
    if kind.field_count is not None:
        return np.full(len(array), kind.field_count, dtype=np.int64)
    heads = pc.binary_slice(array, 0, 4).fill_null(b"").cast(pa.large_binary())
    return np.array([int.from_bytes(head) for head in heads.to_pylist()], dtype=np.int64)


def faulty_rows(split_rows: SplitRows, shape: InsertPlan, faults: Sequence[Fault]) -> list[BadRow]:
    """Return the bad rows that faults in their values make."""
    return [
        bad_row(
            split_rows,
            at,
            reason,
            None if number is None else (shape.read[number], split_rows.columns[number]),
        )
        for at, number, reason in faults
    ]


def bad_row(
    split_rows: SplitRows, at: int, reason: str, value: tuple[Field, pa.Array] | None = None
) -> BadRow:
    """Return the bad row at position `at` of a split; `value` is the wrong field and its column."""
    field, text = None, ""
    if value:
        field, array = value
        text = any_text_of(field.column.cql_type, normalised(array.slice(at, 1))[0])
    return BadRow(
        file=str(split_rows.file),
        line=int(split_rows.lines[at]),
        column=field.column.name if field else "",
        value=abbreviated(text),
        reason=reason,
        row=int(split_rows.places[at]) if split_rows.find_lines else None,
    )


_KEY_MAX_BYTES = 65_535
