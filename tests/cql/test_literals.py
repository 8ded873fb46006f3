"""CQL literals of nested values; the oracles are a writer of literals in this file, and the server itself."""

import json

import msgspec
import pytest
from cassandra.cluster import Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.cql.types import canonical, cql_type
from pipeline.cql.types.cqltype import CqlType, Kind, NestedType
from pipeline.cql.types.literals import reader_of
from tests.harness.values import NESTED, known

PROVE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
USER_TYPES = {"address": {"street": "text", "number": "int"}, "odd": {"Zip Code": "int", "Mixed": "text"}}


def literal(kind: CqlType, tree: object) -> str:
    """Return the literal of what JSON holds for a value, as the documents of CQL have it."""
    if tree is None:
        return "null"
    if not isinstance(kind, NestedType):
        text = tree if isinstance(tree, str) else json.dumps(tree)
        needs_quotes = kind.is_text or kind.takes_moments or ":" in text
        return "'" + text.replace("'", "''") + "'" if needs_quotes else text
    if isinstance(tree, dict) and kind.kind is Kind.USER_TYPE:
        inner = dict(zip(kind.field_names, kind.inner, strict=True))
        pairs = ('"' + name.replace('"', '""') + f'": {literal(inner[name], tree[name])}' for name in tree)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(tree, dict):
        key, item = kind.inner
        names = {name: json.loads(name) if isinstance(key, NestedType) else name for name in tree}
        return (
            "{" + ",".join(f"{literal(key, names[name])}:{literal(item, tree[name])}" for name in tree) + "}"
        )
    assert isinstance(tree, list)
    begin, end = {Kind.SET: ("{", "}"), Kind.TUPLE: ("(", ")")}.get(kind.kind, ("[", "]"))
    inner_types = kind.inner if kind.kind is Kind.TUPLE else kind.inner * len(tree)
    return begin + " , ".join(map(literal, inner_types, tree)) + end


def parsed(kind: CqlType, text: str) -> object:
    """Return the value that a literal stands for."""
    assert isinstance(kind, NestedType)
    return kind.parse(msgspec.json.encode(reader_of(kind)(text)).decode())


