import math
import socket
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest
from cassandra.util import Date, Duration, OrderedMap, SortedSet, Time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.cql.scalars import PROTOCOL_VERSION
from pipeline.cql.types import CqlType, canonical, cql_type
from pipeline.errors import SettingError

PROVE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
USER_TYPES = {
    "address": {"street": "text", "number": "int"},
    'Odd "Name': {"where": "frozen<address>", "tags": "frozen<set<text>>", "Since": "date"},
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# An IPv4 address in IPv6's clothes is kept as IPv4.
ADDRESSES = st.ip_addresses(v=4).map(str) | st.binary(min_size=16, max_size=16).filter(
    lambda packed: not packed.startswith(bytes(10) + b"\xff\xff")
).map(lambda packed: socket.inet_ntop(socket.AF_INET6, packed))
DURATIONS = st.builds(
    lambda sign, months, days, nanoseconds: Duration(sign * months, sign * days, sign * nanoseconds),
    st.sampled_from([1, -1]),
    st.integers(0, (1 << 31) - 1),
    st.integers(0, (1 << 31) - 1),
    st.integers(0, (1 << 63) - 1),
)
SCALARS: dict[str, st.SearchStrategy[object]] = {
    "text": TEXT,
    "varchar": TEXT,
    "ascii": st.text(st.characters(max_codepoint=127)),
    "uuid": st.uuids(),
    "timeuuid": st.uuids(version=1),
    "boolean": st.booleans(),
    "tinyint": st.integers(-(1 << 7), (1 << 7) - 1),
    "smallint": st.integers(-(1 << 15), (1 << 15) - 1),
    "int": st.integers(-(1 << 31), (1 << 31) - 1),
    "bigint": st.integers(-(1 << 63), (1 << 63) - 1),
    "varint": st.integers(-(1 << 200), 1 << 200),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False),
    "float": st.floats(width=32),
    "double": st.floats(),
    "timestamp": st.datetimes().map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
    "date": st.dates() | st.integers(-(1 << 31), (1 << 31) - 1).map(Date),
    "time": st.times() | st.integers(0, Time.DAY - 1).map(Time),
    "duration": DURATIONS,
    "inet": ADDRESSES,
    "blob": st.binary(),
}
UDTS = st.tuples(st.none() | TEXT, st.none() | SCALARS["int"])
NESTED: dict[str, st.SearchStrategy[object]] = {
    **{f"list<{name}>": st.lists(values, max_size=3) for name, values in SCALARS.items()},
    # Cassandra orders no durations, and so has none in a set or as a key.
    **{
        f"set<{name}>": st.lists(values, max_size=3).map(SortedSet)
        for name, values in SCALARS.items()
        if name != "duration"
    },
    "map<text, double>": st.dictionaries(TEXT, SCALARS["double"], max_size=3),
    "map<timestamp, inet>": st.dictionaries(SCALARS["timestamp"], ADDRESSES, max_size=3),
    "map<text, frozen<list<int>>>": st.dictionaries(TEXT, st.lists(SCALARS["int"], max_size=3), max_size=3),
    "map<frozen<list<int>>, text>": st.dictionaries(
        st.lists(SCALARS["int"], max_size=3).map(tuple), TEXT, max_size=3
    ).map(lambda pairs: OrderedMap((list(key), text) for key, text in pairs.items())),
    "set<frozen<map<int, text>>>": st.lists(st.dictionaries(SCALARS["int"], TEXT), max_size=3).map(SortedSet),
    "list<frozen<map<text, double>>>": st.lists(st.dictionaries(TEXT, st.floats(), max_size=2), max_size=3),
    "tuple<int, text, frozen<list<date>>>": st.tuples(
        st.none() | SCALARS["int"], st.none() | TEXT, st.none() | st.lists(SCALARS["date"], max_size=2)
    ),
    "frozen<address>": UDTS,
    "list<frozen<address>>": st.lists(UDTS, max_size=3),
    'frozen<"Odd ""Name">': st.tuples(
        st.none() | UDTS, st.none() | st.lists(TEXT, max_size=3).map(SortedSet), st.none() | SCALARS["date"]
    ),
    **{
        f"vector<{name}, 2>": st.lists(SCALARS[name], min_size=2, max_size=2)
        for name in (
            "text",
            "blob",
            "float",
            "int",
            "bigint",
            "uuid",
            "boolean",
            "varint",
            "smallint",
            "time",
        )
    },
    "vector<frozen<list<int>>, 2>": st.lists(st.lists(SCALARS["int"], max_size=50), min_size=2, max_size=2),
    "vector<vector<double, 1>, 2>": st.lists(
        st.lists(SCALARS["double"], min_size=1, max_size=1), min_size=2, max_size=2
    ),
}
EVERY_TYPE = {**SCALARS, **NESTED}


