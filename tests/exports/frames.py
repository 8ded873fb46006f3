"""Rows of a table in Python's own types, for pandas and Polars, which have no types for all of CQL's.

What they have no type for is text in this project's usual forms, as its users would write it.
"""

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.cql.types import CqlType, canonical, cql_type
from pipeline.cql.types.cqltype import Kind, NestedType
from pipeline.cql.types.nested import pairs_of
from pipeline.embedded import Endpoint
from tests.exports.programs import run_foreign
from tests.exports.values import column_of
from tests.harness.sessions import connected

KINDS: Mapping[str, str] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "int"),
    **dict.fromkeys(("float", "double"), "float"),
    "boolean": "bool",
    "timestamp": "timestamp",
    "date": "date",
    "blob": "bytes",
}
"""What a library has of a scalar type; of any other, text."""


def frame_to(
    library: str, form: str, table: str, types: Sequence[str], endpoint: Endpoint, folder: Path
) -> Path:
    """Write a table by `pandas` or `polars`, as `csv`, `jsonl` or `parquet`."""
    keyspace, _, name = table.partition(".")
    with connected(endpoint) as session:
        user_types = {
            each.name: dict(zip(each.field_names, each.field_types, strict=True))
            for each in session.cluster.metadata.keyspaces[keyspace].user_types.values()
        }
        rows = sorted(session.execute(f"SELECT * FROM {keyspace}.{name}"), key=lambda row: int(row["id"]))
    columns: list[tuple[str, str, list[Any]]] = [("id", "int", [row["id"] for row in rows])]
    for type_name in types:
        kind = cql_type(type_name, user_types)
        # Polars has no maps, and pandas none in Parquet: both would make structs of all keys.
        is_text = _has_map(kind) and (form == "parquet" or (library, form) == ("polars", "jsonl"))
        of_kind = "nested" if isinstance(kind, NestedType) and not is_text else KINDS.get(type_name, "text")
        cells = [_plain(kind, row[column_of(type_name)], form if not is_text else "text") for row in rows]
        texts = [None if cell is None else json.dumps(cell) for cell in cells] if is_text else cells
        columns.append((column_of(type_name), of_kind, texts))
    source, target = folder / "rows.pickle", folder / f"{library}.{form}"
    source.write_bytes(pickle.dumps(columns))
    script = Path(__file__).with_name("write_frame.py")
    said = run_foreign(str(script), library, form, str(source), str(target), folder=folder)
    if not target.exists() or "Traceback" in said:
        raise RuntimeError(said)
    return target


def _has_map(kind: CqlType) -> bool:
    return isinstance(kind, NestedType) and (kind.kind is Kind.MAP or any(map(_has_map, kind.inner)))


def _plain(kind: CqlType, value: Any, form: str, *, is_inside: bool = False) -> object:  # noqa: ANN401 - a value
    """Return a value of the driver in Python's own types; inside of JSON in those that JSON has."""
    if value is None:
        return None
    if isinstance(kind, NestedType):
        return _plain_nested(kind, value, form)
    in_json = _text_in_json(kind, value) if is_inside and form != "parquet" else None
    return _own_type(kind, value) if in_json is None else in_json


def _text_in_json(kind: CqlType, value: Any) -> str | None:  # noqa: ANN401 - a value
    """Return a value as text, inside of JSON; None where JSON has values of its own for the type."""
    name = KINDS.get(str(kind.driver.typename), "text")
    if name == "bytes":
        return str(value.hex())
    if name in {"int", "bool"} or (name == "float" and math.isfinite(value)):
        return None
    return kind.format(canonical(value) if name == "timestamp" else value)


def _own_type(kind: CqlType, value: Any) -> object:  # noqa: ANN401 - a value
    name = KINDS.get(str(kind.driver.typename), "text")
    if name == "timestamp":
        moment = canonical(value)
        assert isinstance(moment, datetime)
        return moment.replace(tzinfo=UTC)
    if name == "date":
        return value.date()
    return kind.format(value) if name == "text" else value


def _plain_nested(kind: NestedType, value: Any, form: str) -> object:  # noqa: ANN401 - a value
    if kind.kind is Kind.MAP:
        key, item = kind.inner
        return {
            name.hex() if isinstance(name, bytes) else key.format(name): _plain(
                item, each, form, is_inside=True
            )
            for name, each in pairs_of(value)
        }
    if kind.kind in {Kind.TUPLE, Kind.USER_TYPE}:
        pairs = zip(kind.inner, value, strict=True)
        items = [_plain(inner, each, form, is_inside=True) for inner, each in pairs]
        if kind.kind is Kind.USER_TYPE:
            return dict(zip(kind.field_names, items, strict=True))
        # Arrow's lists are of one type; a struct's order is that of the tuple.
        return {f"f{at}": item for at, item in enumerate(items)} if form == "parquet" else items
    return [_plain(kind.inner[0], each, form, is_inside=True) for each in value]
