"""Row files of the tests: how they are written, and how their rows are read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from pipeline.cql.columns import Column, Row
from pipeline.rowfiles.badrows import BadRow
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field, match_fields
from pipeline.rowfiles.files import read_rows, read_splits
from pipeline.rowfiles.headers import Header
from pipeline.rowfiles.jobs import RowsToRead
from pipeline.rowfiles.sources import describe_file
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.settings.columns import ColumnsConfig

FORMATS = pytest.mark.parametrize("file_format", ["csv", "parquet", "jsonl", "json"])
NAMES = [
    Column("id", "int", is_key=True),
    Column("name", "text", is_key=False),
    Column("born", "date", is_key=False),
]
SOME: list[Row] = [(1, "Ada", date(1815, 12, 10)), (2, 'a "b", c\n\rd\r\n', None), (3, None, None)]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Return a file with this content."""
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def read(file: Path, columns: Sequence[Column] = NAMES) -> list[Row]:
    """Return all rows of one file."""
    return list(read_rows(RowsToRead(files=(describe_file(file),)), columns))


def splits_of_file(
    file: FilePath,
    fields: Sequence[Field],
    wanted: Collection[int] | None = None,
    *,
    dialect: Dialect | None = None,
) -> Iterator[SplitRows]:
    """Describe a file and read its splits, or only the splits with these numbers."""
    described = describe_file(file, dialect)
    splits = described.content.splits
    return read_splits(
        described, fields, [split for split in splits if wanted is None or split.number in wanted]
    )


def read_or_fault(file: Path, fields: Sequence[Field]) -> tuple[str, list[tuple[object, ...]], list[BadRow]]:
    """Return why a file cannot be read, its rows, each behind its place and line, and its bad rows."""
    rows: list[tuple[object, ...]] = []
    bad: list[BadRow] = []
    described = describe_file(file)
    if described.content.fault:
        return described.content.fault, [], []
    for split in read_splits(described, fields):
        values = [column.to_pylist() for column in split.columns]
        rows += zip(split.places.tolist(), split.lines.tolist(), *values, strict=True)
        bad += split.bad
    return "", rows, bad


def mapped(columns: Sequence[Column], mapping: Mapping[str, str]) -> list[Field]:
    """Return the fields of JSON objects that a mapping names; without one, those of the columns' names."""
    config = ColumnsConfig(mapping=tuple(mapping.items()))
    return match_fields(Header(Path("rows.json"), None, is_text=True), columns, config)
