"""A table with every CQL type that row files carry, and values that are hard to write as text.

Values are CQL literals, so that the server alone says what they are.
"""

import re
from collections.abc import Mapping, Sequence

USER_TYPES = (
    "pair (one int, two frozen<tuple<int, uuid>>)",
    "address (street text, number int)",
    'odd ("Zip Code" int, "Mixed" text, "class" text, "_x" frozen<list<text>>)',
    "person (name text, home frozen<address>, tags frozen<set<text>>, born date, pair frozen<pair>)",
    '"Camel" (a int)',
)

TEXTS = (
    "plain",
    "a,b;c|d",
    'a "quote", two ""',
    "it's",
    "one\ntwo\n",
    "tab\there",
    "back\\slash \\n \\\\",
    'both \\" and \\',
    " blanks ",
    "\x01\x08\x1b\x1f\x7f",
    "\x85\xa0\u2028",
    "\U0001f600 \xe9 \u4e2d\ufeff",
    "null",
    "NULL",
    "None",
    "NaN",
    "\\N",
    '"',
    "#",
    "[1]",
    '{"a": 1}',
    "0x00",
    "field: {, }: (x",
)
RETURNS = ("one\r\ntwo\r\n", "one\rtwo")
NUL = "nul\0here"


def text(content: str) -> str:
    """Return the literal of a text."""
    return "'" + content.replace("'", "''") + "'"


_UUID_4, _UUID_1 = "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"
_TEXTS = tuple(map(text, (*TEXTS, *RETURNS)))
SCALARS: Mapping[str, Sequence[str]] = {
    "text": _TEXTS,
    "varchar": _TEXTS[:4],
    "ascii": tuple(each for each in _TEXTS if each.isascii()),
    "boolean": ("true", "false"),
    "tinyint": ("-128", "0", "127"),
    "smallint": ("-32768", "32767"),
    "int": ("-2147483648", "2147483647", "0"),
    "bigint": ("-9223372036854775808", "9223372036854775807", "9007199254740993"),
    "varint": (f"-{2**200}", "0", "255"),
    "decimal": ("1.10", "-0.001", "1E+30", "-1E-30", "0E-10", "12345678901234567890.12345"),
    "float": ("0.1", "-0.0", "1.17549435E-38", "1.4E-45", "3.4028235E38", "16777216", "NaN", "-Infinity"),
    "double": (
        *("0.1", "-0.0", "4.9E-324", "1.7976931348623157E308", "0.0012345678901234567", "1234567.890123"),
        *("9007199254740993", "NaN", "Infinity", "-Infinity"),
    ),
    "timestamp": (
        "'2026-11-01T12:30:00.250Z'",
        "'1969-12-31T23:59:59.999Z'",
        "0",
        "'1900-01-01'",
        "'2500-02-28T23:59Z'",
    ),
    "date": ("'2026-11-01'", "'0001-01-01'", "'9999-12-31'", "'1969-12-31'"),
    "time": ("'08:09:10.123456789'", "'00:00:00'", "'23:59:59.999999999'", "'12:00:00.5'"),
    "duration": (
        "1y2mo3d4h5m6s7ms8us9ns",
        "-1mo",
        "1ns",
        "178956970y7mo2147483647d2562047h47m16s854ms775us807ns",
    ),
    "inet": ("'10.0.0.1'", "'::1'", "'2001:db8::ff00:42:8329'", "'255.255.255.255'"),
    "blob": ("0x00ff0a22", "0x22", "0x5c2c"),
    "uuid": (_UUID_4, "00000000-0000-0000-0000-000000000000"),
    "timeuuid": (_UUID_1,),
}


def _sequence(brackets: str, values: Sequence[str]) -> str:
    return f"{brackets[0]}{', '.join(values)}{brackets[1]}"


def _pairs(keys: Sequence[str], items: Sequence[str]) -> str:
    return _sequence("{}", [f"{key}: {items[at % len(items)]}" for at, key in enumerate(keys)])


