import itertools
import struct
import uuid
from collections.abc import Sequence

import pyarrow as pa
import pytest
from cassandra.cluster import Session
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.cql.encoding import encode_column, join_rows
from pipeline.cql.types import canonical
from tests.harness.encodings import PROVE, both_roads, column
from tests.harness.values import EVERY_TYPE, SCALARS, USER_TYPES, known

COLUMNAR = [name for name in SCALARS if known(name).encode]
LETTERS = "0123456789-+.:TZ eExXabcdefn_ ,/é١"


def damaged(text: str, edits: Sequence[tuple[int, str]]) -> str:
    """Return the text with some letters replaced or removed."""
    letters = list(text)
    for at, letter in edits:
        letters[at % (len(letters) + 1) : (at + at % 2) % (len(letters) + 1)] = letter
    return "".join(letters)


EDITS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["", *LETTERS])), max_size=2)


@pytest.mark.parametrize("name", EVERY_TYPE)
def test_texts_have_the_same_bytes_on_both_roads(name: str) -> None:
    """Good, unusual and damaged texts, mixed, give the same bytes or errors, by column and by value."""
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
    """Ordinary texts of each type are encoded by column, without a loop, to the driver's bytes."""
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
    assert kind.encode
    assert kind.encode(pa.array(texts)).to_pylist() == [kind.serialise(kind.parse(t)) for t in texts]


def test_what_is_wrong_is_said_of_its_row_alone() -> None:
    """Among many rows with nulls, each wrong value is null and has a reason; all others are encoded."""
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
    """A set or map has the same bytes in any order of its text, because it can be a key."""
    for name, texts in (
        ("set<text>", ['["b", "a", "b"]', '["a", "b"]']),
        ("set<double>", ['["NaN", 2, 1, "NaN"]', '[1, "NaN", 2]']),
        ("set<decimal>", ["[1.0, 1.00]", "[1.00, 1.0]"]),
        ("map<int, int>", ['{"2": 0, "1": 0}', '{"1": 0, "2": 0}']),
    ):
        encoded, _ = encode_column(column(name), pa.array(texts))
        assert encoded[0] == encoded[1]


def test_no_reason_is_longer_than_a_line() -> None:
    """A huge wrong value of any type is abbreviated wherever the message quotes it."""
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
    """A row is the prefix, the number of its values, and each value after its length; null has length -1."""
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
    """For every type, the bytes equal the driver's, and the server returns the value."""
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
    """Run the property in a keyspace that has the UDTs."""
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
