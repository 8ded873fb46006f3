"""Values as CQL has them, for a person to read: texts in single quotes, nested values as literals."""

from collections.abc import Mapping

from pipeline.cql.tables import quoted
from pipeline.cql.types.cqltype import PROTOCOL_VERSION, CqlType, Kind, NestedType


def literal_of(kind: CqlType, value: bytes) -> str:
    """Return the CQL literal of a value as the native protocol carries it."""
    return _literal(kind, kind.driver.deserialize(value, PROTOCOL_VERSION))


def _literal(kind: CqlType, value: object) -> str:
    if value is None:
        return "null"
    if isinstance(kind, NestedType):
        return _nested(kind, value)
    text = kind.format(value)
    return "'" + text.replace("'", "''") + "'" if kind.driver.typename in _QUOTED else text


def _nested(kind: NestedType, value: object) -> str:
    if kind.kind is Kind.MAP and isinstance(value, Mapping):
        key, item = kind.inner
        return "{" + ", ".join(f"{_literal(key, k)}: {_literal(item, v)}" for k, v in value.items()) + "}"
    values = list(value) if hasattr(value, "__iter__") else [value]
    each_of = kind.inner if kind.kind in {Kind.TUPLE, Kind.USER_TYPE} else kind.inner * len(values)
    texts = [_literal(each, item) for each, item in zip(each_of, values, strict=False)]
    if kind.kind is Kind.USER_TYPE:
        named = zip(kind.field_names, texts, strict=False)
        return "{" + ", ".join(f"{quoted(name)}: {text}" for name, text in named) + "}"
    begin, end = {Kind.SET: ("{", "}"), Kind.TUPLE: ("(", ")")}.get(kind.kind, ("[", "]"))
    return f"{begin}{', '.join(texts)}{end}"


_QUOTED = {"ascii", "text", "varchar", "timestamp", "date", "time", "inet"}