@pytest.mark.parametrize("name", NESTED)
def test_a_literal_is_the_value_that_it_was_written_for(name: str) -> None:
    """Every value of every nested type is read back equal from its literal."""
    kind = known(name)

    @PROVE
    @given(value=NESTED[name])
    def prove(value: object) -> None:
        text = literal(kind, json.loads(kind.format(value)))
        assert canonical(parsed(kind, text)) == canonical(value)

    prove()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list<text>", "['a','it''s', '', 'null', '[]{}(),:\"\\']"),
        ("list<text>", "[]"),
        ("set<int>", "{}"),
        ("set<int>", " { 2 , 1,-3 } "),
        ("map<int, int>", "{}"),
        ("map<int, int>", "{10:20,30 :40}"),
        ("map<text, boolean>", "{'a: b': true, 'c': FALSE}"),
        ("tuple<int, text>", "(1, null)"),
        ("tuple<int, text>", "(NULL,'x')"),
        ("frozen<address>", "{street: 'High St', number: 1}"),
        ("frozen<address>", "{Street: 'High St'}"),
        ("frozen<address>", "{number: null, \"street\": ''}"),
        ("frozen<odd>", "{\"Zip Code\": 12, \"Mixed\": 'it''s'}"),
        ("list<frozen<address>>", "[{street: 'a', number: 1}, {number: 2}]"),
        ("map<frozen<list<int>>, text>", "{[1, 2]: 'x', []: 'y'}"),
        ("map<frozen<map<int, text>>, int>", "{{1: 'x'}: 3}"),
        ("list<blob>", "[0x, 0x00fF]"),
        ("list<uuid>", "[123e4567-e89b-42d3-a456-426614174000]"),
        ("list<double>", "[NaN, Infinity, -Infinity, -0.0, 1.5e-3]"),
        ("list<decimal>", "[1.10, 1E+30]"),
        ("map<time, timestamp>", "{'08:09:10.123456789': '2026-11-01 12:30:00.250+0100'}"),
        ("map<date, inet>", "{'2026-11-01': '::1'}"),
        ("list<duration>", "[1y2mo3d4h5m6s7ms8us9ns, -1mo]"),
    ],
)
def test_a_literal_means_what_the_server_takes_it_for(cql: Session, name: str, text: str) -> None:
    """The bytes of a literal are those that the server stores for it in a statement."""
    cql.execute(
        "CREATE KEYSPACE IF NOT EXISTS t_literals WITH replication = "
        "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    )
    cql.execute("CREATE TYPE IF NOT EXISTS t_literals.address (street text, number int)")
    cql.execute('CREATE TYPE IF NOT EXISTS t_literals.odd ("Zip Code" int, "Mixed" text)')
    kind = cql_type(name, USER_TYPES)
    frozen = name if name.startswith("frozen") else f"frozen<{name}>"
    try:
        cql.execute(f"CREATE TABLE t_literals.t (id int PRIMARY KEY, v {frozen})")
        cql.execute(f"INSERT INTO t_literals.t (id, v) VALUES (1, {text})")
        kept = cql.execute("SELECT v FROM t_literals.t").one()["v"]
        assert kind.serialise(kept) == kind.serialise(parsed(kind, text))
    finally:
        cql.execute("DROP TABLE IF EXISTS t_literals.t")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("tuple<int, text>", "(None, 'x')", '[null, "x"]'),
        ("tuple<int, timestamp>", "(1, 'None')", '["1", null]'),
        ("tuple<int, text>", "(1, 'None')", '["1", "None"]'),
        ("frozen<address>", "{street: , number: 1}", '{"street": null, "number": "1"}'),
        ("frozen<address>", "{street: '', number: }", '{"street": "", "number": null}'),
        ("frozen<odd>", "{field_0_: 12, Mixed: 'm'}", '{"Zip Code": "12", "Mixed": "m"}'),
        ("list<boolean>", "[True, False]", '["True", "False"]'),
        ("list<date>", "[2026-11-01]", '["2026-11-01"]'),
        ("map<time, int>", "{08:09:10.123456789: 1}", '{"08:09:10.123456789": "1"}'),
        ("list<timestamp>", "[2026-11-01 12:30:00.250+0000]", '["2026-11-01 12:30:00.250+0000"]'),
        ("map<timestamp, int>", "{2026-11-01T12:30:00Z: 1}", '{"2026-11-01T12:30:00Z": "1"}'),
        ("list<frozen<list<inet>>>", "[['10.0.0.1'], []]", '[["10.0.0.1"], []]'),
    ],
)
def test_what_only_cqlsh_writes_is_read(name: str, text: str, value: str) -> None:
    """None, UDTs' fields without a value or by number, and moments without quotes are what cqlsh means."""
    kind = cql_type(name, USER_TYPES)
    assert isinstance(kind, NestedType)
    assert reader_of(kind)(text) == json.loads(value)
    kind.parse(value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "list<text>",
            '["a"]',
            "such as ['a', …]; character 2 is not expected; --nested-form json reads JSON",
        ),
        ("list<text>", "['a', b]", "expected a CQL literal such as ['a', …]; character 7 is not expected"),
        ("list<text>", "['a'", "it ends too early"),
        ("list<text>", "['a]", "character 2 is not expected"),
        ("list<text>", "['a',]", "character 6 is not expected"),
        ("list<int>", "[1] 2", "character 5 is not expected"),
        ("list<int>", "{1}", "expected a CQL literal such as [1, …]"),
        ("set<int>", "[1]", "such as {1, …}; character 1 is not expected; --nested-form json reads JSON"),
        ("tuple<int, text>", "[1, 'x']", "expected a CQL literal such as (1, 'a')"),
        ("tuple<int, text>", "(1, 'x', 2)", "more values than the 2 that are expected"),
        ("map<text, int>", "{'a'}", "character 5 is not expected"),
        ("map<text, int>", "{'a': 1, 'a': 2}", "two keys of a map are the same"),
        ("map<text, int>", "{null: 1}", "null inside a collection"),
        ("frozen<address>", "{zip: 1}", "no field 'zip' in address"),
        ("frozen<address>", "{'street': 'x'}", "such as {street: 'a', number: 1}; character 2 is"),
        ("frozen<address>", "{number: 1, number: 2}", "two values of the field 'number'"),
        ("frozen<odd>", "{'Zip Code': 1}", 'such as {"Zip Code": 1, "Mixed": \'a\'}'),
        ("list<int>", "null", "expected a CQL literal such as [1, …]"),
        ("list<int>", "", "it ends too early"),
        ("list<int>", "[" * 100_000, "expected a CQL literal such as [1, …]; character 2 is not expected"),
        ("list<text>", "'" * 99_999, "character 1 is not expected"),
        ("list<text>", "[" + '"' * 99_999, "character 2 is not expected"),
    ],
)
def test_what_is_no_literal_is_refused(name: str, text: str, said: str) -> None:
    """JSON, another kind of brackets, and what goes on or ends too early is refused, and says why."""
    kind = cql_type(name, USER_TYPES)
    assert isinstance(kind, NestedType)
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        reader_of(kind)(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "is_named"),
    [
        ("list<text>", "['a', 'b']", True),
        ("set<int>", "{1, 2}", True),
        ("set<int>", "{}", True),
        ("tuple<int, text>", "(1, 'x')", True),
        ("frozen<address>", "{street: 'High St', number: 123}", True),
        ("list<double>", "[NaN]", True),
        ("list<text>", '["a"', False),
        ("list<text>", "{'a': 1}", False),
        ("list<int>", "[99999999999]", False),
        ("list<int>", '["x"]', False),
    ],
)
def test_where_json_is_expected_a_literal_names_the_option(name: str, text: str, *, is_named: bool) -> None:
    """A text that is a literal of its type is refused with the option that reads it, and no other text is."""
    with pytest.raises(ValueError, match=r"JSON|in it") as caught:
        cql_type(name, USER_TYPES).parse(text)
    assert str(caught.value).endswith("; --nested-form cql reads CQL literals") == is_named


@PROVE
@given(
    text=st.text(st.sampled_from("[]{}(),:'\" a1\n0x-null"), max_size=30),
    name=st.sampled_from(sorted(NESTED)),
)
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    """No text ends in another error than the one for a wrong value."""
    kind = known(name)
    assert isinstance(kind, NestedType)
    try:
        found = reader_of(kind)(text)
    except ValueError:
        return
    assert found is not None
