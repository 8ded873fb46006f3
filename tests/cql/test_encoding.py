import itertools
import struct
import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from cassandra.cluster import Session
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.cql.columnar import ENCODERS
from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column, encode_values, join_rows
from pipeline.cql.types import canonical
from tests.harness.values import EVERY_TYPE, SCALARS, USER_TYPES, known

PROVE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
COLUMNAR = [name for name in SCALARS if known(name).driver in ENCODERS]
LETTERS = "0123456789-+.:TZ eExXabcdefn_ ,/é١"


def column(type_name: str) -> Column:
    """Return a column of this type."""
    return Column("value", type_name, is_key=False, user_types=USER_TYPES)


def both_roads(type_name: str, values: pa.Array) -> tuple[list[bytes | None], dict[int, str]]:
    """Return what `encode_column` makes of the values, proved to be the same a value at a time."""
    encoded, reasons = encode_column(column(type_name), values)
    one_by_one, same_reasons = encode_values(column(type_name), values)
    assert encoded.to_pylist() == one_by_one.to_pylist()
    assert reasons == same_reasons
    encoded.validate(full=True)
    return encoded.to_pylist(), reasons


def damaged(text: str, edits: Sequence[tuple[int, str]]) -> str:
    """Return the text with letters put in the place of others, or of nothing."""
    letters = list(text)
    for at, letter in edits:
        letters[at % (len(letters) + 1) : (at + at % 2) % (len(letters) + 1)] = letter
    return "".join(letters)


EDITS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["", *LETTERS])), max_size=2)


@pytest.mark.parametrize("name", EVERY_TYPE)
def test_texts_have_the_same_bytes_on_both_roads(name: str) -> None:
    """Good, odd and damaged texts in any mixture become the same bytes or errors, by column or by value."""
    texts = EVERY_TYPE[name].map(known(name).format)
    mixture = st.lists(texts, max_size=3) | st.lists(
        st.none() | st.builds(damaged, texts, EDITS), max_size=40
    )

    @PROVE
    @given(values=mixture)
    def prove(values: list[str | None]) -> None:
        both_roads(name, pa.array(values, pa.string()))

    prove()


@pytest.mark.parametrize("name", COLUMNAR)
def test_ordinary_texts_take_the_columnar_road(name: str) -> None:
    """What each type's values ordinarily look like is encoded without a loop, to the driver's bytes."""
    ordinary: dict[str, list[str]] = {
        "boolean": ["true", "False"],
        "decimal": ["1.50", "-0.07", "12", "-.5", "999999999999999999"],
        "float": ["1.5", "-0.1", "3e10"],
        "double": ["1.5", "-0.1", "1e-300"],
        "timestamp": [
            "2026-11-22T01:02:03.456Z",
            "2026-11-22 01:02:03",
            "1815-12-10",
            "2026-11-22T01:02+01:00",
        ],
        "date": ["2026-11-22", "0001-01-01", "9999-12-31"],
        "time": ["01:02:03", "23:59", "01:02:03.123456789"],
        "inet": ["1.2.3.4", "255.0.10.199"],
        "blob": ["0x", "0x00ffAB"],
        "varint": ["0", "127", "128", "-128", "-129", "-9223372036854775808"],
        "text": ["", "é\0"],
        "varchar": ["Ada"],
        "ascii": ["", "Ada"],
        "uuid": [str(uuid.uuid4()), str(uuid.uuid4()).upper()],
        "timeuuid": [str(uuid.uuid1())],
    }
    texts = ordinary.get(name, ["0", "-128", "127", "007"])
    kind = known(name)
    assert ENCODERS[kind.driver](pa.array(texts)).to_pylist() == [
        kind.serialise(kind.parse(t)) for t in texts
    ]


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
    """Whatever Parquet has for a column of any type, both roads make the same bytes or errors of it."""
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
    """Parquet's own types reach the CQL type as the values that they are; None where null or out of range."""
    kind = known(name)
    encoded, _ = encode_column(column(name), ARROW[arrow])
    assert encoded.to_pylist() == [None if value is None else kind.serialise(value) for value in expected]


def test_what_is_wrong_is_said_of_its_row_alone() -> None:
    """Among many rows with nulls, each wrong value is null and named by its row; all others are there."""
    texts: list[str | None] = [str(number) for number in range(1000)]
    texts[0], texts[500], texts[700], texts[999] = None, "abc", "9" * 200, ""
    encoded, reasons = encode_column(column("int"), pa.array(texts))
    assert encoded.to_pylist() == [
        None if at in {0, 500, 700, 999} else struct.pack(">i", at) for at in range(1000)
    ]
    assert reasons == {
        500: "'abc' is not a valid int: expected a whole number such as -12",
        700: f"'{'9' * 80}…' is not a valid int: out of range for 32 bits",
        999: "'' is not a valid int: expected a whole number such as -12",
    }


