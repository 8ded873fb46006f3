"""The common CQL types, a column at a time: Arrow arrays to serialised values without a loop over rows.

An encoder takes an array without nulls. It never guesses: it raises ValueError where one value or more may
not be what the type's own `parse` and the driver's serialiser make of it, and NotImplementedError where it
does not know values of this Arrow type at all.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cassandra import cqltypes

from pipeline.cql import columnar_moments
from pipeline.cql.bytearrays import (
    Bytes,
    big_endian,
    fixed_width,
    from_offsets,
    offsets_and_bytes,
    require,
    selected,
)

Encoder = Callable[[pa.Array], pa.BinaryArray]


def _texts(values: pa.Array) -> pa.BinaryArray:
    _require_text(values)
    _, letters = offsets_and_bytes(values)
    if letters.max(initial=0) >= _FIRST_BEYOND_ASCII:
        values.validate(full=True)  # Parquet's text may be no UTF-8
    return values.cast(pa.binary())


def _ascii(values: pa.Array) -> pa.BinaryArray:
    _require_text(values)
    _, letters = offsets_and_bytes(values)
    require(letters.max(initial=0) < _FIRST_BEYOND_ASCII)
    return values.cast(pa.binary())


def _uuids(values: pa.Array) -> pa.BinaryArray:
    return fixed_width(_uuid_bytes(values))


def _timeuuids(values: pa.Array) -> pa.BinaryArray:
    uuids = _uuid_bytes(values)
    require(bool(((uuids[:, 6] >> 4 == 1) & (uuids[:, 8] >> 6 == 0b10)).all()))  # noqa: PLR2004 - RFC 9562
    return fixed_width(uuids)


def _uuid_bytes(values: pa.Array) -> Bytes:
    values = _storage(values)
    if pa.types.is_fixed_size_binary(values.type) and values.type.byte_width == _UUID_BYTES:
        _, uuids = offsets_and_bytes(values.cast(pa.binary()))
        return uuids.reshape(-1, _UUID_BYTES)
    _require_text(values)
    offsets, letters = offsets_and_bytes(values)
    require(bool((np.diff(offsets) == _UUID_LETTERS).all()))
    grouped = letters.reshape(-1, _UUID_LETTERS)
    require(bool((grouped[:, [8, 13, 18, 23]] == ord("-")).all()))
    digits = np.concatenate(
        [grouped[:, a:b] for a, b in ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))], axis=1
    )
    return _from_hex(digits).reshape(-1, _UUID_BYTES)


def _from_hex(digits: Bytes) -> Bytes:
    found = bytes.fromhex(str(np.ascontiguousarray(digits).data, "ascii"))
    # It passes over white space.
    require(2 * len(found) == digits.size)
    return np.frombuffer(found, np.uint8)


def _storage(values: pa.Array) -> pa.Array:
    return values.storage if isinstance(values, pa.ExtensionArray) else values


def _blobs(values: pa.Array) -> pa.BinaryArray:
    values = _storage(values)
    if pa.types.is_binary(values.type) or pa.types.is_fixed_size_binary(values.type):
        return values.cast(pa.binary())
    _require_text(values)
    offsets, letters = offsets_and_bytes(values)
    sizes = np.diff(offsets)
    require(bool((sizes >= len("0x")).all() and not (sizes & 1).any()))
    starts = offsets[:-1]
    require(bool((letters[starts] == ord("0")).all() and (letters[starts + 1] == ord("x")).all()))
    is_digit = np.ones(len(letters), np.bool_)
    is_digit[starts] = is_digit[starts + 1] = False
    return from_offsets((offsets - 2 * np.arange(len(offsets))) // 2, _from_hex(letters[is_digit]))


def _booleans(values: pa.Array) -> pa.BinaryArray:
    if not pa.types.is_boolean(values.type):
        _require_text(values)
        values = pc.index_in(pc.ascii_lower(values), pa.array(["false", "true"]))
        require(values.null_count == 0)
    return fixed_width(values.cast(pa.uint8()).to_numpy(zero_copy_only=False).reshape(-1, 1))


def _integers(bits: int) -> Encoder:
    limit = 1 << bits - 1

    def encode(values: pa.Array) -> pa.BinaryArray:
        numbers = _int64s(values)
        require(bits == _LONG_BITS or bool(((numbers >= -limit) & (numbers < limit)).all()))
        return big_endian(numbers, f">i{bits // 8}")

    return encode


def _int64s(values: pa.Array) -> npt.NDArray[np.int64]:
    if pa.types.is_integer(values.type):
        return values.cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]
    _require_text(values)
    _, letters = offsets_and_bytes(values)
    # Arrow reads 0x1f.
    require(not ((letters | 0x20) == ord("x")).any())
    return values.cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]


def _varints(values: pa.Array) -> pa.BinaryArray:
    numbers = _int64s(values)
    return selected(_long_bytes(numbers), np.arange(8) >= 8 - _varint_sizes(numbers)[:, None])


def _long_bytes(numbers: npt.NDArray[np.int64]) -> Bytes:
    return numbers.astype(">i8").view(np.uint8).reshape(-1, 8)


def _varint_sizes(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many bytes of two's complement each number needs."""
    magnitudes = numbers ^ (numbers >> 63)
    sizes = np.ones(len(numbers), np.int64)
    for bits in range(7, 63, 8):
        sizes += magnitudes >= 1 << bits
    return sizes


