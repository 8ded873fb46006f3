import math
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest
from cassandra.util import Date, Duration, OrderedMap, SortedSet, Time
from hypothesis import HealthCheck, given, settings

from pipeline.cql.types import PROTOCOL_VERSION, canonical, cql_type
from pipeline.errors import SettingError
from tests.harness.values import (
    EVERY_TYPE,
    known,
)

PROVE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", EVERY_TYPE)
def test_a_value_survives_its_text_its_bytes_and_its_arrow_form(name: str) -> None:
    """Every value is read back equal from its text and from the driver's bytes; Parquet can hold it."""
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
    """Malformed, out of range or ambiguous text raises an error of a documented kind."""
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
    """Other forms of text, which people and Cassandra's own tools write, have the documented value."""
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
    """An unknown or malformed type, or a UDT that the keyspace lacks, is refused by its name."""
    with pytest.raises(SettingError, match="row files cannot carry the CQL type"):
        cql_type(name)


@pytest.mark.parametrize("name", ["counter", "frozen<list<counter>>"])
def test_counters_are_refused(name: str) -> None:
    """A counter is refused, and the message says why."""
    with pytest.raises(SettingError, match=r"counter columns cannot be loaded: .* count twice"):
        cql_type(name)
