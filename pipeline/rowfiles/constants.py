"""Columns that no field of a file feeds: the same value in each row, or the place of the row."""

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
            example = re.sub(f"{_LINE}|{_ROW}", "1", field.constant.replace(_FILE, "rows.csv"))
            _, wrong = encode_column(field.column, pa.array([example]))
            for reason in wrong.values():
                raise SettingError(f"constants: column {field.column.name}: {reason}")


def _column(split_rows: SplitRows, constant: str) -> pa.Array:
    of_split: dict[str, pa.Array | pa.Scalar] = {_FILE: pa.scalar(split_rows.file.name)}
    if _LINE in constant:
        of_split[_LINE] = pa.array(split_rows.lines).cast(pa.string())
    if _ROW in constant:
        of_split[_ROW] = pa.array(split_rows.places).cast(pa.string())
    parts = re.split(f"({_FILE}|{_LINE}|{_ROW})", constant)
    joined = pc.binary_join_element_wise(*(of_split.get(part, pa.scalar(part)) for part in parts), "")
    return pa.repeat(joined, len(split_rows.columns[0])) if isinstance(joined, pa.Scalar) else joined


_FILE, _LINE, _ROW = "{file}", "{line}", "{row}"
