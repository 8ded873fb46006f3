"""Murmur3Partitioner's tokens of many partition keys at once: they tell which replicas a row belongs to.

Murmur3, x64, 128 bits, of which Cassandra takes the first 64, with one deviation of its own: the bytes behind
the last block of 16 are signed (org.apache.cassandra.utils.MurmurHash.hash3_x64_128).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.bytearrays import Bytes, big_endian, offsets_and_bytes

Words = npt.NDArray[np.uint64]


def murmur3_tokens(key_columns: Sequence[pa.BinaryArray]) -> npt.NDArray[np.int64]:
    """Return each row's token, from the serialised values of the partition key's columns, in its order.

    None may be null, and of several none longer than 65,535 bytes.
    """
    offsets, data = offsets_and_bytes(key_columns[0] if len(key_columns) == 1 else _composite(key_columns))
    sizes = np.diff(offsets)
    tokens = np.empty(len(sizes), np.int64)
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        if len(rows) == len(sizes):
            keys = data.reshape(len(rows), size)
        else:
            keys = data[offsets[rows][:, None] + np.arange(size)]
        tokens[rows] = _hash(keys).view(np.int64)
    # The smallest token stands for the beginning of the ring.
    tokens[tokens == np.iinfo(np.int64).min] = np.iinfo(np.int64).max
    return tokens


def by_token(tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the rows' positions in the order of their tokens; rows with one token stay in their order.

    Two tokens that differ in their last bits alone, as many as a position takes, count as one.
    """
    bits = max(1, len(tokens) - 1).bit_length()
    packed = (tokens >> bits << bits) | np.arange(len(tokens))
    packed.sort()
    return packed & ((1 << bits) - 1)


def _composite(key_columns: Sequence[pa.BinaryArray]) -> pa.BinaryArray:
    """Frame the components as CompositeType does: length in 2 bytes, value, a zero."""
    parts: list[Any] = []
    for column in key_columns:
        parts += [
            big_endian(np.diff(offsets_and_bytes(column)[0]), ">u2"),
            column,
            pa.scalar(b"\0", pa.binary()),
        ]
    return pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.binary()))


def _hash(keys: Bytes) -> Words:
    count, size = keys.shape
    blocks = size // 16
    words = np.ascontiguousarray(keys[:, : 16 * blocks]).view("<u8").astype(np.uint64, copy=False)
    h1 = h2 = np.zeros(count, np.uint64)
    for block in range(blocks):
        h1 = h1 ^ _mix_first(words[:, 2 * block])
        h1 = (_rotated(h1, 27) + h2) * np.uint64(5) + np.uint64(0x52DCE729)
        h2 = h2 ^ _mix_second(words[:, 2 * block + 1])
        h2 = (_rotated(h2, 31) + h1) * np.uint64(5) + np.uint64(0x38495AB5)
    tail = keys[:, 16 * blocks :].view(np.int8)
    if tail.shape[1] > _WORD_BYTES:
        h2 = h2 ^ _mix_second(_word(tail[:, _WORD_BYTES:]))
    if tail.shape[1]:
        h1 = h1 ^ _mix_first(_word(tail[:, :_WORD_BYTES]))
    h1, h2 = h1 ^ np.uint64(size), h2 ^ np.uint64(size)
    h1 = h1 + h2
    h2 = h2 + h1
    return _finished(h1) + _finished(h2)


def _word(signed: npt.NDArray[np.int8]) -> Words:
    word = np.zeros(len(signed), np.uint64)
    for place in range(signed.shape[1]):
        word ^= signed[:, place].astype(np.int64).view(np.uint64) << np.uint64(8 * place)
    return word


def _mix_first(word: Words) -> Words:
    return _rotated(word * _C1, 31) * _C2


def _mix_second(word: Words) -> Words:
    return _rotated(word * _C2, 33) * _C1


def _rotated(word: Words, bits: int) -> Words:
    return (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))


def _finished(word: Words) -> Words:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        word = (word ^ (word >> np.uint64(33))) * np.uint64(factor)
    return word ^ (word >> np.uint64(33))


_WORD_BYTES = 8
_C1, _C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
