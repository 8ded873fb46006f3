"""Every CQL type that row files can hold, and strategies for its values."""

import socket

from cassandra.util import Date, Duration, OrderedMap, SortedSet, Time
from hypothesis import strategies as st

from pipeline.cql.types import CqlType, cql_type

USER_TYPES = {
    "address": {"street": "text", "number": "int"},
    'Odd "Name': {"where": "frozen<address>", "tags": "frozen<set<text>>", "Since": "date"},
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# An IPv4-mapped IPv6 address is stored as IPv4.
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
    # Cassandra does not order durations: none is in a set or a key.
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