def test_equal_collections_are_equal_bytes() -> None:
    """A set or map has the same bytes in whatever order its text has it: a key may be one."""
    for name, texts in (
        ("set<text>", ['["b", "a", "b"]', '["a", "b"]']),
        ("set<double>", ['["NaN", 2, 1, "NaN"]', '[1, "NaN", 2]']),
        ("set<decimal>", ["[1.0, 1.00]", "[1.00, 1.0]"]),
        ("map<int, int>", ['{"2": 0, "1": 0}', '{"1": 0, "2": 0}']),
    ):
        encoded, _ = encode_column(column(name), pa.array(texts))
        assert encoded[0] == encoded[1]


def test_no_reason_is_longer_than_a_line() -> None:
    """A huge wrong value of any type is shown cut, wherever the message quotes it."""
    for name in EVERY_TYPE:
        for text in ("x" * 100_000, "[" * 100_000, '{"' + "x" * 100_000 + '": 1}'):
            _, reasons = encode_column(column(name), pa.array([text]))
            assert len(reasons.get(0, "")) < 300


@PROVE
@given(
    rows=st.lists(st.tuples(*[st.none() | st.binary(max_size=20)] * 3), max_size=20),
    width=st.integers(1, 3),
    nulls=st.sampled_from(["unset", "write"]),
)
def test_rows_are_joined_as_the_protocol_says(
    rows: list[tuple[bytes | None, ...]], width: int, nulls: str
) -> None:
    """A row is the prefix, its number of values, and each with its length; a null is a length below zero."""
    columns = [pa.array(["x", *(row[at] for row in rows)], pa.binary())[1:] for at in range(width)]
    body, offsets = join_rows(columns, nulls=nulls, prefix=b"prefix")
    null = struct.pack(">i", -2 if nulls == "unset" else -1)
    expected = [
        b"prefix"
        + struct.pack(">h", width)
        + b"".join(null if value is None else struct.pack(">i", len(value)) + value for value in row[:width])
        for row in rows
    ]
    assert [bytes(memoryview(body)[a:b]) for a, b in itertools.pairwise(offsets)] == expected


def test_the_server_keeps_what_the_texts_say(cql: Session) -> None:
    """Of every type, the bytes are those that the driver would send, and the server returns the value."""
    cql.execute(
        "CREATE KEYSPACE t_encoding WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    )
    try:
        for name, fields in USER_TYPES.items():
            members = ", ".join(f'"{field}" {type_name}' for field, type_name in fields.items())
            cql.execute(f'CREATE TYPE t_encoding."{name.replace(chr(34), 2 * chr(34))}" ({members})')
        prove_with(cql)
    finally:
        cql.execute("DROP KEYSPACE t_encoding")


def prove_with(cql: Session) -> None:
    """Prove it in a keyspace that has the UDTs."""
    names = [f"c{at}" for at in range(len(EVERY_TYPE))]
    types = ", ".join(f"{name} {type_name}" for name, type_name in zip(names, EVERY_TYPE, strict=True))
    cql.execute(f"CREATE TABLE t_encoding.every_type (id int PRIMARY KEY, {types})")
    insert = cql.prepare(
        f"INSERT INTO t_encoding.every_type (id, {', '.join(names)}) VALUES (1{', ?' * len(names)})"
    )
    found = cql.prepare(f"SELECT {', '.join(names)} FROM t_encoding.every_type WHERE id = 1")

    @settings(PROVE, max_examples=8, phases=[phase for phase in PROVE.phases if phase.name != "shrink"])
    @given(row=st.tuples(*(st.none() | values for values in EVERY_TYPE.values())))
    @example(row=tuple(None for _ in EVERY_TYPE))
    def prove(row: tuple[object, ...]) -> None:
        pairs = list(zip(EVERY_TYPE, row, strict=True))
        texts = [None if value is None else known(name).format(value) for name, value in pairs]
        ours = [
            encode_column(column(name), pa.array([text], pa.string()))[0][0].as_py()
            for name, text in zip(EVERY_TYPE, texts, strict=True)
        ]
        parsed = [
            None if text is None else known(name).parse(text)
            for name, text in zip(EVERY_TYPE, texts, strict=True)
        ]
        bound = insert.bind(parsed)
        assert bound.values == ours
        cql.execute(bound)
        kept = cql.execute(found).one()
        assert [canonical(kept[name]) for name in names] == [canonical(value) for value in row]

    prove()
