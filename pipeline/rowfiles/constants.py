"""Columns that no field of a file feeds: the same value in each row, or the place of the row."""

import functools
import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cql.encoding import encode_column
from pipeline.errors import SettingError
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.splitrows import SplitRows


def with_constants(split_rows: SplitRows, read: Sequence[Field], fields: Sequence[Field]) -> SplitRows:
    """Return the rows of a split, which has the fields `read`, with a column for each of `fields`."""
    by_name = {field.name: column for field, column in zip(read, split_rows.columns, strict=True)}
    return split_rows.with_columns(
        [
            by_name[field.name] if field.constant is None else _column(split_rows, field.constant)
            for field in fields
        ]
    )


def require_values(fields: Sequence[Field]) -> None:
    """Return if each constant is a value of its column.

    Raises:
        SettingError: one is not.
    """
    for field in fields:
        if field.constant is not None:
            _, wrong = encode_column(field.column, pa.array([_filled(field.constant, "rows.csv", "1")]))
            for reason in wrong.values():
                raise SettingError(f"constants: column {field.column.name}: {reason}")


def _column(split_rows: SplitRows, constant: str) -> pa.Array:
    count = len(split_rows.columns[0])
    name = split_rows.file.name
    if _LINE not in constant:
        return pa.repeat(pa.scalar(_filled(constant, name, "")), count)
    lines = pa.array(split_rows.lines).cast(pa.string())
    parts = [pa.scalar(_filled(part, name, "")) for part in constant.split(_LINE)]
    return functools.reduce(lambda so_far, part: pc.binary_join_element_wise(so_far, lines, part, ""), parts)


def _filled(constant: str, file: str, line: str) -> str:
    filling = {_FILE: file, _LINE: line}
    return re.sub(f"{_FILE}|{_LINE}", lambda found: filling[found[0]], constant)


_FILE, _LINE = "{file}", "{line}"
