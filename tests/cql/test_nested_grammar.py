"""JSON of lists, sets, maps, tuples, UDTs and vectors (docs/values.md); the oracle is the module `json`."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column, encode_values
from pipeline.cql.types import PROTOCOL_VERSION
from tests.harness.meanings import REFUSED, exact, meaning_in, parts
from tests.harness.oracles import KNOWN_TO_OTHERS, ORACLES
from tests.harness.values import USER_TYPES, known

NESTED = [
    *("list<int>", "list<text>", "list<decimal>", "list<timestamp>", "list<blob>", "list<frozen<list<int>>>"),
    *("set<text>", "set<int>", "set<double>", "set<decimal>", "set<frozen<list<int>>>", "set<inet>"),
    *("map<text, int>", "map<int, text>", "map<double, int>", "map<decimal, int>", "map<uuid, date>"),
    *("map<frozen<list<decimal>>, int>", "map<frozen<list<int>>, text>"),
    *("map<text, frozen<map<text, boolean>>>", "map<timestamp, time>"),
    *("tuple<text, int>", "tuple<int, frozen<tuple<double, boolean>>>", "tuple<text>"),
    *("frozen<address>", "list<frozen<address>>", "map<text, frozen<address>>"),
    *("vector<float, 3>", "vector<int, 1>", "vector<text, 2>", "vector<frozen<list<int>>, 2>"),
]
STRANGE = '0123456789 \t\n\x00\x1f\x7f,:"\\[]{}-+.eEnutrfalsNaIiy/\ud7ff\ufeff\uff11é'
KNOWN = [
    "",
    " ",
    "[",
    "]",
    "{}",
    "[]",
    "null",
    "[null]",
    "[[]]",
    "{",
    '{"a"}',
    "[1,]",
    '{"a":1,}',
    "[1 2]",
    "[,1]",
    "[01]",
    "[+1]",
    "[1.]",
    "[.5]",
    "[1e400]",
    "[-0]",
    "[0.0, -0.0]",
    "[1.0]",
    "[1e0]",
    "[9999999999]",
    "[NaN]",
    "[Infinity]",
    "[-Infinity]",
    '["NaN"]',
    '["NaN", "nan"]',
    '["NaN", 1, "NaN", 1]',
    '["Infinity"]',
    "[1, 1]",
    '["a", "a"]',
    "[1.0, 1.00]",
    '{"[1.0]": 1, "[1.00]": 2}',
    '[1, "1", "01"]',
    "[1]x",
    "[1][2]",
    "\ufeff[1]",
    "[1] ",
    "\t[1]\n",
    "['a']",
    "{a: 1}",
    "{'a': 1}",
    "// x\n[1]",
    "[1] # x",
    "(1, 2)",
    "{1, 2}",
    "[true, false]",
    "[True]",
    "True",
    '["\\ud800"]',
    '["\\ud83d\\ude00"]',
    '["\\u0000"]',
    '["\\x41"]',
    '["a\nb"]',
    '["a\x00"]',
    '["\\/"]',
    '{"\\ud800": 1}',
    '{"street": "\\ud800"}',
    '{"street": null, "street": "x"}',
    '{"a": 1, "a": 1}',
    '{"": 1}',
    '{"NaN": 1, "nan": 2}',
    '{"0.0": 1, "-0.0": 2}',
    '{"1": "a", "01": "b"}',
    '{"1.0": 1, "1.00": 2}',
    '{"1": 1.0}',
    '{"[1]": "a", "[01]": "b"}',
    '{"[1]": "a", "[ 1]": "b"}',
    '{"[1]": "a"}',
    '{"a": null}',
    '{"a": []}',
    '{"a": {}}',
    '{"street": "x"}',
    '{"number": 5}',
    '{"street": "x", "number": "5"}',
    '{"street": "x", "no": null}',
    '{"Street": "x"}',
    '["x", 1]',
    "[null, null]",
    '["x"]',
    '["x", 1, 2]',
    '{"0": "x", "1": 1}',
    '[1, [0.5, "true"]]',
    '[1, "[0.5, true]"]',
    "[0.1, 0.2, 0.3]",
    "[1, 2]",
    "[1, 2, 3, 4]",
    "[1, null, 3]",
    "[3.5e38, 0, 0]",
    '["NaN", "inf", "-inf"]',
    "[" + "9" * 4300 + "]",
    "[" + "9" * 4301 + "]",
    "[1e99999999999]",
    "[0." + "1" * 5000 + "]",
    "[" * 10**4,
    "[" * 10**4 + "]" * 10**4,
    '{"a":' * 10**4,
    '{"' + "[" * 10**4 + '": 1}',
    '["' + "x" * 10**4 + '"]',
]


def column(type_name: str) -> Column:
    """Return a column of this type."""
    return Column("value", type_name, is_key=False, user_types=USER_TYPES)


def check(type_name: str, texts: list[str]) -> None:
    """Compare both encoders with the oracle, position by position."""
    expected = [meaning_in(type_name, text) for text in texts]
    driver = known(type_name).driver
    for encode in (encode_column, encode_values):
        encoded, reasons = encode(column(type_name), pa.array(texts, pa.string()))
        found = [
            REFUSED if value is None else exact(driver.deserialize(value, PROTOCOL_VERSION))
            for value in encoded.to_pylist()
        ]
        for text, one, other in zip(texts, found, expected, strict=True):
            assert one == other, f"{text[:100]!r}"
        assert sorted(reasons) == [at for at, meaning in enumerate(expected) if meaning is REFUSED]
        for reason in reasons.values():
            assert len(reason) < 300
            assert "class" not in reason
            reason.encode()


@st.composite
def values(draw: st.DrawFn, type_name: str) -> Any:  # noqa: ANN401, PLR0911 - what JSON may have; one a type
    """Draw the JSON value of a type: numbers and truth values as such, or as text."""
    outer, inner = parts(type_name)
    if outer == "frozen":
        return draw(values(inner[0]))
    if type_name in USER_TYPES:
        fields = draw(st.permutations([*USER_TYPES[type_name].items()]))
        kept = fields[: draw(st.integers(0, len(fields)))]
        return {name: draw(st.none() | values(kind)) for name, kind in kept}
    if outer == "tuple":
        return [draw(st.none() | values(kind)) for kind in inner]
    if outer == "vector":
        return draw(st.lists(values(inner[0]), min_size=int(inner[1]), max_size=int(inner[1])))
    if outer in {"list", "set"}:
        return draw(st.lists(values(inner[0]), max_size=3))
    if outer == "map":
        keys = values(inner[0]).map(lambda key: key if isinstance(key, str) else json.dumps(key))
        return draw(st.dictionaries(keys, values(inner[1]), max_size=3))
    text = draw(st.from_regex(ORACLES[type_name][1], fullmatch=True) | st.sampled_from(KNOWN_TO_OTHERS))
    if draw(st.booleans()):
        try:
            plain = json.loads(text)
        except ValueError:
            return text
        return plain if isinstance(plain, int | float | bool) and json.dumps(plain) == text else text
    return text


@st.composite
def texts(draw: st.DrawFn, type_name: str) -> str:
    """Draw a JSON text of the type, one with a letter changed, one of another type, or a known one."""
    text = json.dumps(
        draw(values(type_name)),
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])),
    )
    kind = draw(st.integers(0, 6))
    at = draw(st.integers(0, len(text)))
    letter = draw(st.sampled_from(STRANGE))
    if kind == 0:
        return text[:at] + letter + text[at:]
    if kind == 1:
        return text[:at] + letter + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at + 1 :]
    if kind == 3:
        return draw(st.sampled_from(KNOWN))
    return json.dumps(draw(values(draw(st.sampled_from(NESTED))))) if kind == 4 else text


@pytest.mark.parametrize("type_name", NESTED)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_json_text_is_what_it_says_or_refused(type_name: str, data: st.DataObject) -> None:
    """Alone and among others: a text of JSON and its elements' grammar has its value, any other is bad."""
    found = data.draw(st.lists(texts(type_name), min_size=1, max_size=4))
    check(type_name, found[:1])
    check(type_name, found)


@pytest.mark.parametrize("type_name", NESTED)
def test_known_json_is_what_it_says_or_refused(type_name: str) -> None:
    """Each of the known texts: duplicates, NaN, huge numbers, deep nesting, lone surrogates and others."""
    check(type_name, KNOWN)
