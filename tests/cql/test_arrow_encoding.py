import struct
import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipeline.cql.encoding import encode_column
from tests.harness.encodings import both_roads, column
from tests.harness.values import SCALARS, known


def moments(unit: str, values: Sequence[int], zone: str | None = None) -> pa.Array:
    """Return moments by their distance from 1970."""
    return pa.array(values, pa.timestamp(unit, zone))


NUMBERS = [0, 1, -1, 127, 128, -128, -129, 32_767, -32_769, 2**31 - 1, -(2**31) - 1, 2**62, -(2**63), None]
FLOATS = [0.0, -0.0, 1.5, -2.0, 1e39, 5e-324, float("nan"), float("inf"), 3.4028235677973366e38, None]
DECIMALS = [Decimal("1.50"), Decimal("-0.05"), Decimal("12345678901234567890.12"), Decimal(-3), None]
TEXTS = ["", "7", "é", "2026-11-22", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "true", "1.2.3.4", "0xff", None]
RAW = [b"", b"\0\xff", b"7", b"0123456789abcdef", None]
ARROW: dict[str, pa.Array] = {
    **{
        str(kind): pa.array([number for number in NUMBERS if number is None or low <= number < high], kind)
        for kind, low, high in (
            (pa.int8(), -(2**7), 2**7),
            (pa.int16(), -(2**15), 2**15),
            (pa.int32(), -(2**31), 2**31),
            (pa.int64(), -(2**63), 2**63),
            (pa.uint8(), 0, 2**8),
            (pa.uint64(), 0, 2**64),
        )
    },
    "large uint64": pa.array([2**64 - 1, 2**63], pa.uint64()),
    "float64": pa.array(FLOATS),
    "float32": pa.array([0.1, -0.0, float("nan"), float("-inf"), None], pa.float32()),
    "signalling": pa.Array.from_buffers(
        pa.float64(), 1, [None, pa.py_buffer(struct.pack("<Q", 0xFFF4 << 48 | 1))]
    ),
    "float16": pa.array([1.5, None], pa.float16()),
    "bool": pa.array([True, False, None]),
    "decimal128": pa.array(DECIMALS, pa.decimal128(30, 2)),
    "decimal128 of no scale": pa.array([Decimal(7), Decimal(-129)], pa.decimal128(5, 0)),
    "decimal256": pa.array(DECIMALS, pa.decimal256(60, 5)),
    "decimal64": pa.array([Decimal("1.50"), None], pa.decimal64(10, 2)),
    "string": pa.array(TEXTS),
    "large_string": pa.array(TEXTS, pa.large_string()),
    "string_view": pa.array(TEXTS, pa.string_view()),
    "dictionary": pa.array([*TEXTS, "7"]).dictionary_encode(),
    "sliced": pa.array(["x", *TEXTS, "x"])[1:-1],
    "not UTF-8": pa.Array.from_buffers(pa.string(), 2, pa.array([b"a", b"\xff"]).buffers()),
    "binary": pa.array(RAW),
    "large_binary": pa.array(RAW, pa.large_binary()),
    "binary_view": pa.array(RAW, pa.binary_view()),
    "16 bytes": pa.array([bytes(16), uuid.UUID(TEXTS[4]).bytes, None], pa.binary(16)),
    "3 bytes": pa.array([b"abc"], pa.binary(3)),
    "uuid": pa.array([bytes(range(16))], pa.binary(16)).cast(pa.uuid()),
    "date32": pa.array([0, -719_163, 2**31 - 1, -(2**31), None], pa.date32()),
    "date64": pa.array([date(2026, 11, 22), None], pa.date64()),
    "s": moments("s", [0, -1, 253_402_300_799, 253_402_300_800, -62_135_596_800, -62_135_596_801, 2**62]),
    "ms": moments("ms", [0, -1, 1_795_305_600_000], "UTC"),
    "us": moments("us", [0, -1, 999, 1000, 253_402_300_799_999_999, 253_402_300_800_000_000], "Europe/Paris"),
    "ns": moments("ns", [0, -1, 999_999, 1_000_001, 2**63 - 1]),
    "time32": pa.array([time(1, 2, 3), None], pa.time32("s")),
    "time64": pa.array([0, 1, 86_399_999_999_999, 86_400_000_000_000, -1, None], pa.time64("ns")),
    "duration": pa.array([1, None], pa.duration("us")),
    "interval": pa.array([pa.MonthDayNano([1, 2, 3]), pa.MonthDayNano([1, -2, 3])]),
    "null": pa.nulls(2),
    "list": pa.array([[1, 2], [], [None], None], pa.list_(pa.int16())),
    "list of texts": pa.array([["a", ""], None], pa.large_list(pa.string())),
    "map": pa.array([[("a", 1), ("b", 2)], [("a", 1), ("a", 2)], [], None], pa.map_(pa.string(), pa.int32())),
    "struct": pa.array([{"street": "x", "number": 5}, {"street": None, "number": None}, None]),
    "vector": pa.array([[0.5, 0.25], None], pa.list_(pa.float32(), 2)),
}
FIRST, LAST = datetime.min, datetime.max.replace(microsecond=0)  # noqa: DTZ901 - naive is UTC
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as above
NESTED = [
    "list<text>",
    "set<int>",
    "map<text, int>",
    "tuple<text, int>",
    "frozen<address>",
    "vector<float, 2>",
]