NESTED: Mapping[str, Sequence[str]] = {
    **{f"list<{name}>": (_sequence("[]", values), "[]") for name, values in SCALARS.items()},
    # Cassandra does not order durations.
    **{
        f"set<{name}>": (_sequence("{}", values), "{}")
        for name, values in SCALARS.items()
        if name != "duration"
    },
    **{
        f"map<{name}, {name}>": (_pairs(values, values), "{}")
        for name, values in SCALARS.items()
        if name != "duration"
    },
    "frozen<list<text>>": ("[]", "['x', '']"),
    "frozen<set<int>>": ("{}", "{2, 1}"),
    "frozen<map<text, int>>": ("{}", "{'': 1, 'a: b, c': 2}"),
    "map<text, frozen<list<int>>>": ("{'k': [1, 2], '': []}",),
    "map<frozen<list<int>>, text>": ("{[1, 2]: 'x', []: ''}",),
    "map<frozen<map<int, text>>, frozen<set<blob>>>": ("{{1: 'x', 2: 'it''s'}: {0x00, 0x}}",),
    "set<frozen<tuple<int, text>>>": ("{(1, 'a'), (2, 'b,''\"')}",),
    "list<frozen<map<text, double>>>": ("[{'a': 0.1}, {}]",),
    "tuple<int, text, blob>": ("(1, 'it''s', 0x00)", "(0, '', 0x)"),
    "tuple<int, uuid>": (f"(1, {_UUID_4})", "(1, null)", "(null, null)"),
    "tuple<bigint, timestamp, decimal>": ("(1, null, null)", "(null, '2026-11-01', 1.10)"),
    "address": (
        "{street: 'High St, 1', number: 1}",
        "{street: null, number: 1}",
        "{street: '', number: null}",
    ),
    "frozen<address>": ("{street: 'it''s', number: 1}", "{number: 1}", "{street: null, number: null}"),
    "list<frozen<address>>": ("[{street: '{,}: \"', number: 1}, {street: null, number: null}]",),
    "map<text, frozen<address>>": ("{'home': {street: 'a', number: 1}}",),
    "frozen<odd>": (
        "{\"Zip Code\": 1, \"Mixed\": 'm', \"class\": 'c', \"_x\": ['a', 'b']}",
        '{"Zip Code": null, "Mixed": \'\', "class": null, "_x": [\'\']}',
    ),
    "frozen<person>": (
        "{name: 'Ada', home: {street: 'a', number: 1}, tags: {'x', 'y'}, pair: {one: 1, two: (2, null)}}",
        "{name: null, home: null, tags: {'z'}, born: '1815-12-10', pair: null}",
    ),
}
VECTORS: Mapping[str, Sequence[str]] = {
    "vector<float, 3>": ("[1, 2.5, -0.1]", "[NaN, Infinity, 0]"),
    "vector<text, 2>": ("['it''s', '']",),
    "vector<frozen<list<int>>, 2>": ("[[1, 2], []]",),
}

EDGES: Mapping[str, Sequence[str]] = {
    "text": ("''", text(NUL)),
    "varchar": ("''",),
    "ascii": ("''",),
    "blob": ("0x",),
    "duration": ("0s",),
    "timestamp": (
        "'0205-03-09T03:42:56.018Z'",
        "'9999-12-30T23:59:59.999Z'",
        "-99999999999999",
        "999999999999999999",
    ),
    "date": ("0", "4294967295", "2146764120"),
    "list<duration>": ("[0s, 1d]", "[0s]"),
    "list<date>": ("[0]",),
    "list<timestamp>": ("['0205-03-09T03:42:56.018Z']",),
    "list<text>": (f"[{text(NUL)}]",),
    "tuple<int, text>": ("(1, null)", "(null, 'x')"),
    "tuple<int, float>": ("(1, null)",),
    "tuple<int, boolean>": ("(1, null)",),
    "tuple<int, frozen<list<int>>>": ("(1, null)",),
    'frozen<"Camel">': ("{a: 1}",),
    "vector<frozen<tuple<int, text>>, 2>": ("[(1, 'a'), (2, 'b')]",),
    "vector<vector<float, 2>, 2>": ("[[1, 2], [3, 4]]",),
}
"""Values that one tool or another loses; each tool says which."""


def column_of(type_name: str) -> str:
    """Return the name of the column of a type."""
    return re.sub(r"\W+", "_", type_name).strip("_").lower()