def known(name: str) -> CqlType:
    """Return a type of the tests' keyspace."""
    return cql_type(name, USER_TYPES)


@pytest.mark.parametrize("name", EVERY_TYPE)
def test_a_value_survives_its_text_its_bytes_and_its_arrow_form(name: str) -> None:
    """Every value is read back equal from its text and from the driver's bytes; Parquet takes it."""
    kind = known(name)

    @PROVE
    @given(value=EVERY_TYPE[name])
    def prove(value: object) -> None:
        parsed = kind.parse(kind.format(value))
        assert canonical(parsed) == canonical(value)
        assert hash(canonical(parsed)) == hash(canonical(value))
        kept = kind.driver.deserialize(kind.serialise(parsed), PROTOCOL_VERSION)
        assert canonical(kept) == canonical(value)
        assert pa.array([kind.to_arrow(value), None], kind.arrow).null_count == 1

    prove()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text", "\ud800"),
        ("ascii", "é"),
        ("boolean", "yes"),
        ("tinyint", "128"),
        ("smallint", "-32769"),
        ("int", "2147483648"),
        ("int", "1_0"),
        ("int", "١"),  # noqa: RUF001 - a digit, but not CQL's
        ("int", "0x1f"),
        ("int", "1.0"),
        ("int", ""),
        ("bigint", "1e3"),
        ("bigint", "9223372036854775808"),
        ("varint", "one"),
        ("varint", "9" * 5000),
        ("decimal", "NaN"),
        ("decimal", "Infinity"),
        ("decimal", "1e2147483649"),
        ("decimal", "1e-2147483648"),
        ("decimal", ".-5"),
        ("decimal", "9" * 5000),
        ("float", "1e39"),
        ("double", "1e400"),
        ("double", "-1e400"),
        ("double", "nan(1)"),
        ("timestamp", "2026-11-22 25:00"),
        ("timestamp", "0000-11-22"),
        ("timestamp", "0001-01-01T00:00+01:00"),
        ("timestamp", "1795305600000"),
        ("date", "2026-02-29"),
        ("date", "+2026-02-29"),
        ("date", "+5881580-07-12"),
        ("date", "-5877641-06-22"),
        ("time", "24:00"),
        ("time", "10:20:30.1234567890"),
        ("time", "10:20:30+01:00"),
        ("time", "10"),
        ("duration", ""),
        ("duration", "P"),
        ("duration", "P1DT"),
        ("duration", "1"),
        ("duration", "1d1y"),
        ("duration", "P2147483648D"),
        ("duration", "9223372036854775808ns"),
        ("duration", "P1Y-1M"),
        ("inet", "1.2.3"),
        ("inet", "1.2.3.04"),
        ("inet", "fe80::1%eth0"),
        ("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c"),
        ("uuid", "6ba7b810_9dad-11d1-80b4-00c04fd430c8"),
        ("uuid", " ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("timeuuid", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
        ("blob", "00ff"),
        ("blob", "0x0"),
        ("blob", "0x00 ff"),
        ("list<int>", "[1, null]"),
        ("list<int>", "[1"),
        ("list<int>", "1"),
        ("list<int>", "null"),
        ("list<int>", "[[1]]"),
        ("list<text>", '[["a"]]'),
        ("list<text>", '["\\ud800"]'),
        ("list<int>", "[" * 100_000),
        ("set<int>", '{"1": 2}'),
        ("map<text, int>", "[1]"),
        ("map<text, int>", '{"a": "x"}'),
        ("map<text, int>", '{"a": null}'),
        ("map<text, int>", '{"a": 1, "a": 2}'),
        ("map<int, int>", '{"1": 1, "01": 2}'),
        ("map<frozen<list<int>>, int>", '{"[1]": 1, "[01": 2}'),
        ("tuple<int, text>", "[1]"),
        ("tuple<int, text>", '[1, "a", 2]'),
        ("tuple<int, text>", '{"a": 1}'),
        ("frozen<address>", '{"strait": "x"}'),
        ("frozen<address>", '["x", 1]'),
        ("frozen<address>", '{"number": "x"}'),
        ("vector<float, 3>", "[1, 2]"),
        ("vector<float, 3>", "[1, 2, null]"),
    ],
)
def test_text_that_is_no_value_is_refused(name: str, text: str) -> None:
    """Malformed, out of range or ambiguous text raises an error, and only of the kinds that are promised."""
    with pytest.raises((ValueError, TypeError, ArithmeticError)):
        known(name).parse(text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("boolean", "TRUE", True),
        ("int", "-007", -7),
        (
            "uuid",
            "{6BA7B8109DAD11D180B400C04FD430C8}",
            known("uuid").parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ),
        ("decimal", "1E+2147483648", Decimal("1E+2147483648")),
        ("double", "-inf", -math.inf),
        ("timestamp", "2026-11-22T01:02:03.4567+01:00", datetime(2026, 11, 22, 0, 2, 3, 456_000)),  # noqa: DTZ001 - naive is UTC
        ("timestamp", "1969-12-31 23:59:59.9999", datetime(1969, 12, 31, 23, 59, 59, 999_000)),  # noqa: DTZ001 - as above
        ("timestamp", "2026-11-22 01:02:03.000+0000", datetime(2026, 11, 22, 1, 2, 3)),  # noqa: DTZ001 - as above
        ("date", "+2024-02-29", date(2024, 2, 29)),
        ("date", "-5877641-06-23", Date(-(1 << 31))),
        ("date", "+5881580-07-11", Date((1 << 31) - 1)),
        ("time", "10:20", time(10, 20)),
        ("time", "10:20:30.123456789", Time("10:20:30.123456789")),
        ("duration", "P1Y2M3W4DT5H6M7.000000008S", Duration(14, 25, 18_367_000_000_008)),
        ("duration", "-1y2mo3w4d5h6m7s8ms9us10ns", Duration(-14, -25, -18_367_008_009_010)),
        ("duration", "PT0S", Duration()),
        ("inet", "::ffff:1.2.3.4", "1.2.3.4"),
        ("list<frozen<list<int>>>", '[[1, "2"], []]', [[1, 2], []]),
        ("map<frozen<list<int>>, int>", '{"[1]": 1}', OrderedMap([([1], 1)])),
        ("frozen<address>", '{"number": 5}', (None, 5)),
        ('frozen<"Odd ""Name">', '{"where": {"street": "x"}}', (("x", None), None, None)),
    ],
)
def test_the_forms_of_text_that_are_read(name: str, text: str, value: object) -> None:
    """Other forms that people and Cassandra's own tools write mean what they say."""
    assert known(name).parse(text) == value


def test_what_is_null_to_cassandra_is_null_when_compared() -> None:
    """An empty collection and a UDT of nulls are null; an inner null, false and zero are not."""
    empty = [[], set(), {}, SortedSet(), OrderedMap(), (None, None)]
    assert [canonical(value) for value in empty] == [None] * len(empty)
    assert canonical((None, 0)) == (None, 0)
    assert canonical([False]) == (False,)


@pytest.mark.parametrize(
    "name",
    [
        "map<int>",
        "vector<float>",
        "vector<float, 0>",
        "list<no>",
        "list<int",
        "list<>",
        "'org.x'",
        "address",
        "",
    ],
)
def test_a_type_that_row_files_cannot_carry_is_refused(name: str) -> None:
    """A type that is unknown or malformed, or a UDT that the keyspace has not, is refused by its name."""
    with pytest.raises(SettingError, match="row files cannot carry the CQL type"):
        cql_type(name)


@pytest.mark.parametrize("name", ["counter", "frozen<list<counter>>"])
def test_counters_are_refused(name: str) -> None:
    """A counter is refused, and the message says why."""
    with pytest.raises(SettingError, match=r"counter columns cannot be loaded: .* count twice"):
        cql_type(name)
