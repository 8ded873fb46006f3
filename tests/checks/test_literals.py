import pytest

from pipeline.checks.literals import literal_of
from pipeline.cql.types import cql_type

POINT = {"point": {"x": "int", "name": "text"}}


@pytest.mark.parametrize(
    ("type_name", "text", "literal"),
    [
        ("int", "7", "7"),
        ("text", "it's", "'it''s'"),
        ("blob", "0x00ff", "0x00ff"),
        ("uuid", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-42d3-a456-426614174000"),
        ("date", "2026-11-28", "'2026-11-28'"),
        ("timestamp", "2026-11-28T01:02:03Z", "'2026-11-28T01:02:03.000Z'"),
        ("duration", "1d2h", "P1DT2H"),
        ("list<int>", "[2, 1]", "[2, 1]"),
        ("set<text>", '["b", "a"]', "{'a', 'b'}"),
        ("map<text, int>", '{"a": 1}', "{'a': 1}"),
        ("tuple<int, text>", "[1, null]", "(1, null)"),
        ("frozen<point>", '{"x": 1, "name": "n"}', '{"x": 1, "name": \'n\'}'),
    ],
)
def test_values_are_shown_as_cql_has_them(type_name: str, text: str, literal: str) -> None:
    """A value is shown as one would write it in a CQL statement."""
    kind = cql_type(type_name, POINT)
    assert literal_of(kind, kind.serialise(kind.parse(text))) == literal
