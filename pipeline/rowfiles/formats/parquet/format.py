"""Parquet as a format of row files."""

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.cql.arrowvalues import any_text_of, normalised
from pipeline.cql.columns import Column, Row
from pipeline.cql.types import CqlType
from pipeline.errors import RowFileError
from pipeline.rowfiles.dialect import Dialect
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.csv.writer import row_line
from pipeline.rowfiles.formats.parquet.reader import (
    opened_parquet,
    read_batches,
    rows_of_split,
    splits_of,
)
from pipeline.rowfiles.formats.protocol import Columns, FileFormat, SourceRow
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import FileContent, SourceFile, Split
from pipeline.rowfiles.stores.content import digest_of
from pipeline.rowfiles.stores.paths import FilePath


class Parquet(FileFormat):
    """Parquet files, whose names end in .parquet."""

    name = "parquet"
    has_lines = False
    has_header = True
    rejected_as = "csv"
    is_joinable = False  # to join row groups would encode every row again

    def describe(self, file: FilePath, content: BinaryIO, dialect: Dialect) -> FileContent:
        """Return the digest, the top-level fields' names, and splits within row groups, by the footer."""
        del dialect
        sha256 = digest_of(content)
        try:
            with opened_parquet(file) as opened:
                names, splits = tuple(opened.schema_arrow.names), tuple(splits_of(opened))
        except RowFileError as error:
            return FileContent(sha256=sha256, fault=str(error))
        return FileContent(sha256=sha256, header=names, splits=splits)

    def read(self, file: SourceFile, fields: Sequence[Field], splits: Iterable[Split]) -> Iterator[SplitRows]:
        """Yield the rows of some splits; a row group is decoded from its beginning, whichever are wanted."""
        path = file.place
        for split, columns in read_batches(path, fields, splits):
            yield rows_of_split(path, fields, split, columns)

    def rejected(
        self, file: SourceFile, fields: Sequence[Field], places: Collection[int]
    ) -> Iterator[SourceRow]:
        """Yield a header of the fields' names, then the rows of some numbers."""
        header = [field.name.encode() for field in fields]
        yield SourceRow(header, row_line(header))
        wanted = [
            split
            for split in file.content.splits
            if any(0 <= place - split.first_place < split.place_count for place in places)
        ]
        for split, columns in read_batches(file.place, fields, wanted):
            positions = [at for at in range(split.place_count) if split.first_place + at in places]
            values = [
                _as_bytes(column.take(pa.array(positions)), field.column)
                for column, field in zip(columns, fields, strict=True)
            ]
            for row in zip(*values, strict=True):
                yield SourceRow(row, row_line(row))

    def write(self, path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
        """Write the rows in the types of their columns."""
        types = [column.cql_type for column in columns]
        schema = _schema(columns)
        remaining = iter(rows)
        count = 0
        with pq.ParquetWriter(path, schema) as writer:
            while block := list(itertools.islice(remaining, _WRITTEN_ROWS)):
                arrays = [
                    pa.array(
                        [None if value is None else kind.to_arrow(value) for value in values], kind.arrow
                    )
                    for kind, values in zip(types, zip(*block, strict=True), strict=True)
                ]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
                count += len(block)
        return count

    def encode(self, kind: CqlType, values: Iterable[object]) -> pa.Array:
        """Return values in the Arrow type of their column."""
        if not pa.types.is_string(kind.arrow):
            return pa.array(values, kind.arrow)
        return pa.array([None if value is None else kind.format(value) for value in values], kind.arrow)

    @contextlib.contextmanager
    def writing(
        self, path: Path, columns: Sequence[Column], *, has_header: bool
    ) -> Iterator[Callable[[Columns], object]]:
        """Open the file; yield what appends encoded rows as a row group."""
        del has_header
        schema = _schema(columns)
        with pq.ParquetWriter(path, schema) as writer:
            yield lambda block: writer.write_batch(pa.record_batch(block, schema=schema))


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, column.cql_type.arrow) for column in columns])


def _as_bytes(values: pa.Array, column: Column) -> list[bytes]:
    if pa.types.is_string(values.type):
        # As bytes, because what is wrong with it may be that it is not UTF-8.
        return [value or b"" for value in values.view(pa.binary()).to_pylist()]
    return [any_text_of(column.cql_type, value).encode() for value in normalised(values)]


_WRITTEN_ROWS = 10_000
