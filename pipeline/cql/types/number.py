"""boolean, and the types of numbers."""

import math
import re
import struct
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cassandra import cqltypes

from pipeline.cql.bytearrays import (
    Bytes,
    big_endian,
    fixed_width,
    offsets_and_bytes,
    require,
    require_text,
    selected,
)
from pipeline.cql.grammar import Grammar
from pipeline.cql.types.cqltype import CqlType, Encoder


def _parse_boolean(text: str) -> bool:
    return _BOOLEAN.match(text)["true"] is not None


def _booleans(values: pa.Array) -> pa.BinaryArray:
    if not pa.types.is_boolean(values.type):
        require_text(values)
        values = pc.index_in(pc.ascii_lower(values), pa.array(["false", "true"]))
        require(values.null_count == 0)
    return fixed_width(values.cast(pa.uint8()).to_numpy(zero_copy_only=False).reshape(-1, 1))


def _parse_double(text: str) -> float:
    """Return the double that is nearest to the number."""
    found = _FLOAT.match(text)
    value = float(text)
    if math.isinf(value) and not found["infinity"]:
        raise ValueError("out of range for 64 bits")
    return value


def _parse_float(text: str) -> float:
    double = _parse_double(text)
    try:
        value: float = struct.unpack(">f", struct.pack(">f", double))[0]
    except OverflowError:
        raise ValueError("out of range for 32 bits") from None
    return value


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
    require_text(values)
    numbers = values.cast(pa.float64()).to_numpy()
    offsets, letters = offsets_and_bytes(values)
    # Arrow reads nan(1), and 1e400 as infinity, and +1.
    require(bool(np.isfinite(numbers).all()) and not (letters[offsets[:-1]] == ord("+")).any())
    return numbers


def _parse_decimal(text: str) -> Decimal:
    found = _DECIMAL.match(text)
    fraction = found["fraction"] or found["only_fraction"] or ""
    if not -(1 << 31) < int(found["exponent"] or 0) - len(fraction) <= 1 << 31:
        raise ValueError("out of range: the exponent of a decimal has 32 bits")
    _require_digits(len(found["digits"].replace(".", "").lstrip("0")))
    return Decimal(text)


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
    require_text(values)
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


def _parse_varint(text: str) -> int:
    _INTEGER.match(text)
    _require_digits(len(text.lstrip("-")))
    return int(text)


def _require_digits(count: int) -> None:
    """Return if Python converts a number of so many digits: its time grows with their square."""
    if count > sys.get_int_max_str_digits():
        raise ValueError(f"more than {sys.get_int_max_str_digits()} digits")


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


def _integer(bits: int, arrow: pa.DataType, driver: type) -> CqlType:
    def parse(text: str) -> int:
        _INTEGER.match(text)
        # No number that fits is longer, but for zeros in front.
        value = int(text) if len(text) <= _LONGEST_INTEGER else _parse_varint(text)
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise ValueError(f"out of range for {bits} bits")
        return value

    return CqlType(parse=parse, format=str, arrow=arrow, driver=driver, example="1", encode=_integers(bits))


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
    require_text(values)
    _, letters = offsets_and_bytes(values)
    # Arrow reads 0x1f.
    require(not ((letters | 0x20) == ord("x")).any())
    return values.cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]


_LONGEST_INTEGER = 20
_LONG_BITS = 64
_BOOLEAN = Grammar(
    "true or false",
    re.compile(r"(?P<true>true)|false", re.IGNORECASE | re.ASCII),
    {
        r"[01](\.0)?": "pandas makes them of 0 and 1 by astype('boolean'); --true-words names other words",
        r"\w{1,10}": "--true-words and --false-words name other words",
    },
)
_INTEGER = Grammar(
    "a whole number such as -12",
    re.compile(r"-?[0-9]+"),
    {
        r"-?[0-9]+\.0*|[nN]a[nN]": (
            "pandas turns integers with gaps into floats: convert them with astype('Int64'), or allow "
            "--whole-floats true"
        ),
        r"-?[0-9]+(,[0-9]+)+": "without commas, or with --thousands-mark",
    },
)
_DECIMAL = Grammar(
    "a number such as -12.5 or 1e-3",
    re.compile(
        r"""
        -?
        (?P<digits> [0-9]+ (\.(?P<fraction>[0-9]*))? | \.(?P<only_fraction>[0-9]+) )
        ([eE](?P<exponent>[+-]?[0-9]{1,10}))?
        """,
        re.VERBOSE,
    ),
    {r"-?[0-9.,]*,[0-9.,]*": "with a point, and without commas, or with --decimal-mark and --thousands-mark"},
)
_FLOAT = Grammar(
    "a number such as -12.5 or 1e-3, NaN, Infinity or -Infinity",
    re.compile(
        r"""
        -? ([0-9]+(\.[0-9]*)? | \.[0-9]+) ([eE][+-]?[0-9]+)?
        | NaN | nan
        | (?P<infinity> -?(Infinity|inf))
        """,
        re.VERBOSE,
    ),
    _DECIMAL.hints,
)


TYPES: Mapping[str, CqlType] = {
    "boolean": CqlType(
        parse=_parse_boolean,
        format=lambda value: str(value).lower(),
        arrow=pa.bool_(),
        driver=cqltypes.BooleanType,
        example="true",
        encode=_booleans,
    ),
    "tinyint": _integer(8, pa.int8(), cqltypes.ByteType),
    "smallint": _integer(16, pa.int16(), cqltypes.ShortType),
    "int": _integer(32, pa.int32(), cqltypes.Int32Type),
    "bigint": _integer(64, pa.int64(), cqltypes.LongType),
    "varint": CqlType(
        parse=_parse_varint,
        format=str,
        arrow=pa.string(),
        driver=cqltypes.IntegerType,
        example="1",
        encode=_varints,
    ),
    "decimal": CqlType(
        parse=_parse_decimal,
        format=str,
        arrow=pa.string(),
        driver=cqltypes.DecimalType,
        example="1.5",
        encode=_decimals,
    ),
    "float": CqlType(
        parse=_parse_float,
        format=str,
        arrow=pa.float32(),
        driver=cqltypes.FloatType,
        example="1.5",
        encode=_floats,
    ),
    "double": CqlType(
        parse=_parse_double,
        format=str,
        arrow=pa.float64(),
        driver=cqltypes.DoubleType,
        example="1.5",
        encode=_doubles,
    ),
}
