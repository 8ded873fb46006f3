"""Converts Arrow arrays of byte strings to numpy without a copy, and matrices to Arrow arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]


def require(condition: bool) -> None:  # noqa: FBT001 - it is the sentence's only word
    """Raise ValueError if a column has values for which its encoder gives no guarantee."""
    if not condition:
        raise ValueError


def require_text(values: pa.Array) -> None:
    """Raise NotImplementedError if a column is not text; for encoders that take only text."""
    if not pa.types.is_string(values.type):
        raise NotImplementedError


def storage(values: pa.Array) -> pa.Array:
    """Return the values in the Arrow type that they are stored in."""
    return values.storage if isinstance(values, pa.ExtensionArray) else values


def from_hex(digits: Bytes) -> Bytes:
    """Return the bytes that hexadecimal digits stand for; raise ValueError of anything else."""
    found = bytes.fromhex(str(np.ascontiguousarray(digits).data, "ascii"))
    # It passes over white space.
    require(2 * len(found) == digits.size)
    return np.frombuffer(found, np.uint8)


def offsets_and_bytes(values: pa.Array) -> tuple[npt.NDArray[np.int32], Bytes]:
    """Return the n + 1 offsets of an array of strings or bytes, from 0, and the bytes they cut into values.

    A null may have bytes between its offsets too; they have no meaning.
    """
    _, offsets_buffer, data = values.buffers()
    if offsets_buffer is None or len(values) == 0:
        return np.zeros(1, np.int32), np.empty(0, np.uint8)
    offsets = np.frombuffer(offsets_buffer, np.int32)[values.offset : values.offset + len(values) + 1]
    letters = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return offsets - offsets[0], letters[offsets[0] : offsets[-1]]


def are_distinct(values: pa.BinaryArray) -> bool:
    """Return whether all values, none of them null, are different.

    Values of 4, 8 or 16 bytes, as keys mostly are, become numbers: where no two of these are the same, no two
    values are. To sort numbers takes a tenth of the time of a hash table of values.
    """
    offsets, data = offsets_and_bytes(values)
    width = len(data) // max(1, len(values))
    if width in _NUMBERS and bool((np.diff(offsets) == width).all()):
        words = data.view(_NUMBERS[width]).reshape(len(values), -1)
        first, last = words[:, 0], words[:, -1]
        # Multiplying by an odd factor keeps all bits of a word, so halves that rise together do not cancel
        # out.
        numbers = np.sort(first if words.shape[1] == 1 else first ^ last * _GOLDEN_RATIO)
        if (numbers[1:] != numbers[:-1]).all():
            return True
    return bool(pc.count_distinct(values).as_py() == len(values))


def fixed_width(rows: Bytes) -> pa.BinaryArray:
    """Return one value a row of the matrix."""
    count, width = rows.shape
    return from_offsets(np.arange(count + 1, dtype=np.int64) * width, rows)


def big_endian(numbers: npt.NDArray[Any], kind: str) -> pa.BinaryArray:
    """Return one value a number, as numpy's type `kind`, such as `>i4`, lays it out."""
    serialised = numbers.astype(kind)
    return fixed_width(serialised.view(np.uint8).reshape(-1, serialised.itemsize))


def selected(rows: Bytes, keep: npt.NDArray[np.bool_]) -> pa.BinaryArray:
    """Return one value a row of the matrix, of those bytes that `keep` has True for."""
    return from_offsets(np.concatenate([[0], keep.sum(axis=1).cumsum()]), rows[keep])


def from_offsets(offsets: npt.NDArray[Any], data: Bytes) -> pa.BinaryArray:
    """Return the values that n + 1 offsets cut out of `data`.

    Raises:
        OverflowError: they are more than 2 GiB, which Arrow's offsets cannot count.
    """
    if offsets[-1] > np.iinfo(np.int32).max:
        raise OverflowError(f"{offsets[-1]} bytes in one column; cut its rows into smaller chunks")
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


_NUMBERS = {4: np.uint32, 8: np.uint64, 16: np.uint64}
_GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)