@pytest.mark.parametrize("arrow", ARROW)
def test_arrow_values_have_the_same_bytes_on_both_roads(arrow: str) -> None:
    """Columns of any Arrow type get the same bytes or errors by column and by value."""
    for name in (*SCALARS, *NESTED):
        encoded, reasons = both_roads(name, ARROW[arrow])
        for at, value in enumerate(ARROW[arrow]):
            assert (encoded[at] is None) == (at in reasons or not value.is_valid)


@pytest.mark.parametrize(
    ("name", "arrow", "expected"),
    [
        ("tinyint", "int64", [0, 1, -1, 127, None, -128, *[None] * 8]),
        ("double", "int16", [0.0, 1.0, -1.0, 127.0, 128.0, -128.0, -129.0, 32_767.0, None]),
        ("decimal", "decimal128", [*DECIMALS[:3], Decimal("-3.00"), None]),
        ("text", "dictionary", [*TEXTS, "7"]),
        ("text", "binary", ["", None, "7", "0123456789abcdef", None]),
        ("blob", "binary_view", RAW),
        ("uuid", "uuid", [uuid.UUID(bytes=bytes(range(16)))]),
        ("date", "date64", [date(2026, 11, 22), None]),
        (
            "timestamp",
            "s",
            [EPOCH, EPOCH - timedelta(seconds=1), LAST, None, FIRST, None, None],
        ),
        ("timestamp", "date64", [datetime(2026, 11, 22), None]),  # noqa: DTZ001 - naive is UTC
        ("time", "time32", [time(1, 2, 3), None]),
        ("list<smallint>", "list", [[1, 2], [], None, None]),
        ("map<text, int>", "map", [{"a": 1, "b": 2}, None, {}, None]),
        ("frozen<address>", "struct", [("x", 5), (None, None), None]),
        ("tuple<text, int>", "struct", [("x", 5), (None, None), None]),
        ("vector<float, 2>", "vector", [[0.5, 0.25], None]),
    ],
)
def test_arrow_values_mean_what_they_are(name: str, arrow: str, expected: list[Any]) -> None:
    """Parquet's own types are converted to equal values of the CQL type; None for null or out of range."""
    kind = known(name)
    encoded, _ = encode_column(column(name), ARROW[arrow])
    assert encoded.to_pylist() == [None if value is None else kind.serialise(value) for value in expected]
