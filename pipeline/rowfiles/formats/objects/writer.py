"""Rows as the texts of JSON objects, one by one or by column: null is null."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.columns import Column, Row
from pipeline.cql.types import CqlType
from pipeline.cql.types.cqltype import NestedType
from pipeline.rowfiles.formats.protocol import Columns


def objects_of_rows(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """Yield the object of each row."""
    types = [column.cql_type for column in columns]
    keys = _keys(columns)
    for row in rows:
        members = zip(keys, types, row, strict=True)
        yield "{" + ",".join(f"{key}:{json_of(kind, value)}" for key, kind, value in members) + "}"


def objects_of_columns(columns: Sequence[Column], block: Columns) -> list[str]:
    """Return the objects of some rows, whose columns are encoded by `encoded`."""
    begins = [f"{'{' if at == 0 else ','}{key}:" for at, key in enumerate(_keys(columns))]
    parts = [part for pair in zip(begins, block, strict=True) for part in pair]
    objects: list[str] = pc.binary_join_element_wise(*parts, "}", "").to_pylist()
    return objects


def encoded(kind: CqlType, values: Iterable[object]) -> pa.Array:
    """Return values of a column as JSON."""
    return pa.array([json_of(kind, value) for value in values], pa.string())


def json_of(kind: CqlType, value: object) -> str:
    """Return a value as JSON: numbers, booleans and nested values as such, any other as a string."""
    if value is None:
        return "null"
    text = kind.format(value)
    is_json = isinstance(kind, NestedType) or (not kind.is_text and _IS_JSON.fullmatch(text))
    return text if is_json else json.dumps(text, ensure_ascii=False)


def _keys(columns: Sequence[Column]) -> list[str]:
    return [json.dumps(column.name, ensure_ascii=False) for column in columns]


_IS_JSON = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false")
