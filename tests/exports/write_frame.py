"""Writes a table's rows with pandas or Polars, as their users would: `write_frame.py pandas csv ROWS TARGET`.

It runs in .venv-exports, and shares nothing with the project. ROWS is a pickle: of each column its name, what
its values are, and these, in Python's own types.
"""

import json
import pickle
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

Column = tuple[str, str, Sequence[Any]]


def main() -> None:
    """Write a file."""
    library, form, source, target = sys.argv[1:]
    columns = pickle.loads(Path(source).read_bytes())  # noqa: S301 - the test's own
    {"pandas": by_pandas, "polars": by_polars}[library](form, columns, Path(target))


def by_pandas(form: str, columns: Sequence[Column], target: Path) -> None:
    """Write by pandas; values that it has no type for are objects."""
    frame = pd.DataFrame({name: _pandas_series(kind, values) for name, kind, values in columns})
    kinds = {name: kind for name, kind, _ in columns}
    if form == "parquet":
        frame.to_parquet(target, index=False)
        return
    for name, kind in kinds.items():
        if kind == "bytes":
            frame[name] = pd.Series(_each(_hex, frame[name]), dtype="str")
        elif kind == "nested" and form == "csv":
            frame[name] = pd.Series(_each(json.dumps, frame[name]), dtype="str")
        elif kind == "date" and form == "jsonl":
            frame[name] = pd.Series(_each(str, frame[name]), dtype="str")
    if form == "csv":
        frame.to_csv(target, index=False, na_rep=NULL)
    else:
        frame.to_json(target, orient="records", lines=True, date_format="iso", double_precision=15)


def by_polars(form: str, columns: Sequence[Column], target: Path) -> None:
    """Write by Polars."""
    frame = pl.DataFrame([_polars_series(name, kind, values, form) for name, kind, values in columns])
    if form == "parquet":
        frame.write_parquet(target)
    elif form == "csv":
        frame.write_csv(target, null_value=NULL)
    else:
        frame.write_ndjson(target)


def _pandas_series(kind: str, values: Sequence[Any]) -> Any:  # noqa: ANN401 - the libraries have no common type
    if kind == "timestamp":
        return pd.to_datetime(pd.Series(values), utc=True, format="ISO8601")
    dtype = {"int": "Int64", "bool": "boolean", "float": "float64", "text": "str"}.get(kind, "object")
    return pd.Series(values, dtype=dtype)


def _polars_series(name: str, kind: str, values: Sequence[Any], form: str) -> pl.Series:
    if kind == "nested" and form == "csv":
        return pl.Series(name, _each(json.dumps, values), pl.String)
    if kind == "bytes" and form != "parquet":
        return pl.Series(name, _each(_hex, values), pl.String)
    if kind == "nested":
        return pl.Series(name, values, strict=False)
    dtypes: dict[str, Any] = {
        "int": pl.Int64,
        "bool": pl.Boolean,
        "float": pl.Float64,
        "text": pl.String,
        "timestamp": pl.Datetime("ms", "UTC"),
        "date": pl.Date,
        "bytes": pl.Binary,
    }
    return pl.Series(name, values, dtypes[kind])


def _each(change: Callable[[Any], str], values: Sequence[Any]) -> list[str | None]:
    return [None if value is None else change(value) for value in values]


def _hex(value: bytes) -> str:
    return value.hex()


NULL = "\\N"

if __name__ == "__main__":
    main()