def _decimals(values: pa.Array) -> pa.BinaryArray:
    """Serialise each as its scale, four bytes, and its digits as a varint."""
    split = _split_decimals if pa.types.is_decimal(values.type) else _split_decimal_texts
    unscaled, scales = split(values)
    rows = np.empty((len(unscaled), 12), np.uint8)
    rows[:, :4] = np.broadcast_to(scales, unscaled.shape).astype(">i4").view(np.uint8).reshape(-1, 4)
    rows[:, 4:] = _long_bytes(unscaled)
    columns = np.arange(12)
    return selected(rows, (columns < 4) | (columns >= 12 - _varint_sizes(unscaled)[:, None]))  # noqa: PLR2004 - as said


def _split_decimal_texts(values: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    _require_text(values)
    points = pc.find_substring(values, ".").to_numpy()
    unscaled = _int64s(pc.replace_substring(values, ".", "", max_replacements=1))
    offsets, letters = offsets_and_bytes(values)
    # Without its point, .-5 looks like a number.
    require(not (letters[offsets[:-1][points == 0] + 1] == ord("-")).any())
    return unscaled, np.where(points < 0, 0, np.diff(offsets) - 1 - points)


def _split_decimals(values: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    words = values.type.bit_width // 64
    if words < 1:
        raise NotImplementedError
    stored = np.frombuffer(values.buffers()[1], np.int64).reshape(-1, words)
    stored = stored[values.offset : values.offset + len(values)]
    require(bool((stored[:, 1:] == stored[:, :1] >> 63).all()))
    return stored[:, 0], np.array(values.type.scale)


def _doubles(values: pa.Array) -> pa.BinaryArray:
    return big_endian(_float64s(values), ">f8")


def _floats(values: pa.Array) -> pa.BinaryArray:
    numbers = _float64s(values)
    with np.errstate(over="ignore"):
        narrow = numbers.astype(np.float32)
    require(not (np.isinf(narrow) & np.isfinite(numbers)).any())
    return big_endian(narrow, ">f4")


def _float64s(values: pa.Array) -> npt.NDArray[np.float64]:
    numbers: npt.NDArray[np.float64]
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        numbers = values.to_numpy().astype(np.float64)
        # Of the many kinds of NaN, the one that its text stands for.
        return np.where(np.isnan(numbers), np.nan, numbers)
    _require_text(values)
    numbers = values.cast(pa.float64()).to_numpy()
    offsets, letters = offsets_and_bytes(values)
    # Arrow reads nan(1), and 1e400 as infinity, and +1.
    require(bool(np.isfinite(numbers).all()) and not (letters[offsets[:-1]] == ord("+")).any())
    return numbers


def _inets(values: pa.Array) -> pa.BinaryArray:
    """Serialise IPv4 addresses; an IPv6 address raises ValueError."""
    _require_text(values)
    offsets, letters = offsets_and_bytes(values)
    digits = letters - ord("0")
    is_point = letters == ord(".")
    points = np.flatnonzero(is_point)
    require(bool((is_point | (digits <= 9)).all() and len(points) == 3 * len(values)))  # noqa: PLR2004 - IPv4
    rows = points.reshape(-1, 3)
    starts = np.column_stack([offsets[:-1], rows + 1])
    ends = np.column_stack([rows, offsets[1:]])
    sizes = ends - starts
    require(bool(((sizes >= 1) & (sizes <= 3)).all()))  # noqa: PLR2004 - as above
    require(not ((sizes > 1) & (digits[starts] == 0)).any())
    octets = digits[ends - 1].astype(np.int64)
    octets += np.where(sizes > 1, 10 * digits[ends - 2].astype(np.int64), 0)
    octets += np.where(sizes > 2, 100 * digits[ends - 3].astype(np.int64), 0)  # noqa: PLR2004 - as above
    require(bool((octets <= 255).all()))  # noqa: PLR2004 - as above
    return fixed_width(octets.astype(np.uint8))


def _require_text(values: pa.Array) -> None:
    if not pa.types.is_string(values.type):
        raise NotImplementedError


_FIRST_BEYOND_ASCII = 0x80
_UUID_BYTES = 16
_UUID_LETTERS = 36
_LONG_BITS = 64

ENCODERS: Mapping[type, Encoder] = {
    cqltypes.UTF8Type: _texts,
    cqltypes.AsciiType: _ascii,
    cqltypes.UUIDType: _uuids,
    cqltypes.TimeUUIDType: _timeuuids,
    cqltypes.BooleanType: _booleans,
    cqltypes.ByteType: _integers(8),
    cqltypes.ShortType: _integers(16),
    cqltypes.Int32Type: _integers(32),
    cqltypes.LongType: _integers(64),
    cqltypes.IntegerType: _varints,
    cqltypes.DecimalType: _decimals,
    cqltypes.FloatType: _floats,
    cqltypes.DoubleType: _doubles,
    cqltypes.TimestampType: columnar_moments.timestamps,
    cqltypes.SimpleDateType: columnar_moments.dates,
    cqltypes.TimeType: columnar_moments.times,
    cqltypes.InetAddressType: _inets,
    cqltypes.BytesType: _blobs,
}
"""The encoder of each of the driver's types that has one."""
