"""Columns to CQL's bytes and rows to the body of a statement, a column at a time wherever that is possible.

The bytes of a value are defined once, by `CqlType.parse` of its text and the driver's serialiser. The
columnar encoders give the same bytes faster; if one is not sure of a value, that value and its neighbours are
encoded one by one.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.arrowvalues import Wrong, normalised, read_values
from pipeline.cql.bytearrays import fixed_width, offsets_and_bytes
from pipeline.cql.columns import Column


def encode_column(column: Column, values: pa.Array) -> tuple[pa.BinaryArray, dict[int, str]]:
    """Return the serialised values, without lengths, and for each wrong value its position and what is wrong.

    `values` are texts (CSV) or of any Arrow type that Parquet has for them. A null stays null, and a wrong
    value becomes null; an empty text is a text.

    Raises:
        OverflowError, pyarrow.ArrowException: the column's bytes are more than 2 GiB.
    """
    values = normalised(values)
    is_there = values.is_valid().to_numpy(zero_copy_only=False)
    present = values.drop_null() if values.null_count else values
    reasons: dict[int, str] = {}
    parts = list(_encode(column, present, 0, reasons, iter(range(_MOST_HALVINGS))))
    if not parts:
        return pa.nulls(len(values), pa.binary()), {}
    encoded = pa.concat_arrays(parts) if len(parts) > 1 else parts[0]
    if len(present) == len(values):
        return encoded, reasons
    positions = np.flatnonzero(is_there)
    places = pa.array(is_there.cumsum() - 1, mask=~is_there)
    return encoded.take(places), {int(positions[at]): reason for at, reason in reasons.items()}


def encode_values(column: Column, values: pa.Array) -> tuple[pa.BinaryArray, dict[int, str]]:
    """Do the same as `encode_column`, one value at a time, by the definition."""
    kind = column.cql_type
    serialised: list[bytes | None] = []
    reasons: dict[int, str] = {}
    for at, value in enumerate(read_values(kind, values)):
        if isinstance(value, Wrong):
            reasons[at] = value.reason(column.type_name)
        is_value = value is not None and not isinstance(value, Wrong)
        serialised.append(kind.serialise(value) if is_value else None)
    return pa.array(serialised, pa.binary()), reasons


def _encode(
    column: Column, values: pa.Array, first: int, reasons: dict[int, str], halvings: Iterator[int]
) -> Iterator[pa.BinaryArray]:
    """Yield the values' bytes in parts, by the columnar encoder if it is sure of them.

    When `halvings` is exhausted, many values are doubtful: the rest is encoded one by one.
    """
    encoder = column.cql_type.encode
    if encoder and len(values) > 0:
        try:
            yield encoder(values)
        except NotImplementedError:
            pass
        except ValueError:
            # Halving finds the few doubtful values.
            if len(values) > _SMALLEST_PART_ROWS and next(halvings, None) is not None:
                middle = len(values) // 2
                yield from _encode(column, values[:middle], first, reasons, halvings)
                yield from _encode(column, values[middle:], first + middle, reasons, halvings)
                return
        else:
            return
    if len(values) > 0:
        encoded, found = encode_values(column, values)
        reasons.update((first + at, reason) for at, reason in found.items())
        yield encoded


def join_rows(
    columns: Sequence[pa.BinaryArray],
    *,
    nulls: str,
    prefix: bytes = b"",
    using: Sequence[pa.BinaryArray] = (),
) -> tuple[pa.Buffer, npt.NDArray[Any]]:
    """Return the rows' bodies in one buffer and the n + 1 offsets between them.

    A row is `prefix`, how many values it has in 2 bytes, and of each its length in 4 bytes and its bytes;
    a null is only a length, -1 where `nulls` is `write`, and -2, which leaves the cell as it is, where it is
    `unset` (native protocol 4, section 3). The values `using` follow; a null of theirs is always unset.
    """
    null_sizes = [{"write": -1, "unset": _UNSET}[nulls]] * len(columns) + [_UNSET] * len(using)
    columns = [*columns, *using]
    head = prefix + struct.pack(">h", len(columns))
    parts: list[pa.Array] = []
    size_bytes = 0
    for column, null_size in zip(columns, null_sizes, strict=True):
        sizes = np.diff(offsets_and_bytes(column)[0])
        size_bytes += int(sizes.sum(dtype=np.int64)) + len(column) * (4 + len(head))
        if column.null_count:
            sizes = np.where(column.is_valid().to_numpy(zero_copy_only=False), sizes, null_size)
        parts += [_with_head(head, sizes), column]
        head = b""
    if size_bytes > np.iinfo(np.int32).max:
        parts = [part.cast(pa.large_binary()) for part in parts]
    empty = pa.scalar(b"", parts[0].type)
    joined = pc.binary_join_element_wise(*parts, empty, null_handling="replace", null_replacement=b"")
    _, offsets, data = joined.buffers()
    kind = np.int32 if pa.types.is_binary(joined.type) else np.int64
    return data or pa.py_buffer(b""), np.frombuffer(offsets, kind)[: len(joined) + 1]


def _with_head(head: bytes, sizes: npt.NDArray[Any]) -> pa.BinaryArray:
    rows = np.empty((len(sizes), len(head) + 4), np.uint8)
    rows[:, : len(head)] = np.frombuffer(head, np.uint8)
    rows[:, len(head) :] = sizes.astype(">i4").view(np.uint8).reshape(-1, 4)
    return fixed_width(rows)


_UNSET = -2
_SMALLEST_PART_ROWS = 16
_MOST_HALVINGS = 256
